package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/trigger"
	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// object reads the spec of a ScaledObject.
func object(t *testing.T, spec string, annotations ...string) *v1alpha1.ScaledObject {
	t.Helper()
	so := &v1alpha1.ScaledObject{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Annotations: map[string]string{}}}
	if err := yaml.UnmarshalStrict([]byte(spec), &so.Spec); err != nil {
		t.Fatal(err)
	}
	if so.Spec.ScaleTargetRef == nil {
		so.Spec.ScaleTargetRef = &v1alpha1.ScaleTarget{Name: "web"}
	}
	for i := 0; i < len(annotations); i += 2 {
		so.Annotations[annotations[i]] = annotations[i+1]
	}
	return so
}

// measured gives each trigger one metric of its type's name with a target of 5.
func measured(so *v1alpha1.ScaledObject) []policy.Trigger {
	ts := make([]policy.Trigger, len(so.Spec.Triggers))
	for i := range ts {
		ts[i].Metrics = []trigger.Metric{{Name: so.Spec.Triggers[i].Type, Target: 5, Activation: 2.5}}
	}
	return ts
}

func compiled(t *testing.T, so *v1alpha1.ScaledObject) policy.Compiled {
	t.Helper()
	c, err := policy.CompileScaledObject(so, measured(so), policy.UpstreamDefaults())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCompileScaledObject_fills_in_what_the_user_left_out(t *testing.T) {
	so := object(t, `triggers: [{type: aws-sqs-queue, metadata: {}}]`)
	so.CreationTimestamp = metav1.NewTime(noon())
	want := policy.Compiled{
		Policy: engine.Policy{
			Max: 100, Tolerance: engine.Tolerance{Up: 0.1, Down: 0.1}, Down: engine.Scaling{Window: 5 * time.Minute},
			Burst: engine.Burst{Factor: 2, Floor: 4, Period: 15 * time.Second},
			Grace: engine.Grace{CPUInitialization: 5 * time.Minute, InitialReadiness: 30 * time.Second},
			Signals: []engine.Signal{{
				Name: "s0-aws-sqs-queue", Label: "external metric s0-aws-sqs-queue", Kind: engine.External,
				Target: engine.Target{Kind: engine.AverageValue, Value: 5000}, Activation: 2500,
			}},
			Activation: engine.Activation{On: true, Cooldown: 5 * time.Minute, Created: noon()},
		},
		Sources: []policy.Source{{
			Signal: "s0-aws-sqs-queue", Kind: autoscalingv2.ExternalMetricSourceType, MetricName: "aws-sqs-queue",
			Selector: labels.Everything(), Activation: 2.5,
		}},
		Interval: 30 * time.Second,
	}
	if diff := cmp.Diff(want, compiled(t, so), cmp.Comparer(func(a, b labels.Selector) bool { return a.String() == b.String() })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCompileScaledObject_takes_over_what_the_user_wrote(t *testing.T) {
	so := object(t, `
pollingInterval: 5
cooldownPeriod: 10
initialCooldownPeriod: 60
idleReplicaCount: 0
minReplicaCount: 2
maxReplicaCount: 20
fallback: {failureThreshold: 3, replicas: 6, behavior: currentReplicasIfHigher}
advanced:
  horizontalPodAutoscalerConfig:
    behavior:
      scaleDown: {stabilizationWindowSeconds: 30, policies: [{type: Pods, value: 1, periodSeconds: 60}], tolerance: "0.05"}
triggers:
- {type: prometheus, metricType: Value, metadata: {}}
- {type: cpu, metricType: Utilization, metadata: {value: "5"}}
`, v1alpha1.AnnotationForceActivation, "yes", api.AnnotationScaleToZero, api.ScaleToZeroByBehavior, api.AnnotationMode, api.ModeObserve, api.AnnotationCadence, "15s")
	c := compiled(t, so)
	want := engine.Activation{
		On: true, Idles: true, Cooldown: 10 * time.Second, InitialCooldown: time.Minute, Forced: true, ByBehavior: true,
	}
	if diff := cmp.Diff(want, c.Policy.Activation); diff != "" {
		t.Errorf("activation (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(engine.Fallback{On: true, Threshold: 3, Replicas: 6, Behavior: engine.FallbackHigher}, c.Policy.Fallback); diff != "" {
		t.Errorf("fallback (-want +got):\n%s", diff)
	}
	down := engine.Scaling{Window: 30 * time.Second, Limits: []engine.Limit{{Value: 1, Period: time.Minute}}}
	if diff := cmp.Diff(down, c.Policy.Down); diff != "" {
		t.Errorf("down (-want +got):\n%s", diff)
	}
	if c.Policy.Tolerance.Down != 0.05 || c.Policy.Min != 2 || c.Policy.Max != 20 || c.Mode != policy.Observe || c.Cadence != 15*time.Second || c.Interval != 5*time.Second {
		t.Errorf("%+v", c)
	}
	cpu := engine.Signal{
		Name: "cpu", Label: "cpu resource utilization (percentage of request)", Kind: engine.PerPod, CPU: true,
		Target: engine.Target{Kind: engine.Utilization, Value: 5},
	}
	if diff := cmp.Diff(cpu, c.Policy.Signals[1]); diff != "" {
		t.Errorf("cpu is not what an HPA has (-want +got):\n%s", diff)
	}
	if k := c.Policy.Signals[0].Target.Kind; k != engine.Value {
		t.Errorf("the target is of kind %d, want Value", k)
	}
}

func TestCompileScaledObject_pauses(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        engine.Pause
		warns       bool
	}{
		{v1alpha1.AnnotationPaused, "true", engine.Pause{On: true}, false},
		{v1alpha1.AnnotationPaused, "", engine.Pause{On: true}, false},
		{v1alpha1.AnnotationPaused, "false", engine.Pause{}, false},
		{v1alpha1.AnnotationPausedReplicas, "0", engine.Pause{On: true, At: true}, false},
		{v1alpha1.AnnotationPausedReplicas, "7", engine.Pause{On: true, At: true, Replicas: 7}, false},
		{v1alpha1.AnnotationPausedReplicas, "none", engine.Pause{On: true}, true},
	} {
		got := compiled(t, object(t, `triggers: [{type: cron, metadata: {}}]`, c.name, c.value))
		if got.Policy.Pause != c.want || (len(got.Warnings) > 0) != c.warns {
			t.Errorf("%s: %q gives %+v and warns %q, want %+v", c.name, c.value, got.Policy.Pause, got.Warnings, c.want)
		}
	}
	one := compiled(t, object(t, `triggers: [{type: cron, metadata: {}}]`, v1alpha1.AnnotationPausedScaleIn, "true"))
	if p := one.Policy; p.Down.Select != engine.SelectDisabled || p.Up.Select == engine.SelectDisabled || len(p.Up.Limits) != 2 || !p.Activation.BlockedIn || p.Pause.On {
		t.Errorf("scaling in is paused: %+v", p)
	}
	other := compiled(t, object(t, `triggers: [{type: cron, metadata: {}}]`, v1alpha1.AnnotationPausedScaleOut, "true"))
	if p := other.Policy; p.Up.Select != engine.SelectDisabled || p.Down.Select == engine.SelectDisabled || !p.Activation.BlockedOut {
		t.Errorf("scaling out is paused: %+v", p)
	}
}

func TestCompileScaledObject_one_bad_trigger_leaves_the_others_working(t *testing.T) {
	so := object(t, `
triggers:
- {type: kafka, metadata: {}}
- {type: prometheus, metadata: {}}
- {type: prometheus, metricType: Utilization, metadata: {}}
- {type: external, metadata: {}}
- {type: memory, metadata: {}}
`)
	ts := measured(so)
	ts[0] = policy.Trigger{Fault: `trigger 0 (kafka): lagThreshold "x": want a whole number`}
	ts[3] = policy.Trigger{}
	c, err := policy.CompileScaledObject(so, ts, policy.UpstreamDefaults())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range c.Policy.Signals {
		got[s.Name] = s.Fault
	}
	want := map[string]string{
		"s0-kafka":      `trigger 0 (kafka): lagThreshold "x": want a whole number`,
		"s1-prometheus": "",
		"s2-prometheus": "metricType Utilization: only cpu and memory know it; write AverageValue or Value",
		"s3-external":   "what it measures is not known yet",
		"memory":        `metricType "": want Utilization or AverageValue`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// KEDA drops a cpu or memory trigger with a containerName beside a formula.
func TestFormulaKeepsContainers(t *testing.T) {
	so := object(t, `
advanced: {scalingModifiers: {formula: a + b, target: "2", activationTarget: "1"}}
triggers:
- {type: prometheus, name: a, metadata: {}}
- {type: cpu, metricType: Utilization, metadata: {value: "50", containerName: app}}
- {type: cron, name: b, metadata: {}}
- {type: cron, name: c, metadata: {}}
- {type: cron, metadata: {}}
`)
	ts := measured(so)
	cpu, err := containerCPU().Decode(trigger.Input{Index: 1, MetricType: "Utilization", Metadata: so.Spec.Triggers[1].Metadata})
	if err != nil {
		t.Fatal(err)
	}
	ts[1] = policy.Trigger{Config: cpu}
	c, err := policy.CompileScaledObject(so, ts, policy.UpstreamDefaults())
	if err != nil {
		t.Fatal(err)
	}
	names, variables, sources := make([]string, 0, 2), make([]string, 0, 3), make([]string, 0, 4)
	for _, s := range c.Policy.Signals {
		names = append(names, s.Name)
	}
	for _, in := range c.Policy.Composite.Inputs {
		variables = append(variables, in.Variable)
		if in.Spare != (in.Variable == "c") {
			t.Errorf("%s is spare: %v", in.Variable, in.Spare)
		}
	}
	for i, s := range c.Policy.Sensors() {
		if c.Sources[i].Signal != s.Name {
			t.Errorf("source %d is of %s, the sensor is %s", i, c.Sources[i].Signal, s.Name)
		}
		sources = append(sources, s.Name)
	}
	if diff := cmp.Diff([][]string{
		{"composite-metric", "cpu/app"}, {"a", "b", "c"}, {"s0-prometheus", "s2-cron", "s3-cron", "cpu/app"},
	}, [][]string{names, variables, sources}); diff != "" {
		t.Error(diff)
	}
	if s := c.Policy.Signals[0]; s.Activation != 1000 || s.Target != (engine.Target{Kind: engine.AverageValue, Value: 2000}) {
		t.Errorf("%+v", s)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "trigger 4 (cron): the formula cannot use it") {
		t.Errorf("it warns %q", c.Warnings)
	}
}

// container are the settings of a cpu trigger as triggers/resource has them.
type container struct {
	Value string `cfg:"value" doc:"per cent"`
	Name  string `cfg:"containerName,optional" doc:"one container"`
}

func (c container) ContainerName() string                { return c.Name }
func (c container) Target() (target, activation float64) { return 50, 0 }
func containerCPU() trigger.Kind                         { return trigger.DefineResource[container]("cpu", "Reads CPU.") }

func TestCompileScaledObject_refuses(t *testing.T) {
	const one = "triggers: [{type: cron, metadata: {}}]\n"
	for _, c := range []struct{ why, spec, want string }{
		{"no trigger", `triggers: []`, "spec.triggers: Required"},
		{"bounds the wrong way round", one + "minReplicaCount: 5\nmaxReplicaCount: 3", "must not be above maxReplicaCount, which is 3"},
		{"an idle size that is no less than the minimum", one + "minReplicaCount: 2\nidleReplicaCount: 2", "must be below minReplicaCount, which is 2"},
		{"an idle size without a minimum", one + "idleReplicaCount: 0", "must be below minReplicaCount, which is 0"},
		{"a negative fallback", one + "fallback: {failureThreshold: -1, replicas: 1}", "spec.fallback.failureThreshold"},
		{"an unknown behavior", one + "fallback: {failureThreshold: 1, replicas: 1, behavior: best}", "spec.fallback.behavior"},
		{"two triggers of one name", "triggers: [{type: cron, name: a, metadata: {}}, {type: cron, name: a, metadata: {}}]", `spec.triggers[1].name: Duplicate value: "a"`},
		{"a cache of nothing", "triggers: [{type: cpu, useCachedMetrics: true, metadata: {}}]", "useCachedMetrics"},
		{"an HPA's behavior that the API server refuses", one + "advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleDown: {stabilizationWindowSeconds: 3700}}}}", "behavior.scaleDown.stabilizationWindowSeconds"},
		{"a formula of nobody", one + `advanced: {scalingModifiers: {formula: a, target: "1"}}`, "unknown name a"},
	} {
		so := object(t, c.spec)
		_, err := policy.CompileScaledObject(so, measured(so), policy.UpstreamDefaults())
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "ScaledObject shop/web: ") {
			t.Errorf("%s gives %v, want %q", c.why, err, c.want)
		}
	}
	misspelt := object(t, one, api.AnnotationScaleToZero, "slowly")
	if _, err := policy.CompileScaledObject(misspelt, measured(misspelt), policy.UpstreamDefaults()); err == nil {
		t.Error("a misspelt annotation passes")
	}
	twice := object(t, one)
	two := []policy.Trigger{{Metrics: []trigger.Metric{{Name: "x", Target: 1}, {Name: "x", Target: 1}}}}
	if _, err := policy.CompileScaledObject(twice, two, policy.UpstreamDefaults()); err == nil || !strings.Contains(err.Error(), "trigger 0 (cron): metric s0-x is measured twice") {
		t.Errorf("a metric of two triggers gives %v", err)
	}
}

// What the CRD of KEDA or its webhook refuses and its operator bears with, is borne with, too.
func TestValidateScaledObject_knows_a_fallback_of_no_use(t *testing.T) {
	for _, spec := range []string{
		"fallback: {failureThreshold: 1, replicas: 1}\ntriggers: [{type: cpu, metricType: Utilization, metadata: {}}]",
		"fallback: {failureThreshold: 1, replicas: 1, behavior: scalingModifiers}\ntriggers: [{type: cron, metadata: {}}]",
	} {
		so := object(t, spec)
		if errs := policy.ValidateScaledObject(so); len(errs) != 1 {
			t.Errorf("%q gives %v, want one error", spec, errs)
		}
		if c := compiled(t, so); len(c.Warnings) != 1 {
			t.Errorf("%q compiles with %q, want a warning", spec, c.Warnings)
		}
	}
}

func TestResume_counts_an_active_object_as_active_now(t *testing.T) {
	so := object(t, `triggers: [{type: cron, metadata: {}}]`)
	before := metav1.NewTime(noon().Add(-time.Hour))
	so.Status.LastActiveTime = &before
	so.Status.PausedReplicaCount = new(int32(3))
	so.Status.Health = map[string]v1alpha1.HealthStatus{
		"s1-b": {NumberOfFailures: new(int32(2)), Status: v1alpha1.HealthStatusFailing},
		"s0-a": {NumberOfFailures: new(int32(1)), Status: v1alpha1.HealthStatusFailing},
		"s2-c": {NumberOfFailures: new(int32(0)), Status: v1alpha1.HealthStatusHappy},
	}
	want := engine.History{
		LastActive: before.Time, Paused: true, PausedAt: 3,
		Failures: []engine.Failure{{Signal: "s0-a", InARow: 1}, {Signal: "s1-b", InARow: 2}},
	}
	if diff := cmp.Diff(want, policy.Resume(so, noon())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	so.Status.Conditions.Set(v1alpha1.ConditionActive, metav1.ConditionTrue, "", "")
	if got := policy.Resume(so, noon()).LastActive; !got.Equal(noon()) {
		t.Errorf("active, it counts from %s, want %s", got, noon())
	}
}
