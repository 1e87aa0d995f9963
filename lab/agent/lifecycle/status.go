package lifecycle

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Facts are what the node adds to a pod's status.
type Facts struct {
	HostIP, PodIP string
	Started       time.Time // when the node first saw the pod
	Reason        string    // why the pod failed as a whole, such as DeadlineExceeded
	Message       string
	Over          bool // nothing runs and nothing will, whatever the restart policy says
}

// Status is the pod's status at an instant. What others wrote (readiness gates, the scheduler) is kept.
func Status(pod *corev1.Pod, all []Container, f Facts, at time.Time) corev1.PodStatus {
	s := *pod.Status.DeepCopy()
	s.ObservedGeneration = pod.Generation
	s.HostIP, s.HostIPs = f.HostIP, []corev1.HostIP{{IP: f.HostIP}}
	s.PodIP, s.PodIPs = f.PodIP, nil
	if f.PodIP != "" {
		s.PodIPs = []corev1.PodIP{{IP: f.PodIP}}
	}
	if s.StartTime == nil {
		started := metav1.NewTime(f.Started).Rfc3339Copy()
		s.StartTime = &started
	}
	s.InitContainerStatuses, s.ContainerStatuses = nil, nil
	for i := range all {
		if all[i].Kind == Main {
			s.ContainerStatuses = append(s.ContainerStatuses, all[i].Status)
		} else {
			s.InitContainerStatuses = append(s.InitContainerStatuses, all[i].Status)
		}
	}
	s.Phase = Phase(pod, all, f.Over)
	s.Reason, s.Message = f.Reason, f.Message
	if f.Reason != "" {
		s.Phase = corev1.PodFailed
	}
	for _, c := range conditions(pod, all, f, s.Phase) {
		set(&s, c, pod.Generation, at)
	}
	return s
}

// Phase follows from how the containers stand, and whether it is over with the pod whatever its restart policy.
func Phase(pod *corev1.Pod, all []Container, over bool) corev1.PodPhase {
	n := count(pod, all)
	switch {
	case n.failedInit > 0:
		return corev1.PodFailed
	case n.pendingInit > 0, n.pendingSidecar > 0 && !begun(all), n.waiting > 0:
		return corev1.PodPending
	case n.running > 0:
		return corev1.PodRunning
	case n.ended == 0:
		return corev1.PodPending
	case n.restarting > 0 && !over:
		return corev1.PodRunning
	case n.ended == n.succeeded:
		return corev1.PodSucceeded
	}
	return corev1.PodFailed
}

type counts struct {
	pendingInit, pendingSidecar, failedInit        int
	running, waiting, ended, succeeded, restarting int
}

func count(pod *corev1.Pod, all []Container) counts {
	var n counts
	for i := range all {
		switch c := &all[i]; c.Kind {
		case Init:
			n.init(pod, c)
		case Sidecar:
			n.sidecar(c)
		case Main:
			n.main(pod, c)
		}
	}
	return n
}

func (n *counts) init(pod *corev1.Pod, c *Container) {
	t := c.last()
	switch {
	case c.Status.State.Running != nil, t == nil:
		n.pendingInit++
	case t.ExitCode != 0 && !Restarts(pod, c):
		n.failedInit++
	case t.ExitCode != 0:
		n.pendingInit++
	}
}

func (n *counts) sidecar(c *Container) {
	switch {
	case c.Status.State.Running != nil:
		if !*c.Status.Started {
			n.pendingSidecar++
		}
		n.running++
	case c.last() == nil:
		n.pendingSidecar++
		n.waiting++
	}
}

func (n *counts) main(pod *corev1.Pod, c *Container) {
	t := c.last()
	switch {
	case c.Status.State.Running != nil:
		n.running++
	case t == nil:
		n.waiting++
	default:
		n.ended++
		if Restarts(pod, c) {
			n.restarting++
		}
		if t.ExitCode == 0 {
			n.succeeded++
		}
	}
}

// conditions are those the node answers for.
func conditions(pod *corev1.Pod, all []Container, f Facts, phase corev1.PodPhase) []corev1.PodCondition {
	network := corev1.PodCondition{Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionTrue}
	if f.PodIP == "" || phase == corev1.PodSucceeded || phase == corev1.PodFailed {
		network.Status = corev1.ConditionFalse
	}
	contained := containersReady(all, phase)
	return []corev1.PodCondition{
		network,
		initialised(all, phase),
		ready(pod, contained),
		contained,
		{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
	}
}

func initialised(all []Container, phase corev1.PodPhase) corev1.PodCondition {
	yes := corev1.PodCondition{Type: corev1.PodInitialized, Status: corev1.ConditionTrue}
	if phase == corev1.PodSucceeded {
		yes.Reason = "PodCompleted"
		return yes
	}
	if begun(all) {
		return yes
	}
	var open []string
	for i := range all {
		c := &all[i]
		if (c.Kind == Init && !c.succeeded()) || (c.Kind == Sidecar && !*c.Status.Started) {
			open = append(open, c.Spec.Name)
		}
	}
	if len(open) == 0 {
		return yes
	}
	return corev1.PodCondition{
		Type: corev1.PodInitialized, Status: corev1.ConditionFalse,
		Reason: "ContainersNotInitialized", Message: fmt.Sprintf("containers with incomplete status: %s", open),
	}
}

func containersReady(all []Container, phase corev1.PodPhase) corev1.PodCondition {
	no := corev1.PodCondition{Type: corev1.ContainersReady, Status: corev1.ConditionFalse}
	switch phase { //nolint:exhaustive // the others depend on the containers
	case corev1.PodSucceeded:
		no.Reason = "PodCompleted"
		return no
	case corev1.PodFailed:
		no.Reason = "PodFailed"
		return no
	}
	var open []string
	for i := range all {
		if all[i].Kind != Init && !all[i].Status.Ready {
			open = append(open, all[i].Spec.Name)
		}
	}
	if len(open) == 0 {
		return corev1.PodCondition{Type: corev1.ContainersReady, Status: corev1.ConditionTrue}
	}
	no.Reason, no.Message = "ContainersNotReady", fmt.Sprintf("containers with unready status: %s", open)
	return no
}

func ready(pod *corev1.Pod, contained corev1.PodCondition) corev1.PodCondition {
	c := contained
	c.Type = corev1.PodReady
	if c.Status != corev1.ConditionTrue {
		return c
	}
	var open []string
	for _, gate := range pod.Spec.ReadinessGates {
		i := slices.IndexFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == gate.ConditionType })
		switch {
		case i < 0:
			open = append(open, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate.ConditionType))
		case pod.Status.Conditions[i].Status != corev1.ConditionTrue:
			open = append(open, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v",
				gate.ConditionType, pod.Status.Conditions[i].Status))
		}
	}
	if len(open) > 0 {
		c.Status, c.Reason, c.Message = corev1.ConditionFalse, "ReadinessGatesNotReady", strings.Join(open, ", ")
	}
	return c
}

// set puts a condition in place. Its transition time moves with its status only.
func set(s *corev1.PodStatus, c corev1.PodCondition, generation int64, at time.Time) {
	c.ObservedGeneration = generation
	c.LastTransitionTime = metav1.NewTime(at).Rfc3339Copy()
	for i := range s.Conditions {
		old := &s.Conditions[i]
		if old.Type != c.Type {
			continue
		}
		if old.Status == c.Status && !old.LastTransitionTime.IsZero() {
			c.LastTransitionTime = old.LastTransitionTime
		}
		c.LastProbeTime = old.LastProbeTime
		*old = c
		return
	}
	s.Conditions = append(s.Conditions, c)
}
