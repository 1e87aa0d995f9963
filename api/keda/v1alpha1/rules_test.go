package v1alpha1_test

import (
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func TestValidate_names_each_thing_that_is_wrong(t *testing.T) {
	o := &v1alpha1.ScaledObject{
		ObjectMeta: metav1.ObjectMeta{Name: strings.Repeat("n", 64)},
		Spec: v1alpha1.ScaledObjectSpec{
			MinReplicaCount: new(int32(20)),
			MaxReplicaCount: new(int32(10)),
			Fallback:        &v1alpha1.Fallback{FailureThreshold: -1},
			Triggers: []v1alpha1.ScaleTriggers{
				{Type: "cpu", Name: "one", UseCachedMetrics: true},
				{Type: "cron", Name: "one"},
			},
		},
	}
	err := o.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{
		"64 characters", "minReplicaCount 20 is above maxReplicaCount 10", "failureThreshold -1",
		"trigger 0 (cpu): useCachedMetrics", `trigger 1 (cron): name "one" is that of trigger 0 too`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: does not say %q", err, want)
		}
	}
}

func TestValidateFallback_wants_a_formula_and_a_trigger_that_can_fail(t *testing.T) {
	cpu := []v1alpha1.ScaleTriggers{{Type: "cpu"}, {Type: "memory"}}
	queue := []v1alpha1.ScaleTriggers{{Type: "cpu"}, {Type: "aws-sqs-queue"}}
	modifiers := func(formula string) *v1alpha1.AdvancedConfig {
		return &v1alpha1.AdvancedConfig{ScalingModifiers: v1alpha1.ScalingModifiers{Formula: formula}}
	}
	for _, tc := range []struct {
		why  string
		spec v1alpha1.ScaledObjectSpec
		ok   bool
	}{
		{"no fallback", v1alpha1.ScaledObjectSpec{Triggers: cpu}, true},
		{"cpu and memory never fail over", v1alpha1.ScaledObjectSpec{Triggers: cpu, Fallback: &v1alpha1.Fallback{}}, false},
		{"one trigger can", v1alpha1.ScaledObjectSpec{Triggers: queue, Fallback: &v1alpha1.Fallback{}}, true},
		{"the formula speaks for all", v1alpha1.ScaledObjectSpec{Triggers: cpu, Fallback: &v1alpha1.Fallback{}, Advanced: modifiers("a")}, true},
		{"nil needs a formula to go to", v1alpha1.ScaledObjectSpec{
			Triggers: queue, Fallback: &v1alpha1.Fallback{Behavior: v1alpha1.FallbackBehaviorScalingModifiers},
		}, false},
	} {
		o := &v1alpha1.ScaledObject{Spec: tc.spec}
		if err := o.ValidateFallback(); (err == nil) != tc.ok {
			t.Errorf("%s: error %v, want ok %v", tc.why, err, tc.ok)
		}
	}
}

func TestScaledJob_refuses_a_metric_type(t *testing.T) {
	j := &v1alpha1.ScaledJob{Spec: v1alpha1.ScaledJobSpec{Triggers: []v1alpha1.ScaleTriggers{{Type: "cron", MetricType: "Value"}}}}
	if err := j.Validate(); err == nil {
		t.Error("accepted")
	}
}

func TestIsPaused_takes_anything_but_false_for_true(t *testing.T) {
	for value, want := range map[string]bool{"true": true, "1": true, "": true, "yes": true, "false": false, "0": false} {
		annotations := map[string]string{
			v1alpha1.AnnotationPaused: value, v1alpha1.AnnotationPausedScaleIn: value,
			v1alpha1.AnnotationPausedScaleOut: value, v1alpha1.AnnotationForceActivation: value,
		}
		o := &v1alpha1.ScaledObject{ObjectMeta: metav1.ObjectMeta{Annotations: annotations}}
		j := &v1alpha1.ScaledJob{ObjectMeta: metav1.ObjectMeta{Annotations: annotations}}
		for i, got := range []bool{o.IsPaused(), o.IsScaleInPaused(), o.IsScaleOutPaused(), o.IsForcedActive(), j.IsPaused()} {
			if got != want {
				t.Errorf("%q: %d is %v, want %v", value, i, got, want)
			}
		}
	}
}

func TestDefaults_are_KEDAs(t *testing.T) {
	o := &v1alpha1.ScaledObject{ObjectMeta: metav1.ObjectMeta{Name: "worker"}}
	if o.PollingInterval() != 30*time.Second || o.CooldownPeriod() != 300*time.Second || o.InitialCooldownPeriod() != 0 {
		t.Errorf("polling %s, cooldown %s, initial %s", o.PollingInterval(), o.CooldownPeriod(), o.InitialCooldownPeriod())
	}
	if o.MinReplicas() != 0 || o.MaxReplicas() != 100 || o.HPAName() != "keda-hpa-worker" {
		t.Errorf("min %d, max %d, HPA %s", o.MinReplicas(), o.MaxReplicas(), o.HPAName())
	}
	o.Spec.PollingInterval = new(int32(0))
	if o.PollingInterval() != 0 {
		t.Errorf("polling %s though set to 0", o.PollingInterval())
	}
}

func TestStatusLists_name_each_thing_once(t *testing.T) {
	triggers := []v1alpha1.ScaleTriggers{
		{Type: "cron"},
		{Type: "aws-sqs-queue", AuthenticationRef: &v1alpha1.AuthenticationRef{Name: "aws"}},
		{Type: "aws-sqs-queue", AuthenticationRef: &v1alpha1.AuthenticationRef{Name: "aws"}},
	}
	if got := v1alpha1.TriggerTypes(triggers) + " " + v1alpha1.AuthenticationNames(triggers); got != "cron,aws-sqs-queue aws" {
		t.Error(got)
	}
}

func TestConditions_keep_one_of_a_type(t *testing.T) {
	c := v1alpha1.NewConditions()
	c.Set(v1alpha1.ConditionReady, metav1.ConditionTrue, "a", "b")
	c.Set(v1alpha1.ConditionHPAActive, metav1.ConditionFalse, "c", "d")
	c.Remove(v1alpha1.ConditionPaused)
	if len(c) != 4 || !c.IsTrue(v1alpha1.ConditionReady) || c.IsTrue(v1alpha1.ConditionPaused) || c.AreInitialized() {
		t.Errorf("%+v", c)
	}
}

func TestAddToScheme_knows_every_kind(t *testing.T) {
	s := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(s); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{
		v1alpha1.KindScaledObject, v1alpha1.KindScaledJob, v1alpha1.KindTriggerAuthentication, v1alpha1.KindClusterTriggerAuthentication,
	} {
		for _, k := range []string{kind, kind + "List"} {
			if !s.Recognizes(v1alpha1.GroupVersion().WithKind(k)) {
				t.Errorf("%s is not known", k)
			}
		}
	}
}
