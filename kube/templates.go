package kube

import (
	"sync"
	"unique"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Templates lets pods made from one template share what is equal in them. Its
// zero value is ready to use.
type Templates struct {
	mu    sync.Mutex // guards specs
	specs map[string]*corev1.PodSpec
}

// specLimit bounds the specs that are kept to be shared: past it the table
// starts anew, and pods made later share among themselves.
const specLimit = 4096

func (t *Templates) spec(pod *corev1.Pod) *corev1.PodSpec {
	cut := requestsOf(&pod.Spec)
	requests := fingerprint(&cut)
	t.mu.Lock()
	defer t.mu.Unlock()
	if s, ok := t.specs[requests]; ok {
		return s
	}
	if t.specs == nil || len(t.specs) >= specLimit {
		t.specs = make(map[string]*corev1.PodSpec)
	}
	t.specs[requests] = &cut
	return &cut
}

// labels copies a set with its strings shared: a label is the same in every
// pod of a workload.
func (t *Templates) labels(in map[string]string) labels.Set {
	out := make(labels.Set, len(in))
	for k, v := range in {
		out[unique.Make(k).Value()] = unique.Make(v).Value()
	}
	return out
}
