package kube

import (
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/engine"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Pod is what autoscaling uses of a pod. It is never modified after it was
// made; a change of the pod makes another.
type Pod struct {
	Namespace, Name string
	Labels          labels.Set
	Phase           engine.Phase
	// Deleting is set from the deletion timestamp on.
	Deleting  bool
	Readiness engine.Readiness
	// ReadySince is the last transition of the Ready condition.
	ReadySince time.Time
	// Started is the start time that the kubelet reported; Begun says there is one.
	Started time.Time
	Begun   bool
	// Node is where it runs, empty before it is scheduled.
	Node string
	// Busy is the annotation furl.dev/busy, the same string in all pods of a template.
	Busy string
	// Spec holds the requests; pods of one template share it.
	Spec *corev1.PodSpec
}

// same tells whether autoscaling can see no difference between two states of a pod.
func (p *Pod) same(o *Pod) bool {
	return p.Phase == o.Phase && p.Deleting == o.Deleting && p.Readiness == o.Readiness &&
		p.Begun == o.Begun && p.ReadySince.Equal(o.ReadySince) && p.Started.Equal(o.Started) &&
		p.Node == o.Node && p.Busy == o.Busy && p.Spec == o.Spec && labels.Equals(p.Labels, o.Labels)
}

// CutPod makes a [Pod] of an API object. Templates holds the specs to share.
func CutPod(pod *corev1.Pod, t *Templates) *Pod {
	p := &Pod{
		Namespace: pod.Namespace,
		Name:      pod.Name,
		Labels:    t.labels(pod.Labels),
		Phase:     phaseOf(pod.Status.Phase),
		Deleting:  pod.DeletionTimestamp != nil,
		Node:      unique.Make(pod.Spec.NodeName).Value(), // the same in all pods of a node
		Busy:      unique.Make(pod.Annotations[api.AnnotationBusy]).Value(),
		Spec:      t.spec(pod),
	}
	if s := pod.Status.StartTime; s != nil {
		p.Started, p.Begun = s.Time, true
	}
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodReady {
			p.Readiness, p.ReadySince = readinessOf(c.Status), c.LastTransitionTime.Time
			break
		}
	}
	return p
}

func phaseOf(p corev1.PodPhase) engine.Phase {
	switch p {
	case corev1.PodPending:
		return engine.Pending
	case corev1.PodFailed:
		return engine.Failed
	case corev1.PodSucceeded:
		return engine.Succeeded
	case corev1.PodRunning, corev1.PodUnknown:
		return engine.Running
	default: // upstream counts a pod without a phase as running
		return engine.Running
	}
}

func readinessOf(s corev1.ConditionStatus) engine.Readiness {
	switch s {
	case corev1.ConditionTrue:
		return engine.Ready
	case corev1.ConditionFalse:
		return engine.NotReady
	case corev1.ConditionUnknown:
		return engine.ReadinessUnknown
	default:
		return engine.ReadinessUnknown
	}
}

// stripPod empties all that [CutPod] does not read, so that a list of pods on
// its way into the index does not hold whole objects. It is a cache.TransformFunc.
func stripPod(obj any) (any, error) {
	pod, ok := obj.(*corev1.Pod)
	if !ok {
		return obj, nil
	}
	m := &pod.ObjectMeta
	busy, says := m.Annotations[api.AnnotationBusy]
	m.ManagedFields, m.Annotations, m.OwnerReferences, m.Finalizers = nil, nil, nil, nil
	if says {
		m.Annotations = map[string]string{api.AnnotationBusy: busy}
	}
	node := pod.Spec.NodeName
	pod.Spec = requestsOf(&pod.Spec)
	pod.Spec.NodeName = node
	ready := slices.IndexFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady })
	kept := corev1.PodStatus{Phase: pod.Status.Phase, StartTime: pod.Status.StartTime}
	if ready >= 0 {
		kept.Conditions = []corev1.PodCondition{pod.Status.Conditions[ready]}
	}
	pod.Status = kept
	return pod, nil
}

// requestsOf is the part of a spec that says what the pod requests.
func requestsOf(s *corev1.PodSpec) corev1.PodSpec {
	out := corev1.PodSpec{
		Containers:     make([]corev1.Container, 0, len(s.Containers)),
		InitContainers: make([]corev1.Container, 0, len(s.InitContainers)),
		Overhead:       s.Overhead,
	}
	if s.Resources != nil {
		out.Resources = &corev1.ResourceRequirements{Requests: s.Resources.Requests, Limits: s.Resources.Limits}
	}
	for i := range s.Containers {
		out.Containers = append(out.Containers, requestOf(&s.Containers[i]))
	}
	for i := range s.InitContainers {
		out.InitContainers = append(out.InitContainers, requestOf(&s.InitContainers[i]))
	}
	return out
}

func requestOf(c *corev1.Container) corev1.Container {
	return corev1.Container{
		Name:          c.Name,
		RestartPolicy: c.RestartPolicy,
		Resources:     corev1.ResourceRequirements{Requests: c.Resources.Requests},
	}
}

// fingerprint is equal for specs that request the same.
func fingerprint(s *corev1.PodSpec) string {
	var b strings.Builder
	if s.Resources != nil {
		writeList(&b, "pod", s.Resources.Requests)
		writeList(&b, "limit", s.Resources.Limits)
	}
	writeList(&b, "overhead", s.Overhead)
	for i := range s.Containers {
		writeList(&b, s.Containers[i].Name, s.Containers[i].Resources.Requests)
	}
	for i := range s.InitContainers {
		c := &s.InitContainers[i]
		if c.RestartPolicy != nil {
			b.WriteString(string(*c.RestartPolicy))
		}
		writeList(&b, "init "+c.Name, c.Resources.Requests)
	}
	return b.String()
}

func writeList(b *strings.Builder, name string, l corev1.ResourceList) {
	b.WriteString(name)
	names := make([]string, 0, len(l))
	for n := range l {
		names = append(names, string(n))
	}
	slices.Sort(names)
	for _, n := range names {
		q := l[corev1.ResourceName(n)]
		b.WriteString(" " + n + "=" + q.String())
	}
	b.WriteByte('\n')
}
