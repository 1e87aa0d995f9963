package demo

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	vllm   = "vllm"
	model  = "model-qwen3-4b-fp8"
	scaler = model + "-scaler"
	pool   = "gpu-nodepool"

	// drainAtMost is the end of the walkthrough's timeline.
	drainAtMost = 8 * time.Minute
	// emptyAtMost bounds the wait for nodes to go on a slow machine.
	emptyAtMost = time.Minute
)

// The walkthrough's nodes go a minute after they are empty, one after the other.
const sooner = `{"spec":{"disruption":{"consolidateAfter":"5s","budgets":[{"nodes":"100%"}]}}}`

// queue is part 2.
func (s *show) queue(ctx context.Context) error {
	if err := s.deployQueue(ctx); err != nil {
		return err
	}
	w, err := s.watchQueue(ctx)
	if err != nil {
		return err
	}
	if err := s.drain(ctx, w); err != nil {
		return err
	}
	t := w.timeline()
	s.tell(QueueSummary(t, w.tally.twice()))
	t.Title = "Furl: a model on GPUs, from zero to a full queue and back"
	if err := s.draw(pictureOf(s.Picture), t); err != nil {
		return err
	}
	for _, what := range [][]string{{"job", "prompt-generator", "-n", "keda"}, {"namespace", "keda", vllm}, {"nodepool", pool}} {
		if err := s.quietly(ctx, append([]string{"delete"}, what...)...); err != nil {
			return err
		}
	}
	return nil
}

func (s *show) queueFile(name string) string {
	return filepath.Join(s.Examples, "keda", filepath.FromSlash(name))
}

func (s *show) deployQueue(ctx context.Context) error {
	s.say("Part 2: a model that needs a GPU, at 0 replicas; nodes that Karpenter makes for it; a ScaledObject: a replica for each 5 messages, 10 at most.")
	for _, name := range []string{
		"namespace.yaml", "keda-service-account.yaml", "vllm-qwen3/namespace.yaml", "sqs-reader-service-account.yaml",
		"../../../nodepools/gpu-nodepool.yaml", "vllm-qwen3/model-qwen3-4b-fp8-with-sqs.yaml", "scaledObject.yaml",
	} {
		if err := s.run(ctx, "apply", "-f", s.queueFile(name)); err != nil {
			return err
		}
	}
	if err := s.run(ctx, "wait", "--for=condition=Ready", "scaledobject/"+scaler, "-n", vllm, "--timeout=60s"); err != nil {
		return err
	}
	return s.run(ctx, "get", "scaledobject", "-n", vllm)
}

func (s *show) watchQueue(ctx context.Context) (*queueWatcher, error) {
	said, err := s.Kubectl(ctx, "get", "scaledobject", scaler, "-n", vllm, "-o", "jsonpath={.spec.maxReplicaCount}")
	if err != nil {
		return nil, fmt.Errorf("read the ScaledObject: %w: %s", err, said)
	}
	most, err := strconv.ParseInt(strings.TrimSpace(said), 10, 32)
	if err != nil {
		return nil, fmt.Errorf("maxReplicaCount of %s: %w", scaler, err)
	}
	return &queueWatcher{
		client: s.client, messages: s.Messages, most: int32(most),
		film: newFilm(Timeline{Title: model + ", 50 prompts", Panels: queuePanels(), Words: func(p Point) string {
			return fmt.Sprintf("messages %d waiting, %d in flight, %d answered  replicas %d desired, %d started, %d ready  nodes %d",
				p.Visible, p.InFlight, p.Answered, p.Desired, p.Started, p.Ready, p.Nodes)
		}}),
		decisions: func(ctx context.Context) ([]Decision, error) { return s.decisionsOf(ctx, vllm, "scaledobject."+scaler) },
	}, nil
}

// drain fills the queue and looks on until pods and nodes are gone again.
func (s *show) drain(ctx context.Context, w *queueWatcher) error {
	ctx, stop := context.WithCancel(ctx)
	defer w.tally.following.Wait()
	defer stop()
	s.say("Prompts: a job sends 50 within 25 seconds.")
	if err := s.run(ctx, "apply", "-f", s.queueFile("prompt-generator-job.yaml")); err != nil {
		return err
	}
	if err := s.phase(ctx, w, drainAtMost, drained); err != nil {
		return err
	}
	w.title(model + ", the nodes go")
	if err := s.quietly(ctx, "patch", "nodepool", pool, "--type=merge", "--patch", sooner); err != nil {
		return err
	}
	return s.phase(ctx, w, emptyAtMost, func(t Timeline) bool { return t.last().Nodes == 0 })
}

// drained says that there was work, and that neither it nor anybody who did it is left.
func drained(t Timeline) bool {
	now := t.last()
	return now.Answered > 0 && now.Visible+now.InFlight == 0 && now.Desired == 0 && now.Pods == 0
}
