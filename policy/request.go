package policy

import (
	"fmt"
	"math"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Request is what a pod requests of a resource, in milli-units: of one
// container if named, else of the whole pod. Requests of the pod itself win
// over those of its containers. If there is none, reason says what is missing,
// as upstream words it. Only requests, restart policies and overhead of the
// spec are read.
func Request(pod string, spec *corev1.PodSpec, r corev1.ResourceName, container string) (milli int64, reason string) {
	if container == "" && podRequests(spec) {
		return podRequest(pod, spec, r)
	}
	for c := range lasting(spec) {
		if container != "" && container != c.Name {
			continue
		}
		q, ok := c.Resources.Requests[r]
		if !ok {
			return 0, fmt.Sprintf("missing request for %s in container %s of Pod %s", r, c.Name, pod)
		}
		milli = sum(milli, Milli(q))
		if container != "" {
			return milli, ""
		}
	}
	if container != "" {
		return 0, fmt.Sprintf("container %s not found in Pod %s", container, pod)
	}
	return milli, ""
}

// lasting yields the containers that run as long as the pod does.
func lasting(spec *corev1.PodSpec) func(yield func(*corev1.Container) bool) {
	return func(yield func(*corev1.Container) bool) {
		for i := range spec.Containers {
			if !yield(&spec.Containers[i]) {
				return
			}
		}
		for i := range spec.InitContainers {
			if c := &spec.InitContainers[i]; restarts(c) && !yield(c) {
				return
			}
		}
	}
}

func restarts(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// podRequests says whether the pod itself requests anything that pods can request.
func podRequests(spec *corev1.PodSpec) bool {
	if spec.Resources == nil {
		return false
	}
	for r := range spec.Resources.Requests {
		if podLevel(r) {
			return true
		}
	}
	return false
}

func podLevel(r corev1.ResourceName) bool {
	return r == corev1.ResourceCPU || r == corev1.ResourceMemory ||
		strings.HasPrefix(string(r), corev1.ResourceHugePagesPrefix)
}

// podRequest is the request of the pod itself, else what its containers make
// of it at their peak, plus the overhead.
func podRequest(pod string, spec *corev1.PodSpec, r corev1.ResourceName) (int64, string) {
	q, ok := spec.Resources.Requests[r]
	milli := Milli(q)
	if !ok || !podLevel(r) {
		milli, ok = peak(spec, r)
	}
	if over, has := spec.Overhead[r]; has {
		milli, ok = sum(milli, Milli(over)), true
	}
	if !ok {
		return 0, fmt.Sprintf("missing pod-level request for %s in Pod %s", r, pod)
	}
	return milli, ""
}

// peak is the most that containers request at the same time: all lasting ones,
// or one that initialises beside those started before it.
func peak(spec *corev1.PodSpec, r corev1.ResourceName) (milli int64, found bool) {
	add := func(to int64, c *corev1.Container) int64 {
		q, ok := c.Resources.Requests[r]
		found = found || ok
		return sum(to, Milli(q))
	}
	var started, most int64
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		now := add(started, c)
		if restarts(c) {
			started = now
		}
		most = max(most, now)
	}
	all := started
	for i := range spec.Containers {
		all = add(all, &spec.Containers[i])
	}
	return max(most, all), found
}

// sum adds without overflow; requests are never negative.
func sum(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}
