package kube

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
)

// Scalables are workloads of any kind, and what their namespaces give to their
// pods; all is read when somebody asks.
type Scalables struct {
	Client kubernetes.Interface
	Mapper Mapper
	Pods   *PodSpecs
}

// limitsAtMost bounds the LimitRanges that are read of one namespace.
const limitsAtMost = 100

// Resolve returns why the cluster has no such kind.
func (s Scalables) Resolve(apiVersion, kind string) error {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return fmt.Errorf("apiVersion %q: want GROUP/VERSION, such as apps/v1", apiVersion)
	}
	if _, err := s.Mapper.RESTMappings(schema.GroupKind{Group: gv.Group, Kind: kind}, gv.Version); err != nil {
		return fmt.Errorf("no kind %q in %s: %w", kind, apiVersion, err)
	}
	return nil
}

// Pod is what the pods of a workload are made from.
func (s Scalables) Pod(ctx context.Context, t Target) (*corev1.PodSpec, error) {
	return s.Pods.Get(ctx, t)
}

// Limits are the LimitRanges of a namespace.
func (s Scalables) Limits(ctx context.Context, namespace string) ([]corev1.LimitRange, error) {
	l, err := s.Client.CoreV1().LimitRanges(namespace).List(ctx, metav1.ListOptions{Limit: limitsAtMost})
	if err != nil {
		return nil, err
	}
	return l.Items, nil
}
