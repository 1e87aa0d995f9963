package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
	corev1 "k8s.io/api/core/v1"
)

// answers is what the workers' logs say of messages, read to the end of each pod.
type answers struct {
	lab *labtest.Lab

	following sync.WaitGroup

	mu       sync.Mutex // guards what follows
	pods     map[string]bool
	answered map[string]int // by message
	by       map[string]int // by pod
	again    int            // answers to messages that had been received before
	troubles []string       // lines above the level of information
}

func newAnswers(l *labtest.Lab) *answers {
	return &answers{lab: l, pods: map[string]bool{}, answered: map[string]int{}, by: map[string]int{}}
}

// follow reads the log of a pod's worker from its beginning, unless that is being done.
func (a *answers) follow(ctx context.Context, pod string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pods[pod] {
		return
	}
	log, err := a.lab.Client.CoreV1().Pods("vllm").GetLogs(pod, &corev1.PodLogOptions{Container: "sqs-consumer", Follow: true}).Stream(ctx)
	if err != nil {
		return // the container starts only now: the next look tries again
	}
	a.pods[pod] = true
	a.following.Go(func() {
		defer func() { _ = log.Close() }() // read to its end
		for lines := bufio.NewScanner(log); lines.Scan(); {
			a.read(pod, lines.Bytes())
		}
	})
}

func (a *answers) read(pod string, line []byte) {
	var said struct {
		Level, Msg, Message string
		Received            int
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	// The walkthrough's queue has no dead letters, which a worker says once.
	if err := json.Unmarshal(line, &said); err != nil || said.Level != "INFO" && said.Msg != "no_dead_letters" {
		a.troubles = append(a.troubles, pod+": "+string(line))
		return
	}
	if said.Msg != "answered" {
		return
	}
	a.answered[said.Message]++
	a.by[pod]++
	if said.Received != 1 {
		a.again++
	}
}

// checks is for when the pods are gone: their logs end then.
func (a *answers) checks(t *testing.T) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		a.following.Wait()
	}()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Error("the log of a pod that is gone has not ended within 30s")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	t.Logf("%d pods answered %d messages: %v", len(a.by), len(a.answered), a.by)
	for id, n := range a.answered {
		if n != 1 {
			t.Errorf("message %s was answered %d times", id, n)
		}
	}
	if len(a.answered) != prompts || a.again != 0 {
		t.Errorf("%d of %d messages were answered, %d of them not at the first time", len(a.answered), prompts, a.again)
	}
	if len(a.pods) != mostPods {
		t.Errorf("%d pods have written a log, want %d", len(a.pods), mostPods)
	}
	for _, line := range a.troubles {
		t.Errorf("a worker is in trouble: %s", line)
	}
}
