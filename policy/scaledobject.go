package policy

import (
	"fmt"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/trigger"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The defaults of a ScaledObject that its CRD does not fill in.
const (
	defaultInterval = 30 * time.Second
	defaultCooldown = 300 * time.Second
	defaultMax      = 100
)

// Trigger is one of spec.triggers, checked.
type Trigger struct {
	Config trigger.Config
	// Metrics are what it measures; nil for those of Config. A source that learns
	// its metrics from the other side gets them here.
	Metrics []trigger.Metric
	// Fault is why it cannot be read, such as a setting that makes no sense. The
	// other triggers go on without it. Empty: it can.
	Fault string
}

// CompileScaledObject makes a policy of a ScaledObject and its triggers, in the
// order of spec.triggers. Neither is modified. A trigger that cannot be used
// becomes a signal with a fault and leaves the others working; bounds, behavior,
// formula or annotations that make no sense are an error.
func CompileScaledObject(so *v1alpha1.ScaledObject, triggers []Trigger, d Defaults) (Compiled, error) {
	c, err := compileScaledObject(so, triggers, d)
	if err != nil {
		return Compiled{}, fmt.Errorf("ScaledObject %s/%s: %w", so.Namespace, so.Name, err)
	}
	return c, nil
}

func compileScaledObject(so *v1alpha1.ScaledObject, triggers []Trigger, d Defaults) (Compiled, error) {
	if errs := validateScaledObject(so); len(errs) > 0 {
		return Compiled{}, errs.ToAggregate()
	}
	if len(triggers) != len(so.Spec.Triggers) {
		return Compiled{}, fmt.Errorf("%d triggers were checked, spec.triggers has %d", len(triggers), len(so.Spec.Triggers))
	}
	mode, cadence, _ := annotations(so.Annotations) // validated before
	c := Compiled{
		Mode: mode, Cadence: cadence, Busy: busyOf(so.Annotations),
		Interval: secondsOr(so.Spec.PollingInterval, defaultInterval),
	}
	for _, useless := range validateFallbackUse(so, field.NewPath("spec", "fallback")) {
		c.Warnings = append(c.Warnings, useless.Error())
	}
	c.Policy = engine.Policy{
		Min:        valueOr(so.Spec.MinReplicaCount, 0),
		Max:        valueOr(so.Spec.MaxReplicaCount, defaultMax),
		Grace:      engine.Grace{CPUInitialization: d.CPUInitialization, InitialReadiness: d.InitialReadiness},
		Pause:      c.pause(so.Annotations),
		Activation: activation(so),
		Fallback:   fallback(so.Spec.Fallback),
	}
	b := BehaviorOf(so)
	defaultBehavior(b)
	c.addBehavior(b, d)
	if err := c.addTriggers(so, triggers); err != nil {
		return Compiled{}, err
	}
	return c, c.addFormula(so)
}

func activation(so *v1alpha1.ScaledObject) engine.Activation {
	a := engine.Activation{
		On:              true,
		Idles:           so.Spec.IdleReplicaCount != nil,
		Idle:            valueOr(so.Spec.IdleReplicaCount, 0),
		Cooldown:        secondsOr(so.Spec.CooldownPeriod, defaultCooldown),
		InitialCooldown: secondsOr(so.Spec.InitialCooldownPeriod, 0),
		Created:         so.CreationTimestamp.Time,
		Forced:          flagged(so.Annotations, v1alpha1.AnnotationForceActivation),
		BlockedIn:       flagged(so.Annotations, v1alpha1.AnnotationPausedScaleIn),
		BlockedOut:      flagged(so.Annotations, v1alpha1.AnnotationPausedScaleOut),
	}
	a.ByBehavior = so.Annotations[api.AnnotationScaleToZero] == api.ScaleToZeroByBehavior
	return a
}

func fallback(f *v1alpha1.Fallback) engine.Fallback {
	if f == nil {
		return engine.Fallback{}
	}
	out := engine.Fallback{On: true, Threshold: f.FailureThreshold, Replicas: f.Replicas}
	switch f.Behavior {
	case v1alpha1.FallbackBehaviorCurrentReplicas:
		out.Behavior = engine.FallbackCurrent
	case v1alpha1.FallbackBehaviorCurrentReplicasIfHigher:
		out.Behavior = engine.FallbackHigher
	case v1alpha1.FallbackBehaviorCurrentReplicasIfLower:
		out.Behavior = engine.FallbackLower
	case v1alpha1.FallbackBehaviorScalingModifiers:
		out.Behavior = engine.FallbackFormula
	default: // static, or as KEDA takes what it does not know
		out.Behavior = engine.FallbackStatic
	}
	return out
}

// BehaviorOf is the behavior that KEDA gives to an HPA: the user's, with a
// direction disabled that an annotation pauses; nil for none.
func BehaviorOf(so *v1alpha1.ScaledObject) *autoscalingv2.HorizontalPodAutoscalerBehavior {
	var b *autoscalingv2.HorizontalPodAutoscalerBehavior
	if a := so.Spec.Advanced; a != nil && a.HorizontalPodAutoscalerConfig != nil {
		b = a.HorizontalPodAutoscalerConfig.Behavior.DeepCopy()
	}
	in := flagged(so.Annotations, v1alpha1.AnnotationPausedScaleIn)
	out := flagged(so.Annotations, v1alpha1.AnnotationPausedScaleOut)
	if b == nil && (in || out) {
		b = &autoscalingv2.HorizontalPodAutoscalerBehavior{}
	}
	if in {
		b.ScaleDown = disabled(b.ScaleDown)
	}
	if out {
		b.ScaleUp = disabled(b.ScaleUp)
	}
	return b
}

func disabled(r *autoscalingv2.HPAScalingRules) *autoscalingv2.HPAScalingRules {
	if r == nil {
		r = &autoscalingv2.HPAScalingRules{}
	}
	r.SelectPolicy = new(autoscalingv2.DisabledPolicySelect)
	return r
}

func valueOr(given *int32, otherwise int32) int32 {
	if given == nil {
		return otherwise
	}
	return *given
}

func secondsOr(given *int32, otherwise time.Duration) time.Duration {
	if given == nil {
		return otherwise
	}
	return seconds(*given)
}
