package kedatypes_test

import (
	"encoding/json"
	"testing"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/google/go-cmp/cmp"
	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"pgregory.net/rapid"
)

// TestRules_answer_as_KEDAs_code_does asks both about the same random objects.
func TestRules_answer_as_KEDAs_code_does(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		theirs := &keda.ScaledObject{}
		theirs.Annotations = rapid.MapOfN(
			rapid.SampledFrom([]string{
				keda.PausedAnnotation, keda.PausedReplicasAnnotation, keda.PausedScaleInAnnotation,
				keda.PausedScaleOutAnnotation, keda.ForceActivationAnnotation,
			}),
			rapid.SampledFrom([]string{"", "true", "false", "1", "0", "T", "yes", "5", "2147483648"}), 0, 3,
		).Draw(t, "annotations")
		bound := rapid.Ptr(rapid.Int32Range(0, 6), true)
		theirs.Spec.MinReplicaCount = bound.Draw(t, "min")
		theirs.Spec.MaxReplicaCount = bound.Draw(t, "max")
		theirs.Spec.IdleReplicaCount = bound.Draw(t, "idle")
		theirs.Spec.Triggers = triggers().Draw(t, "triggers")
		if rapid.Bool().Draw(t, "fallback") {
			theirs.Spec.Fallback = &keda.Fallback{FailureThreshold: rapid.Int32Range(-1, 1).Draw(t, "threshold")}
		}
		if rapid.Bool().Draw(t, "advanced") {
			theirs.Spec.Advanced = &keda.AdvancedConfig{
				ScalingModifiers: keda.ScalingModifiers{Target: rapid.SampledFrom([]string{"", "1"}).Draw(t, "target")},
			}
		}
		ours := as[v1alpha1.ScaledObject](t, theirs)
		paused, err := theirs.GetPausedReplicaCount()
		oursPaused, oursErr := ours.PausedReplicas()
		types, auths := keda.CombinedTriggersAndAuthenticationsTypes(theirs.Spec.Triggers)
		want := []any{
			theirs.GenerateIdentifier(), *theirs.GetHPAMinReplicas(), theirs.GetHPAMaxReplicas(), theirs.HasPausedAnnotation(),
			theirs.NeedToBePausedByAnnotation(), theirs.NeedToPauseScaleIn(), theirs.NeedToPauseScaleOut(), theirs.NeedToForceActivation(),
			theirs.IsUsingModifiers(), keda.CheckReplicaCountBoundsAreValid(theirs) == nil, keda.CheckFallbackValid(theirs) == nil,
			keda.ValidateTriggers(theirs.Spec.Triggers) == nil, paused, err == nil, types, auths,
		}
		got := []any{
			ours.Identifier(), ours.HPAMinReplicas(), ours.MaxReplicas(), ours.HasPauseAnnotation(),
			ours.IsPaused(), ours.IsScaleInPaused(), ours.IsScaleOutPaused(), ours.IsForcedActive(),
			ours.UsesModifiers(), ours.ValidateReplicas() == nil, ours.ValidateFallback() == nil,
			v1alpha1.ValidateTriggers(ours.Spec.Triggers) == nil, oursPaused, oursErr == nil,
			v1alpha1.TriggerTypes(ours.Spec.Triggers), v1alpha1.AuthenticationNames(ours.Spec.Triggers),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("KEDA's (-), ours (+):\n%s", diff)
		}
	})
}

func TestScaledJob_counts_as_KEDAs_code_does(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bound := rapid.Ptr(rapid.Int32Range(0, 200), true)
		theirs := &keda.ScaledJob{Spec: keda.ScaledJobSpec{MinReplicaCount: bound.Draw(t, "min"), MaxReplicaCount: bound.Draw(t, "max")}}
		ours := as[v1alpha1.ScaledJob](t, theirs)
		if theirs.MinReplicaCount() != ours.MinReplicas() || theirs.MaxReplicaCount() != ours.MaxReplicas() {
			t.Fatalf("KEDA's %d..%d, ours %d..%d", theirs.MinReplicaCount(), theirs.MaxReplicaCount(), ours.MinReplicas(), ours.MaxReplicas())
		}
	})
}

