package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// webWatcher looks at an HPA, its deployment and its load.
type webWatcher struct {
	*film
	client    kubernetes.Interface
	decisions func(ctx context.Context) ([]Decision, error)
	answers   atomic.Int64 // "OK!" seen in the load generator's log
	mark      struct {     // where the rate was counted last
		at      time.Time
		answers int64
		rate    float64
	}
}

// look adds one point, and the decisions made since the last one.
func (w *webWatcher) look(ctx context.Context) error {
	hpa, err := w.client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Get(ctx, workload, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("read the HPA: %w", err)
	}
	d, err := w.client.AppsV1().Deployments(namespace).Get(ctx, workload, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("read the deployment: %w", err)
	}
	made, err := w.decisions(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	w.add(Point{
		At: now.Sub(w.began), CPU: utilization(hpa), Target: target(hpa),
		Desired: *d.Spec.Replicas, Ready: d.Status.ReadyReplicas, Rate: w.rate(now),
	}, hpa.Spec.MaxReplicas, made)
	return nil
}

// rate is the answers a second since it was last counted, at least a second ago.
func (w *webWatcher) rate(now time.Time) float64 {
	n := w.answers.Load()
	if since := now.Sub(w.mark.at); since >= time.Second {
		w.mark.rate = max(float64(n-w.mark.answers)/since.Seconds(), 0)
		w.mark.at, w.mark.answers = now, n
	}
	return w.mark.rate
}

// countAnswers follows the log of a pod and counts the web server's answers
// in it, until the log ends.
func (w *webWatcher) countAnswers(ctx context.Context, pod string) error {
	log, err := w.client.CoreV1().Pods(namespace).GetLogs(pod, &corev1.PodLogOptions{Follow: true}).Stream(ctx)
	if err != nil {
		return fmt.Errorf("follow the log of %s: %w", pod, err)
	}
	defer func() { _ = log.Close() }() // read to its end
	buf := make([]byte, 32<<10)
	for {
		n, err := log.Read(buf)
		w.answers.Add(int64(bytes.Count(buf[:n], []byte("!"))))
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
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
func (w *webWatcher) count(ctx context.Context) {
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
