package admit

import (
	"context"
	"reflect"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/policy"
)

// subject is a ScaledObject under judgement. Old is nil for a new one.
type subject struct {
	*v1alpha1.ScaledObject
	old *v1alpha1.ScaledObject
	req Request
	Answer
}

// ScaledObject judges a ScaledObject that is made, or changed from old.
func (r *Rules) ScaledObject(ctx context.Context, o, old *v1alpha1.ScaledObject, req Request) (Answer, error) {
	if old != nil && isBookkeeping(o, old) {
		return Answer{}, nil
	}
	s := &subject{ScaledObject: o, old: old, req: req}
	s.bounds()
	s.name()
	s.modifiers()
	r.rivals(s)
	if err := r.usage(ctx, s); err != nil {
		return Answer{}, err
	}
	s.own()
	r.settings(&s.Answer, s.settled())
	r.references(&s.Answer, o.Namespace, o.Spec.Triggers)
	s.idleWords()
	return s.Answer, nil
}

// isBookkeeping says that nothing but finalizers changed: an object that is
// wrong by now must be able to go, and be held until its end.
func isBookkeeping(o, old *v1alpha1.ScaledObject) bool {
	return !reflect.DeepEqual(o.Finalizers, old.Finalizers) && reflect.DeepEqual(o.Spec, old.Spec) &&
		(len(o.Finalizers) < len(old.Finalizers) || reflect.DeepEqual(o.Annotations, old.Annotations))
}

// bounds holds what the numbers and the list of triggers say by themselves.
func (s *subject) bounds() {
	s.object(IncorrectReplicas, s.ValidateReplicas())
	s.object(IncorrectTriggers, v1alpha1.ValidateTriggers(s.Spec.Triggers))
	reason := IncorrectFallback
	if f := s.Spec.Fallback; f != nil && f.Behavior == v1alpha1.FallbackBehaviorScalingModifiers &&
		(s.Spec.Advanced == nil || s.Spec.Advanced.ScalingModifiers.Formula == "") {
		reason = FallbackFormula
	}
	s.object(reason, s.ValidateFallback())
}

// longestName is that of a label's value.
const longestName = 63

func (s *subject) name() {
	reason := HPANameTooLong
	if len(s.Name) > longestName {
		reason = NameTooLong
	}
	s.object(reason, s.ValidateName())
}

// modifiers compiles the formula.
func (s *subject) modifiers() {
	if s.UsesModifiers() {
		_, err := policy.CompileObjectModifiers(s.ScaledObject)
		s.object(Modifiers, err)
	}
}

// own holds what only Furl looks at before an object is stored: a behavior that
// no HPA could have, and Furl's annotations.
func (s *subject) own() {
	annotations, behavior := policy.ValidateOwn(s.ScaledObject)
	if s.old != nil {
		wasAnnotated, wasBehaving := policy.ValidateOwn(s.old)
		if len(wasAnnotated) > 0 && reflect.DeepEqual(s.old.Annotations, s.Annotations) {
			annotations = nil
		}
		if len(wasBehaving) > 0 && reflect.DeepEqual(s.old.Spec.Advanced, s.Spec.Advanced) {
			behavior = nil
		}
	}
	if len(annotations) > 0 {
		s.object(Annotation, annotations.ToAggregate())
	}
	if len(behavior) > 0 {
		s.object(Behavior, behavior.ToAggregate())
	}
	for _, w := range annotationWords(s.Annotations) {
		s.warn(w)
	}
	if _, given := s.Annotations[v1alpha1.AnnotationHPAOwnership]; given {
		s.warn("annotation " + v1alpha1.AnnotationHPAOwnership + " has an effect on a HorizontalPodAutoscaler only: annotate the one that may share the workload")
	}
	if _, err := s.PausedReplicas(); err != nil {
		s.warn(err.Error() + "; it pauses at the size there is")
	}
}

// settled gives the triggers whose settings are to be judged: what is stored
// already is not refused for them again.
func (s *subject) settled() judged {
	j := judged{namespace: s.Namespace, object: s.Name, triggers: s.Spec.Triggers, composed: s.UsesModifiers()}
	if s.old != nil {
		j.stored = s.old.Spec.Triggers
	}
	return j
}

// idleWords tells of periods that have nothing to do, in KEDA's words.
func (s *subject) idleWords() {
	sleeps := s.MinReplicas() == 0 || s.Spec.IdleReplicaCount != nil
	cached := false
	for i := range s.Spec.Triggers {
		cached = cached || s.Spec.Triggers[i].UseCachedMetrics
	}
	if s.Spec.PollingInterval != nil && !sleeps && !cached {
		s.warn("PollingInterval is configured but is not relevant. PollingInterval is only relevant when minReplicaCount = 0, idleReplicaCount is set, or useCachedMetrics is enabled")
	}
	if s.Spec.CooldownPeriod != nil && !sleeps {
		s.warn("CooldownPeriod is configured but is not relevant. CooldownPeriod is only relevant when minReplicaCount = 0 or idleReplicaCount is set")
	}
}
