package admit

import (
	"context"
	"fmt"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// isUsage says that a trigger is read with the pods.
func isUsage(t *v1alpha1.ScaleTriggers) bool { return t.Type == "cpu" || t.Type == "memory" }

// usage holds cpu and memory triggers against the pods that they are about. As
// KEDA, it looks at Deployments and StatefulSets only, and not in a dry run.
func (r *Rules) usage(ctx context.Context, s *subject) error {
	used, all := 0, len(s.Spec.Triggers)
	for i := range s.Spec.Triggers {
		if isUsage(&s.Spec.Triggers[i]) {
			used++
		}
	}
	target := targetOf(s.ScaledObject)
	if used == 0 || s.req.DryRun || group(target.APIVersion) != "apps" || target.Kind != "Deployment" && target.Kind != "StatefulSet" {
		return nil
	}
	pod, err := r.Workloads.Pod(ctx, target)
	if apierrors.IsNotFound(err) {
		s.refuse(NoTarget, fmt.Sprintf("scaleTargetRef: %s: a cpu or memory trigger needs its workload first: create that", err))
		return nil
	}
	if err != nil {
		return fmt.Errorf("pods of %s: %w", target, err)
	}
	if used == all && s.MinReplicas() == 0 {
		s.refuse(ScaleToZeroByUsage, "the triggers are cpu and memory only, and without pods neither can wake the workload: set minReplicaCount to 1 or more")
	}
	return r.requests(ctx, s, target, pod)
}

// requests refuses a trigger on a resource that a container does not ask for.
func (r *Rules) requests(ctx context.Context, s *subject, target kube.Target, pod *corev1.PodSpec) error {
	var limits []corev1.LimitRange
	asked := false
	for i := range s.Spec.Triggers {
		t := &s.Spec.Triggers[i]
		name := without(t, pod)
		if name == "" {
			continue
		}
		if !asked {
			asked = true
			var err error
			if limits, err = r.Workloads.Limits(ctx, target.Namespace); err != nil {
				return fmt.Errorf("limits of namespace %s: %w", target.Namespace, err)
			}
		}
		if !isDefault(limits, corev1.ResourceName(t.Type)) {
			s.refuse(MissingRequests, fmt.Sprintf("trigger %d (%s): container %s of %s has no %s request: set resources.requests.%s",
				i, t.Type, name, target, t.Type, t.Type))
		}
	}
	return nil
}

// without names the first container that a trigger is about and that neither
// requests nor limits its resource.
func without(t *v1alpha1.ScaleTriggers, pod *corev1.PodSpec) string {
	if !isUsage(t) || pod == nil {
		return ""
	}
	only := t.Metadata["containerName"]
	for i := range pod.Containers {
		c := &pod.Containers[i]
		if only != "" && c.Name != only {
			continue
		}
		if !isGiven(corev1.ResourceName(t.Type), c.Resources.Requests, c.Resources.Limits) {
			return c.Name
		}
	}
	return ""
}

func isGiven(name corev1.ResourceName, lists ...corev1.ResourceList) bool {
	for _, l := range lists {
		if q, ok := l[name]; ok && q.Sign() > 0 {
			return true
		}
	}
	return false
}

// isDefault says that containers without a request get one from their namespace.
func isDefault(limits []corev1.LimitRange, name corev1.ResourceName) bool {
	for i := range limits {
		for j := range limits[i].Spec.Limits {
			item := &limits[i].Spec.Limits[j]
			if item.Type == corev1.LimitTypeContainer && isGiven(name, item.DefaultRequest, item.Default) {
				return true
			}
		}
	}
	return false
}
