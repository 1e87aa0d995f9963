// Package policy turns what the user wrote into what the engine decides by:
// it fills in defaults, refuses what makes no sense, and forgets Kubernetes.
package policy

import (
	"fmt"
	"time"

	"github.com/furl-dev/furl/engine"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Defaults speak where the user is silent: the flags of kube-controller-manager
// and the two constants behind its limit without behavior.
type Defaults struct {
	// Tolerance is how far usage over target may be from 1, as a fraction.
	Tolerance float64
	// DownscaleStabilization is the window for shrinking; whole seconds count.
	DownscaleStabilization time.Duration
	// CPUInitialization is how long after its start a pod's CPU may be skipped.
	CPUInitialization time.Duration
	// InitialReadiness is how soon after its start a pod that turns unready was never ready.
	InitialReadiness time.Duration
	// BurstFactor, BurstFloor and BurstPeriod limit growth where there is no
	// behavior: max(factor × size one period ago, floor).
	BurstFactor float64
	BurstFloor  int32
	BurstPeriod time.Duration
}

// UpstreamDefaults are those of kube-controller-manager 1.37 without flags.
func UpstreamDefaults() Defaults {
	return Defaults{
		Tolerance:              0.1,
		DownscaleStabilization: 5 * time.Minute,
		CPUInitialization:      5 * time.Minute,
		InitialReadiness:       30 * time.Second,
		BurstFactor:            2,                // scaleUpLimitFactor
		BurstFloor:             4,                // scaleUpLimitMinimum
		BurstPeriod:            15 * time.Second, // --horizontal-pod-autoscaler-sync-period
	}
}

// Compiled is an object ready to be decided on.
type Compiled struct {
	Policy engine.Policy
	// Sources say where each signal is read, in the order of Policy.Sensors, which
	// for an HPA are Policy.Signals.
	Sources []Source
	Mode    Mode
	// Cadence is the least time between two decisions; zero decides on every sample.
	Cadence time.Duration
	// Busy is where the workload's pods tell how much they have in hand; the zero
	// value leaves that to the pods' own annotation.
	Busy Busy
	// Interval is the longest time between two reads of a trigger; zero for an HPA.
	Interval time.Duration
	// Warnings are sentences about what works otherwise than it reads.
	Warnings []string
}

// Mode says what Furl does with its decisions.
type Mode uint8

// The modes that the annotation furl.dev/mode can ask for.
const (
	Scale   Mode = iota // decide and write the size
	Observe             // decide and record, write nothing
)

// Source is where one signal is read.
type Source struct {
	// Signal is the name of the signal in the policy.
	Signal string
	// Kind is the type of the metric; a signal with a fault may have any.
	Kind autoscalingv2.MetricSourceType
	// Resource is set for Resource and ContainerResource.
	Resource corev1.ResourceName
	// Container is the only container to count, for ContainerResource.
	Container string
	// MetricName and Selector name the series, for Pods, Object and External.
	// Selector matches everything where the user gave none. For a trigger the name
	// is that of trigger.Metric, without its index.
	MetricName string
	Selector   labels.Selector
	// DescribedObject is what an Object metric is about.
	DescribedObject autoscalingv2.CrossVersionObjectReference
	// Trigger is the place in spec.triggers, for a ScaledObject.
	Trigger int
	// Activation is the value above which a trigger's metric is active, in its own unit.
	Activation float64
}

// Compile makes a policy of an HPA as the API server stores it. The HPA is not
// modified. An unusable metric becomes a signal with a fault, as upstream has
// it; bounds, behavior or annotations that make no sense are an error.
func Compile(hpa *autoscalingv2.HorizontalPodAutoscaler, d Defaults) (Compiled, error) {
	h := Default(hpa)
	errs := append(validateBounds(&h.Spec), validateBehavior(h.Spec.Behavior, field.NewPath("spec", "behavior"))...)
	mode, cadence, annotationErrs := annotations(h.Annotations)
	errs = append(errs, annotationErrs...)
	if len(errs) > 0 {
		return Compiled{}, fmt.Errorf("HorizontalPodAutoscaler %s/%s: %w", h.Namespace, h.Name, errs.ToAggregate())
	}
	c := Compiled{
		Policy: engine.Policy{
			Min:   *h.Spec.MinReplicas,
			Max:   h.Spec.MaxReplicas,
			Grace: engine.Grace{CPUInitialization: d.CPUInitialization, InitialReadiness: d.InitialReadiness},
		},
		Mode:    mode,
		Cadence: cadence,
		Busy:    busyOf(h.Annotations),
	}
	c.addBehavior(h.Spec.Behavior, d)
	c.addSignals(h.Spec.Metrics)
	return c, nil
}