func TestWords_are_KEDAs(t *testing.T) {
	for ours, theirs := range map[string]string{
		v1alpha1.AnnotationPaused:            keda.PausedAnnotation,
		v1alpha1.AnnotationPausedReplicas:    keda.PausedReplicasAnnotation,
		v1alpha1.AnnotationPausedScaleIn:     keda.PausedScaleInAnnotation,
		v1alpha1.AnnotationPausedScaleOut:    keda.PausedScaleOutAnnotation,
		v1alpha1.AnnotationForceActivation:   keda.ForceActivationAnnotation,
		v1alpha1.AnnotationTransferHPA:       keda.ScaledObjectTransferHpaOwnershipAnnotation,
		v1alpha1.AnnotationHPAExcludedLabels: keda.ScaledObjectExcludedLabelsAnnotation,
		v1alpha1.AnnotationHPAOwnership:      keda.ValidationsHpaOwnershipAnnotation,
		v1alpha1.AnnotationJobExcludedLabels: keda.ScaledJobExcludedLabelsAnnotation,
		v1alpha1.AnnotationEKSRoleARN:        keda.PodIdentityAnnotationEKS,
		v1alpha1.LabelScaledObject:           keda.ScaledObjectOwnerAnnotation,
		v1alpha1.CompositeMetricName:         keda.CompositeMetricName,
		v1alpha1.ReasonScaledObjectReady:     keda.ScaledObjectConditionReadySuccessReason,
		v1alpha1.MessageScaledObjectReady:    keda.ScaledObjectConditionReadySuccessMessage,
		v1alpha1.ReasonScaledObjectPaused:    keda.ScaledObjectConditionPausedReason,
		v1alpha1.MessageScaledObjectPaused:   keda.ScaledObjectConditionPausedMessage,
		v1alpha1.ReasonScaledJobPaused:       keda.ScaledJobConditionPausedReason,
		v1alpha1.MessageScaledJobPaused:      keda.ScaledJobConditionPausedMessage,
		v1alpha1.ReasonScaledJobUnpaused:     keda.ScaledJobConditionUnpausedReason,
		v1alpha1.MessageScaledJobUnpaused:    keda.ScaledJobConditionUnpausedMessage,
		v1alpha1.ReasonHPAActive:             keda.ScaledObjectConditionHPAActiveReason,
		v1alpha1.ReasonHPAMetricsUnavailable: keda.ScaledObjectConditionHPAMetricsUnavailableReason,
		v1alpha1.ReasonHPAScalingDisabled:    keda.ScaledObjectConditionHPAScalingDisabledReason,
	} {
		if ours != theirs {
			t.Errorf("KEDA's %q, ours %q", theirs, ours)
		}
	}
	if diff := cmp.Diff(*keda.GetInitializedConditions(), as[keda.Conditions](t, v1alpha1.NewConditions())); diff != "" {
		t.Error(diff)
	}
}

func triggers() *rapid.Generator[[]keda.ScaleTriggers] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) keda.ScaleTriggers {
		s := keda.ScaleTriggers{
			Type:             rapid.SampledFrom([]string{"cpu", "memory", "cron", "aws-sqs-queue"}).Draw(t, "type"),
			Name:             rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "name"),
			UseCachedMetrics: rapid.Bool().Draw(t, "cached"),
		}
		if rapid.Bool().Draw(t, "auth") {
			s.AuthenticationRef = &keda.AuthenticationRef{Name: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "ref")}
		}
		return s
	}), 0, 4)
}

// as reads what one type wrote as another.
func as[T any](t interface{ Fatal(...any) }, from any) (into T) {
	data, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &into); err != nil {
		t.Fatal(err)
	}
	return into
}
