package doctor

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// patience is how long a pod may run without being ready: a server starts within it.
const patience = 30 * time.Second

// slow finds pods of scaled workloads that run and do no work yet: load goes on
// while nobody takes it, and CPU of what only starts counts for little.
func slow(s *Snapshot) []Finding {
	var out []Finding
	for _, w := range s.scaled() {
		for _, p := range s.podsOf(&w) {
			if f := slowPod(s, &w, p); f != nil {
				out = append(out, *f)
				break // one is told for all that are alike
			}
		}
	}
	return out
}

// scaled are the workloads that somebody scales.
func (s *Snapshot) scaled() []workload {
	var out []workload
	for _, w := range s.workloads() {
		if len(s.scaledBy(w.ref)) > 0 {
			out = append(out, w)
		}
	}
	return out
}

func slowPod(s *Snapshot, w *workload, p *corev1.Pod) *Finding {
	if p.Status.Phase != corev1.PodRunning && p.Status.Phase != corev1.PodPending || p.DeletionTimestamp != nil || p.Status.StartTime == nil {
		return nil
	}
	waits := s.now().Sub(p.Status.StartTime.Time)
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return nil
		}
	}
	f := &Finding{Rule: "slow", Severity: Warning, Object: "pod/" + p.Name, Namespace: p.Namespace, about: s.around(w.ref)}
	broken := ""
	for i := range p.Status.ContainerStatuses {
		c := &p.Status.ContainerStatuses[i]
		switch {
		case c.State.Waiting != nil && c.State.Waiting.Reason != "" && c.State.Waiting.Reason != "ContainerCreating" && c.State.Waiting.Reason != "PodInitializing":
			broken = c.State.Waiting.Reason
			f.Evidence = append(f.Evidence, fmt.Sprintf("container %s waits: %s %s", c.Name, broken, oneLine(c.State.Waiting.Message)))
		case c.RestartCount > 0:
			f.Evidence = append(f.Evidence, fmt.Sprintf("container %s was restarted %d times", c.Name, c.RestartCount))
		}
	}
	if broken == "" && waits < patience {
		return nil
	}
	f.Sentence = fmt.Sprintf("it runs since %s and is not ready, so it takes no load yet (%s)", waits.Round(time.Second), w.ref.object())
	if broken != "" {
		f.Severity, f.Sentence = Error, fmt.Sprintf("its container does not run (%s), so it takes no load (%s)", broken, w.ref.object())
	}
	for _, c := range p.Status.Conditions {
		if c.Status != corev1.ConditionTrue && (c.Type == corev1.PodReady || c.Type == corev1.ContainersReady) {
			f.Evidence = append(f.Evidence, fmt.Sprintf("condition %s is %s, %s: %s", c.Type, c.Status, c.Reason, oneLine(c.Message)))
		}
	}
	f.Evidence = append(f.Evidence, s.eventsOf("Pod", p.Namespace, p.Name, "Unhealthy", "BackOff", "Failed", "FailedMount", "ErrImagePull")...)
	f.Do = []string{
		"Make it start faster (a smaller image, a model on a local disk), or let the size run ahead: a lower target, more minReplicas, a scale-down window.",
		fmt.Sprintf("kubectl describe pod %s -n %s", p.Name, p.Namespace), fmt.Sprintf("kubectl logs %s -n %s", p.Name, p.Namespace),
	}
	return f
}
