package policy_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"
)

// hpaOf is a valid HPA with the given lines under spec.
func hpaOf(t *testing.T, spec string) *autoscalingv2.HorizontalPodAutoscaler {
	t.Helper()
	h := new(autoscalingv2.HorizontalPodAutoscaler)
	text := "metadata: {name: web, namespace: shop}\nspec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n"
	for line := range strings.Lines(strings.Trim(spec, "\n") + "\n") {
		text += "  " + line
	}
	if err := yaml.UnmarshalStrict([]byte(text), h); err != nil {
		t.Fatal(err)
	}
	return h
}

func compile(t *testing.T, spec string) policy.Compiled {
	t.Helper()
	c, err := policy.Compile(hpaOf(t, spec), policy.UpstreamDefaults())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWithoutAnythingUpstreamsDefaultsSpeak(t *testing.T) {
	want := engine.Policy{
		Min: 1, Max: 5,
		Signals: []engine.Signal{{
			Name: "cpu", Label: "cpu resource utilization (percentage of request)", Kind: engine.PerPod, CPU: true,
			Target: engine.Target{Kind: engine.Utilization, Value: 80},
		}},
		Tolerance: engine.Tolerance{Up: 0.1, Down: 0.1},
		Down:      engine.Scaling{Window: 5 * time.Minute},
		Burst:     engine.Burst{Factor: 2, Floor: 4, Period: 15 * time.Second},
		Grace:     engine.Grace{CPUInitialization: 5 * time.Minute, InitialReadiness: 30 * time.Second},
	}
	if d := cmp.Diff(want, compile(t, "maxReplicas: 5").Policy); d != "" {
		t.Error(d)
	}
}

func TestBehaviorIsFilledFieldByField(t *testing.T) {
	up := []engine.Limit{{Value: 4, Period: 15 * time.Second}, {Percent: true, Value: 100, Period: 15 * time.Second}}
	down := []engine.Limit{{Percent: true, Value: 100, Period: 15 * time.Second}}
	for _, tc := range []struct {
		why, behavior string
		up, down      engine.Scaling
		tolerance     engine.Tolerance
	}{
		{
			"an empty behavior is behavior: it has limits and no burst", "{}",
			engine.Scaling{Limits: up},
			engine.Scaling{Window: 90 * time.Second, Limits: down},
			engine.Tolerance{Up: 0.2, Down: 0.2},
		},
		{
			"a window alone keeps the default policies", "{scaleDown: {stabilizationWindowSeconds: 7}}",
			engine.Scaling{Limits: up},
			engine.Scaling{Window: 7 * time.Second, Limits: down},
			engine.Tolerance{Up: 0.2, Down: 0.2},
		},
		{
			"policies are replaced as a whole", "{scaleUp: {selectPolicy: Min, policies: [{type: Pods, value: 1, periodSeconds: 60}]}}",
			engine.Scaling{Select: engine.SelectMin, Limits: []engine.Limit{{Value: 1, Period: time.Minute}}},
			engine.Scaling{Window: 90 * time.Second, Limits: down},
			engine.Tolerance{Up: 0.2, Down: 0.2},
		},
		{
			"a direction may be disabled", "{scaleDown: {selectPolicy: Disabled}}",
			engine.Scaling{Limits: up},
			engine.Scaling{Window: 90 * time.Second, Select: engine.SelectDisabled, Limits: down},
			engine.Tolerance{Up: 0.2, Down: 0.2},
		},
		{
			"each direction has its tolerance", "{scaleUp: {tolerance: 50m}, scaleDown: {tolerance: 0}}",
			engine.Scaling{Limits: up},
			engine.Scaling{Window: 90 * time.Second, Limits: down},
			engine.Tolerance{Up: 0.05},
		},
	} {
		t.Run(tc.why, func(t *testing.T) {
			d := policy.UpstreamDefaults()
			d.Tolerance = 0.2
			d.DownscaleStabilization = 90*time.Second + 700*time.Millisecond // upstream counts whole seconds here
			c, err := policy.Compile(hpaOf(t, "maxReplicas: 5\nbehavior: "+tc.behavior), d)
			if err != nil {
				t.Fatal(err)
			}
			got := c.Policy
			if diff := cmp.Diff([]any{tc.up, tc.down, tc.tolerance, engine.Burst{}}, []any{got.Up, got.Down, got.Tolerance, got.Burst}); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEachSourceBecomesASignal(t *testing.T) {
	c := compile(t, `
maxReplicas: 5
metrics:
- {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}
- {type: Resource, resource: {name: cpu, target: {type: AverageValue, averageValue: 300m}}}
- {type: ContainerResource, containerResource: {name: memory, container: app, target: {type: Utilization, averageUtilization: 70}}}
- {type: Pods, pods: {metric: {name: qps}, target: {type: AverageValue, averageValue: 15}}}
- {type: Object, object: {describedObject: {kind: Service, name: s}, metric: {name: rps}, target: {type: Value, value: 2k}}}
- {type: Object, object: {describedObject: {kind: Service, name: s}, metric: {name: rps}, target: {type: AverageValue, averageValue: 3}}}
- {type: External, external: {metric: {name: queue, selector: {matchLabels: {q: jobs}}}, target: {type: Value, value: 7}}}
`)
	type row struct {
		Name, Label string
		Kind        engine.Kind
		Target      engine.Target
		CPU         bool
	}
	want := []row{
		{"cpu", "cpu resource utilization (percentage of request)", engine.PerPod, engine.Target{Kind: engine.Utilization, Value: 50}, true},
		{"cpu-2", "cpu resource", engine.PerPod, engine.Target{Kind: engine.AverageValue, Value: 300}, true},
		{"memory/app", "memory container resource utilization (percentage of request)", engine.PerPod, engine.Target{Kind: engine.Utilization, Value: 70}, false},
		{"pods/qps", "pods metric qps", engine.PerPod, engine.Target{Kind: engine.AverageValue, Value: 15_000}, false},
		{"object/rps", "Service metric rps", engine.Object, engine.Target{Kind: engine.Value, Value: 2_000_000}, false},
		{"object/rps-2", "external metric rps(nil)", engine.Object, engine.Target{Kind: engine.AverageValue, Value: 3000}, false},
		{"external/queue", "external metric queue(&LabelSelector{MatchLabels:map[string]string{q: jobs,},MatchExpressions:[]LabelSelectorRequirement{},})", engine.External, engine.Target{Kind: engine.Value, Value: 7000}, false},
	}
	got := make([]row, 0, len(want))
	for i, s := range c.Policy.Signals {
		got = append(got, row{s.Name, s.Label, s.Kind, s.Target, s.CPU})
		if s.Fault != "" {
			t.Errorf("%s: %s", s.Name, s.Fault)
		}
		if c.Sources[i].Signal != s.Name {
			t.Errorf("source %d is of %s, not of %s", i, c.Sources[i].Signal, s.Name)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if s := c.Sources[6]; s.MetricName != "queue" || s.Selector.String() != "q=jobs" {
		t.Errorf("external source: %+v", s)
	}
	if s := c.Sources[2]; s.Container != "app" || s.Resource != "memory" {
		t.Errorf("container source: %+v", s)
	}
}

func TestAnUnusableMetricIsAFaultOfItsSignalOnly(t *testing.T) {
	for _, tc := range []struct{ why, metric, fault string }{
		{"unknown type", "{type: CheddarCheese}", `unknown metric source type "CheddarCheese"`},
		{"no target", "{type: Resource, resource: {name: cpu, target: {type: ''}}}", "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set"},
		{"the type decides for Object", "{type: Object, object: {describedObject: {kind: Service, name: s}, metric: {name: m}, target: {type: Value, averageValue: 1}}}", "invalid object metric source: neither a value target nor an average value target was set"},
		{"no external target", "{type: External, external: {metric: {name: m}, target: {type: Value}}}", "invalid external metric source: neither a value target nor an average value target was set"},
		{"no section, where upstream crashes", "{type: Pods}", "invalid metric source: type is Pods, but its section is missing"},
		{"no pods target, where upstream crashes", "{type: Pods, pods: {metric: {name: m}, target: {type: Value}}}", "invalid pods metric source: no average value target was set"},
		{"a target of zero", "{type: Pods, pods: {metric: {name: m}, target: {type: AverageValue, averageValue: 0}}}", "the target must be above zero"},
		{"an unusable selector", "{type: External, external: {metric: {name: m, selector: {matchExpressions: [{key: a, operator: Near}]}}, target: {type: Value, value: 1}}}", `"Near" is not a valid label selector operator`},
	} {
		t.Run(tc.why, func(t *testing.T) {
			c := compile(t, "maxReplicas: 5\nmetrics:\n- "+tc.metric+"\n- {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}")
			if got := c.Policy.Signals[0].Fault; got != tc.fault {
				t.Errorf("want %q, got %q", tc.fault, got)
			}
			if c.Policy.Signals[1].Fault != "" {
				t.Errorf("the other signal has a fault, too: %s", c.Policy.Signals[1].Fault)
			}
		})
	}
}

func TestAnnotations(t *testing.T) {
	for _, tc := range []struct {
		why         string
		annotations map[string]string
		mode        policy.Mode
		cadence     time.Duration
		fails       bool
	}{
		{"none: scale, on every sample", nil, policy.Scale, 0, false},
		{"observe", map[string]string{api.AnnotationMode: "observe"}, policy.Observe, 0, false},
		{"a misspelt mode must not scale", map[string]string{api.AnnotationMode: "Observe"}, 0, 0, true},
		{"upstream's rhythm", map[string]string{api.AnnotationCadence: "15s"}, policy.Scale, 15 * time.Second, false},
		{"no unit", map[string]string{api.AnnotationCadence: "15"}, 0, 0, true},
		{"a page of a stranger", map[string]string{api.AnnotationBusy: "http://example.com:80/#busy"}, 0, 0, true},
		{"too often", map[string]string{api.AnnotationCadence: "10ms"}, 0, 0, true},
		{"too seldom", map[string]string{api.AnnotationCadence: "25h"}, 0, 0, true},
	} {
		t.Run(tc.why, func(t *testing.T) {
			h := hpaOf(t, "maxReplicas: 5")
			h.Annotations = tc.annotations
			c, err := policy.Compile(h, policy.UpstreamDefaults())
			if (err != nil) != tc.fails {
				t.Fatalf("error: %v", err)
			}
			if failsToo := len(policy.Validate(h)) > 0; failsToo != tc.fails {
				t.Errorf("Validate thinks otherwise: %v", policy.Validate(h))
			}
			if c.Mode != tc.mode || c.Cadence != tc.cadence {
				t.Errorf("want %v %v, got %v %v", tc.mode, tc.cadence, c.Mode, c.Cadence)
			}
		})
	}
}

func TestWarningsSayWhereTheTypeMisleads(t *testing.T) {
	c := compile(t, "maxReplicas: 5\nmetrics: [{type: External, external: {metric: {name: m}, target: {type: Value, averageValue: 5}}}]")
	want := []string{"spec.metrics[0]: target.type is Value, but the field given makes it AverageValue"}
	if d := cmp.Diff(want, c.Warnings); d != "" {
		t.Error(d)
	}
}

func TestCompileLeavesTheObjectAlone(t *testing.T) {
	h := hpaOf(t, "maxReplicas: 5\nbehavior: {scaleUp: {}}")
	before := h.DeepCopy()
	if _, err := policy.Compile(h, policy.UpstreamDefaults()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, h); d != "" {
		t.Error(d)
	}
}

func TestMilliSaturates(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1000, "1m": 1, "1u": 1, "1Ki": 1_024_000, "0": 0, "-3": -3000,
		"9E": math.MaxInt64, "1e30": math.MaxInt64, "-1e30": math.MinInt64,
	} {
		if got := policy.Milli(resource.MustParse(text)); got != want {
			t.Errorf("%s: want %d, got %d", text, want, got)
		}
	}
}

// FuzzHPA compiles whatever the JSON of an HPA can say and decides on it.
func FuzzHPA(f *testing.F) {
	for _, seed := range []string{
		`{"spec":{"maxReplicas":5}}`,
		`{"spec":{"minReplicas":0,"maxReplicas":9,"metrics":[{"type":"External","external":{"metric":{"name":"q"},"target":{"averageValue":"1e40"}}}]}}`,
		`{"spec":{"maxReplicas":5,"metrics":[{"type":"Object"},{"type":"x"}],"behavior":{"scaleUp":{"selectPolicy":"Disabled"},"scaleDown":{"tolerance":"-1","policies":[]}}}}`,
		`{"metadata":{"annotations":{"furl.dev/mode":"observe","furl.dev/cadence":"1m"}},"spec":{"maxReplicas":-1}}`,
	} {
		f.Add([]byte(seed), int32(3), 1e6)
	}
	f.Fuzz(func(t *testing.T, b []byte, size int32, value float64) {
		h := new(autoscalingv2.HorizontalPodAutoscaler)
		if yaml.Unmarshal(b, h) != nil {
			t.Skip()
		}
		policy.Validate(h)
		c, err := policy.Compile(h, policy.UpstreamDefaults())
		if err != nil {
			if len(policy.Validate(h)) == 0 {
				t.Errorf("valid, but does not compile: %v", err)
			}
			return
		}
		within(t, c, size, value)
	})
}

// within decides a few times and wants the size to stay in bounds, to be held, or to be left off.
func within(t *testing.T, c policy.Compiled, size int32, value float64) {
	t.Helper()
	at := time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)
	o := engine.Observation{Replicas: engine.Replicas{Spec: size, Status: size}}
	pod := engine.Pod{Name: "p", Readiness: engine.Ready, Begun: true, Measured: true, Value: int64(min(max(value, 0), 1e15)), Request: 100}
	var h engine.History
	for i := range 4 {
		o.At, o.Readings = at.Add(time.Duration(i)*time.Minute), nil
		for _, s := range c.Policy.Signals {
			o.Readings = append(o.Readings, engine.Reading{
				Signal: s.Name, Value: value, ReadyPods: size, Usage: engine.Group([]engine.Pod{pod}, o.At, s, c.Policy.Grace),
			})
		}
		var d engine.Decision
		d, h = engine.Decide(c.Policy, o, h)
		inside := d.To >= c.Policy.Min && d.To <= c.Policy.Max
		if !inside && d.To != d.From {
			t.Fatalf("from %d to %d with bounds %d..%d", d.From, d.To, c.Policy.Min, c.Policy.Max)
		}
		h = engine.Applied(c.Policy, d, h)
		o.Replicas = engine.Replicas{Spec: d.To, Status: d.To}
	}
}
