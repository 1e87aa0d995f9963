package admit

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/trigger"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// ScaledJob judges a ScaledJob that is made, or changed from old.
func (r *Rules) ScaledJob(j, old *v1alpha1.ScaledJob) Answer {
	var a Answer
	if old != nil && !reflect.DeepEqual(j.Finalizers, old.Finalizers) && reflect.DeepEqual(j.Spec, old.Spec) {
		return a
	}
	a.object(IncorrectTriggers, v1alpha1.ValidateTriggers(j.Spec.Triggers))
	for i := range j.Spec.Triggers {
		switch t := &j.Spec.Triggers[i]; {
		case isUsage(t):
			a.warn(fmt.Sprintf("trigger %d (%s): Jobs have no load to share, so it starts none", i, t.Type))
		case t.MetricType != "":
			a.warn(fmt.Sprintf("trigger %d (%s): metricType %q has no meaning in a ScaledJob", i, t.Type, t.MetricType))
		}
	}
	settled := judged{namespace: j.Namespace, object: j.Name, triggers: j.Spec.Triggers}
	if old != nil {
		settled.stored = old.Spec.Triggers
	}
	r.settings(&a, settled)
	r.references(&a, j.Namespace, j.Spec.Triggers)
	return a
}

// Authentication judges a TriggerAuthentication, or one of the cluster.
func (*Rules) Authentication(kind string, spec, old *v1alpha1.TriggerAuthenticationSpec) Answer {
	var a Answer
	if old != nil && reflect.DeepEqual(spec, old) {
		return a
	}
	a.object(Authentication, spec.Validate())
	if kind == v1alpha1.KindTriggerAuthentication && spec.FilePath != "" {
		a.warn("filePath is read for a ClusterTriggerAuthentication only: triggers that refer to this one will not be read")
	}
	return a
}

// annotated refuses what Furl could not read on an HPA.
func (a *Answer) annotated(h *autoscalingv2.HorizontalPodAutoscaler) {
	if errs := policy.ValidateAnnotations(h.Annotations); len(errs) > 0 {
		a.object(Annotation, errs.ToAggregate())
	}
	a.Warnings = append(a.Warnings, annotationWords(h.Annotations)...)
}

// annotationWords tells of annotations in our words' neighbourhood that nobody reads.
func annotationWords(all map[string]string) []string {
	known := slices.Concat(api.Annotations(), v1alpha1.Annotations())
	var out []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		prefix, _, _ := strings.Cut(key, "/")
		ours := slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, prefix+"/") })
		if !ours || slices.Contains(known, key) {
			continue
		}
		if near := trigger.Nearest(key, known); near != "" {
			out = append(out, fmt.Sprintf("annotation %s is not read: did you mean %s?", key, near))
			continue
		}
		out = append(out, fmt.Sprintf("annotation %s is not read", key))
	}
	return out
}

func sameText(a, b map[string]string) bool { return maps.Equal(a, b) }
