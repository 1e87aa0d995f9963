package keda

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// surroundings are the objects of a record that are there before, at the two
// ports of the webhook's rules.
type surroundings struct {
	objects []*v1alpha1.ScaledObject
	hpas    []*autoscalingv2.HorizontalPodAutoscaler
	pods    map[string]*corev1.PodSpec // by kind and name
	limits  []corev1.LimitRange
}

func newSurroundings(existing []json.RawMessage) (*surroundings, error) {
	s := &surroundings{pods: map[string]*corev1.PodSpec{}}
	for _, raw := range existing {
		kind, err := kindOf(raw)
		if err != nil {
			return nil, err
		}
		if err := s.add(kind, raw); err != nil {
			return nil, fmt.Errorf("existing %s: %w", kind, err)
		}
	}
	return s, nil
}

func (s *surroundings) add(kind string, raw json.RawMessage) error {
	switch kind {
	case v1alpha1.KindScaledObject:
		o, err := decoded[v1alpha1.ScaledObject](raw)
		s.objects = append(s.objects, &o)
		return err
	case "HorizontalPodAutoscaler":
		h, err := decoded[autoscalingv2.HorizontalPodAutoscaler](raw)
		s.hpas = append(s.hpas, &h)
		return err
	case "Deployment":
		d, err := decoded[appsv1.Deployment](raw)
		s.pods[kind+"/"+d.Name] = &d.Spec.Template.Spec
		return err
	case "StatefulSet":
		d, err := decoded[appsv1.StatefulSet](raw)
		s.pods[kind+"/"+d.Name] = &d.Spec.Template.Spec
		return err
	case "LimitRange":
		l, err := decoded[corev1.LimitRange](raw)
		s.limits = append(s.limits, l)
		return err
	}
	return fmt.Errorf("kind %q is not known to the runner", kind)
}

// ScaledObjects implements admit.Neighbours.
func (s *surroundings) ScaledObjects(string) []*v1alpha1.ScaledObject { return s.objects }

// Autoscalers implements admit.Neighbours.
func (s *surroundings) Autoscalers(string) []*autoscalingv2.HorizontalPodAutoscaler { return s.hpas }

// HasAuthentication implements admit.Neighbours; KEDA does not look.
func (*surroundings) HasAuthentication(string, string, string) bool { return true }

// Resolve implements admit.Workloads: documented API groups are there, others are not.
func (*surroundings) Resolve(apiVersion, kind string) error {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err == nil && (!strings.Contains(gv.Group, "-") || strings.HasSuffix(gv.Group, ".k8s.io")) {
		return nil
	}
	return fmt.Errorf("no matches for kind %q in version %q", kind, apiVersion)
}

// Pod implements admit.Workloads.
func (s *surroundings) Pod(_ context.Context, t kube.Target) (*corev1.PodSpec, error) {
	if pod, ok := s.pods[t.Kind+"/"+t.Name]; ok {
		return pod, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Group: "apps", Resource: t.Kind}, t.Name)
}

// Limits implements admit.Workloads.
func (s *surroundings) Limits(context.Context, string) ([]corev1.LimitRange, error) {
	return s.limits, nil
}
