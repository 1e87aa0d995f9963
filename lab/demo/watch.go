package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// watcher collects the timeline of one HPA and its deployment.
type watcher struct {
	client    kubernetes.Interface
	decisions func(ctx context.Context) ([]Decision, error)
	namespace string
	name      string
	began     time.Time
	answers   atomic.Int64 // "OK!" seen in the load generator's log

	mu   sync.Mutex // guards what follows
	line Timeline
	seen map[time.Time]bool // decisions noted already
	mark struct {           // where Rate was counted last
		at      time.Time
		answers int64
	}
}

// look adds one point, and the decisions made since the last one.
func (w *watcher) look(ctx context.Context) error {
	hpa, err := w.client.AutoscalingV2().HorizontalPodAutoscalers(w.namespace).Get(ctx, w.name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("read the HPA: %w", err)
	}
	d, err := w.client.AppsV1().Deployments(w.namespace).Get(ctx, w.name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("read the deployment: %w", err)
	}
	made, err := w.decisions(ctx)
	if err != nil {
		return fmt.Errorf("read the decisions: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	p := Point{At: now.Sub(w.began), CPU: utilization(hpa), Target: target(hpa), Ready: d.Status.ReadyReplicas, Rate: w.rate(now)}
	p.Desired = *d.Spec.Replicas
	w.line.Max = hpa.Spec.MaxReplicas
	w.line.Points = append(w.line.Points, p)
	w.note(made)
	return nil
}

// note adds the decisions that changed the size; made is in any order.
func (w *watcher) note(made []Decision) {
	for _, d := range made {
		if d.From == d.To || d.At.Before(w.began) || w.seen[d.At] {
			continue
		}
		w.seen[d.At] = true
		w.line.Notes = append(w.line.Notes, Note{At: d.At.Sub(w.began), From: d.From, To: d.To, Why: d.Why})
	}
}

// rate is the answers a second since it was last asked, at least a second apart.
func (w *watcher) rate(now time.Time) float64 {
	n := w.answers.Load()
	since := now.Sub(w.mark.at)
	if since < time.Second && len(w.line.Points) > 0 {
		return w.line.last().Rate
	}
	r := float64(n-w.mark.answers) / since.Seconds()
	w.mark.at, w.mark.answers = now, n
	return max(r, 0)
}

// timeline returns a copy of what was seen so far.
func (w *watcher) timeline() Timeline {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.line
	t.Points = append([]Point(nil), w.line.Points...)
	t.Notes = append([]Note(nil), w.line.Notes...)
	return t
}

// countAnswers follows the log of a pod and counts the web server's answers
// in it, until the log ends.
func (w *watcher) countAnswers(ctx context.Context, pod string) error {
	log, err := w.client.CoreV1().Pods(w.namespace).GetLogs(pod, &corev1.PodLogOptions{Follow: true}).Stream(ctx)
	if err != nil {
		return fmt.Errorf("follow the log of %s: %w", pod, err)
	}
	defer func() { _ = log.Close() }() // read to its end
	buf := make([]byte, 32<<10)
	for {
		n, err := log.Read(buf)
		w.answers.Add(int64(bytes.Count(buf[:n], []byte("!"))))
		if err == io.EOF || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("follow the log of %s: %w", pod, err)
		}
	}
}

// utilization is the CPU in percent of the request as the status shows it, -1 while unknown.
func utilization(h *autoscalingv2.HorizontalPodAutoscaler) float64 {
	for _, m := range h.Status.CurrentMetrics {
		if m.Resource != nil && m.Resource.Name == corev1.ResourceCPU && m.Resource.Current.AverageUtilization != nil {
			return float64(*m.Resource.Current.AverageUtilization)
		}
	}
	return -1
}

func target(h *autoscalingv2.HorizontalPodAutoscaler) float64 {
	for _, m := range h.Spec.Metrics {
		if m.Resource != nil && m.Resource.Name == corev1.ResourceCPU && m.Resource.Target.AverageUtilization != nil {
			return float64(*m.Resource.Target.AverageUtilization)
		}
	}
	return 0
}

// count keeps following the load generator's log, from when its pod is there until ctx ends.
func (w *watcher) count(ctx context.Context) {
	for ctx.Err() == nil {
		if err := w.countAnswers(ctx, generator); err == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(refresh): // the container is not running yet
		}
	}
}

func (w *watcher) title(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line.Title = text
}
