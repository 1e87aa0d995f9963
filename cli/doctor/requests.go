package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// share is a resource of which an autoscaler wants a share of the request; of
// one container, or of all.
type share struct {
	resource  corev1.ResourceName
	container string
}

// shares are what an autoscaler measures against requests.
func (a *autoscaler) shares() []share {
	var out []share
	if a.hpa != nil {
		for _, m := range a.hpa.Spec.Metrics {
			switch {
			case m.Resource != nil && m.Resource.Target.Type == autoscalingv2.UtilizationMetricType:
				out = append(out, share{resource: m.Resource.Name})
			case m.ContainerResource != nil && m.ContainerResource.Target.Type == autoscalingv2.UtilizationMetricType:
				out = append(out, share{resource: m.ContainerResource.Name, container: m.ContainerResource.Container})
			}
		}
	}
	if a.so != nil {
		for _, t := range a.so.Spec.Triggers {
			if resourceTrigger(&t) && t.MetricType == autoscalingv2.UtilizationMetricType {
				out = append(out, share{resource: corev1.ResourceName(t.Type), container: t.Metadata["containerName"]})
			}
		}
	}
	return out
}

func resourceTrigger(t *v1alpha1.ScaleTriggers) bool { return t.Type == "cpu" || t.Type == "memory" }

func isResourceTrigger(t v1alpha1.ScaleTriggers) bool { return resourceTrigger(&t) }

// requests finds containers without the request that a target is a share of.
func requests(s *Snapshot) []Finding {
	var out []Finding
	for _, a := range s.autoscalers() {
		w := s.workload(a.target)
		if w == nil {
			continue
		}
		for _, want := range a.shares() {
			lacking := want.lacking(&w.template.Spec)
			if len(lacking) == 0 {
				continue
			}
			out = append(out, requestsMissing(s, &a, w, want, lacking))
		}
	}
	return out
}

func requestsMissing(s *Snapshot, a *autoscaler, w *workload, want share, lacking []string) Finding {
	f := Finding{
		Rule: "requests", Severity: Error, Object: a.ref.object(), Namespace: a.ref.Namespace, about: s.around(w.ref),
		Sentence: fmt.Sprintf("its target is a share of the %s requests of %s, and not every container has one", want.resource, w.ref.object()),
		Do: []string{
			fmt.Sprintf("Set what a pod needs at its usual load, or a target of type AverageValue, which needs no %s request.", want.resource),
			fmt.Sprintf("kubectl set resources %s -n %s -c %s --requests=%s=%s",
				longKind(w.ref), w.ref.Namespace, strings.Join(lacking, ","), want.resource, example(want.resource)),
		},
	}
	for _, c := range lacking {
		f.Evidence = append(f.Evidence, fmt.Sprintf("container %s of %s requests no %s", c, w.ref.object(), want.resource))
	}
	f.Evidence = append(f.Evidence, inactive(a)...)
	return f
}

// lacking names the containers without a request. An init container that goes
// on beside the others counts as one of them.
func (w share) lacking(p *corev1.PodSpec) []string {
	all := slices.Clone(p.Containers)
	for _, c := range p.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			all = append(all, c)
		}
	}
	var out []string
	for _, c := range all {
		_, request := c.Resources.Requests[w.resource]
		_, limit := c.Resources.Limits[w.resource] // the API server takes it for the request
		if !request && !limit && (w.container == "" || w.container == c.Name) {
			out = append(out, c.Name)
		}
	}
	return out
}

// inactive is what the conditions of an autoscaler say of its metrics.
func inactive(a *autoscaler) []string {
	var out []string
	if a.hpa != nil {
		for _, c := range a.hpa.Status.Conditions {
			if c.Type == autoscalingv2.ScalingActive && c.Status != corev1.ConditionTrue {
				out = append(out, fmt.Sprintf("condition %s is %s, %s: %s", c.Type, c.Status, c.Reason, oneLine(c.Message)))
			}
		}
	}
	if a.so != nil {
		if c := a.so.Status.Conditions.Get(v1alpha1.ConditionReady); c.Type != "" && c.Status != "True" {
			out = append(out, fmt.Sprintf("condition %s is %s, %s: %s", c.Type, c.Status, c.Reason, oneLine(c.Message)))
		}
	}
	return out
}

func longKind(r Ref) string {
	switch r.Kind {
	case kindDeployment:
		return "deployment/" + r.Name
	case kindStatefulSet:
		return "statefulset/" + r.Name
	default:
		return r.object()
	}
}

func example(r corev1.ResourceName) string {
	if r == corev1.ResourceMemory {
		return "256Mi"
	}
	return "200m"
}
