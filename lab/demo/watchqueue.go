package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// queueWatcher looks at a ScaledObject, the queue that it follows, its pods and their nodes.
type queueWatcher struct {
	*film
	client    kubernetes.Interface
	decisions func(ctx context.Context) ([]Decision, error)
	messages  func(ctx context.Context) (visible, inFlight int, err error)
	most      int32 // replicas allowed
	tally     tally
}

// look adds one point, and the decisions made since the last one. The logs that it begins to follow end with ctx.
func (w *queueWatcher) look(ctx context.Context) error {
	// The answers before the messages: one that is answered in between is missed once, and not counted twice.
	p := Point{At: time.Since(w.began), Answered: w.tally.sum()}
	var err error
	if p.Visible, p.InFlight, err = w.messages(ctx); err != nil {
		return err
	}
	d, err := w.client.AppsV1().Deployments(vllm).Get(ctx, model, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("read the deployment: %w", err)
	}
	p.Desired, p.Ready = *d.Spec.Replicas, d.Status.ReadyReplicas
	nodes, err := w.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "karpenter.sh/nodepool=" + pool})
	if err != nil {
		return fmt.Errorf("list the pool's nodes: %w", err)
	}
	p.Nodes = len(nodes.Items)
	pods, err := w.client.CoreV1().Pods(vllm).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list the model's pods: %w", err)
	}
	p.Pods = len(pods.Items)
	for i := range pods.Items {
		if pods.Items[i].Status.Phase == corev1.PodRunning {
			p.Started++
			w.follow(ctx, pods.Items[i].Name)
		}
	}
	made, err := w.decisions(ctx)
	if err != nil {
		return err
	}
	w.add(p, w.most, made)
	return nil
}

// follow counts what a pod's worker answers, from the beginning of its log to the end, unless that is being done.
func (w *queueWatcher) follow(ctx context.Context, pod string) {
	if !w.tally.begin(pod) {
		return
	}
	log, err := w.client.CoreV1().Pods(vllm).GetLogs(pod, &corev1.PodLogOptions{Container: "sqs-consumer", Follow: true}).Stream(ctx)
	if err != nil {
		w.tally.giveUp(pod) // the container starts only now; the next look tries again
		return
	}
	w.tally.following.Go(func() {
		defer func() { _ = log.Close() }() // read to its end
		for lines := bufio.NewScanner(log); lines.Scan(); {
			w.tally.read(lines.Bytes())
		}
	})
}

// tally counts answers by the workers' logs.
type tally struct {
	following sync.WaitGroup

	mu       sync.Mutex // guards what follows
	pods     map[string]bool
	answered map[string]int // by message
}

func (t *tally) begin(pod string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pods[pod] {
		return false
	}
	if t.pods == nil {
		t.pods, t.answered = map[string]bool{}, map[string]int{}
	}
	t.pods[pod] = true
	return true
}

func (t *tally) giveUp(pod string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.pods, pod)
}

func (t *tally) read(line []byte) {
	var said struct{ Msg, Message string }
	if err := json.Unmarshal(line, &said); err != nil || said.Msg != "answered" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answered[said.Message]++
}

// sum is how many messages were answered.
func (t *tally) sum() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.answered)
}

// twice is how many of them were answered more than once.
func (t *tally) twice() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, times := range t.answered {
		if times > 1 {
			n++
		}
	}
	return n
}
