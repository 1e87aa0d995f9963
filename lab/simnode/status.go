package simnode

import (
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// runningStatus fills in the status of a pod that runs, and keeps every instant of what did not change.
func runningStatus(p *corev1.Pod, address, node netip.Addr, at time.Time) {
	s, now := &p.Status, metav1.NewTime(at)
	if s.StartTime == nil {
		s.StartTime = &now
	}
	ready := p.Annotations[ReadyAnnotation] != "false"
	s.Phase, s.Reason, s.Message = corev1.PodRunning, "", ""
	s.HostIP, s.HostIPs = node.String(), []corev1.HostIP{{IP: node.String()}}
	s.PodIP, s.PodIPs = address.String(), []corev1.PodIP{{IP: address.String()}}
	s.InitContainerStatuses = containerStatuses(p.Spec.InitContainers, s.InitContainerStatuses, ready, now)
	for i := range s.InitContainerStatuses {
		if !restartable(p.Spec.InitContainers[i]) {
			complete(&s.InitContainerStatuses[i], now)
			s.InitContainerStatuses[i].Ready = true
		}
	}
	s.ContainerStatuses = containerStatuses(p.Spec.Containers, s.ContainerStatuses, ready, now)
	setCondition(s, corev1.PodReadyToStartContainers, true, "", now)
	setCondition(s, corev1.PodInitialized, true, "", now)
	setCondition(s, corev1.PodScheduled, true, "", now)
	setCondition(s, corev1.ContainersReady, ready, "ContainersNotReady", now)
	setCondition(s, corev1.PodReady, ready, "ContainersNotReady", now)
}

func restartable(c corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

func containerStatuses(containers []corev1.Container, old []corev1.ContainerStatus, ready bool, at metav1.Time) []corev1.ContainerStatus {
	if len(containers) == 0 {
		return nil // as absent as it was
	}
	all := make([]corev1.ContainerStatus, 0, len(containers))
	for _, c := range containers {
		started := at
		for _, o := range old {
			if o.Name == c.Name && o.State.Running != nil {
				started = o.State.Running.StartedAt
			}
		}
		yes := true
		all = append(all, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, ImageID: "simulated", ContainerID: "simulated://" + c.Name,
			Ready: ready, Started: &yes,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started}},
		})
	}
	return all
}

// succeed fills in the status of a pod that has done its work.
func succeed(s *corev1.PodStatus, at time.Time) {
	now := metav1.NewTime(at)
	s.Phase = corev1.PodSucceeded
	for i := range s.ContainerStatuses {
		complete(&s.ContainerStatuses[i], now)
	}
	setCondition(s, corev1.PodReady, false, "PodCompleted", now)
	setCondition(s, corev1.ContainersReady, false, "PodCompleted", now)
}

func complete(c *corev1.ContainerStatus, at metav1.Time) {
	if c.State.Terminated != nil {
		return
	}
	started, no := at, false
	if c.State.Running != nil {
		started = c.State.Running.StartedAt
	}
	c.Ready, c.Started = false, &no
	c.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		Reason: "Completed", StartedAt: started, FinishedAt: at, ContainerID: c.ContainerID,
	}}
}

func setCondition(s *corev1.PodStatus, t corev1.PodConditionType, yes bool, why string, at metav1.Time) { //nolint:revive // yes is the condition's status
	c := corev1.PodCondition{Type: t, Status: corev1.ConditionTrue, LastTransitionTime: at}
	if !yes {
		c.Status, c.Reason = corev1.ConditionFalse, why
	}
	i := conditionIndex(s, t)
	if i < 0 {
		s.Conditions = append(s.Conditions, c)
		return
	}
	if s.Conditions[i].Status == c.Status {
		c.LastTransitionTime = s.Conditions[i].LastTransitionTime
	}
	c.ObservedGeneration = s.Conditions[i].ObservedGeneration
	s.Conditions[i] = c
}

func statusEqual(a, b *corev1.PodStatus) bool { return equality.Semantic.DeepEqual(a, b) }
