package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// PodSpecs reads what the pods of a workload are made from, whatever its kind.
type PodSpecs struct {
	mapper  Mapper
	objects dynamic.Interface
}

// NewPodSpecs returns a reader of pod specs.
func NewPodSpecs(m Mapper, c dynamic.Interface) *PodSpecs { return &PodSpecs{mapper: m, objects: c} }

// Get reads the pod spec at spec.template.spec of a workload; nil where there is none.
func (p *PodSpecs) Get(ctx context.Context, t Target) (*corev1.PodSpec, error) {
	gv, err := schema.ParseGroupVersion(t.APIVersion)
	if err != nil {
		return nil, fmt.Errorf("%s: apiVersion %q: %w", t, t.APIVersion, err)
	}
	kinds, err := p.mapper.RESTMappings(schema.GroupKind{Group: gv.Group, Kind: t.Kind}, gv.Version)
	if err != nil || len(kinds) == 0 {
		return nil, fmt.Errorf("%s: no such kind in %s: %w", t, t.APIVersion, err)
	}
	o, err := p.objects.Resource(kinds[0].Resource).Namespace(t.Namespace).Get(ctx, t.Name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t, err)
	}
	return podSpecOf(t, o)
}

func podSpecOf(t Target, o *unstructured.Unstructured) (*corev1.PodSpec, error) {
	fields, found, err := unstructured.NestedMap(o.Object, "spec", "template", "spec")
	if err != nil || !found {
		return nil, nil //nolint:nilerr // a kind that keeps something else there has no pod spec
	}
	spec := new(corev1.PodSpec)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, spec); err != nil {
		return nil, fmt.Errorf("%s: spec.template.spec is no pod spec: %w", t, err)
	}
	return spec, nil
}
