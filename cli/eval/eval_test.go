package eval_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/furl-dev/furl/cli/eval"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	"github.com/google/go-cmp/cmp"
)

const hpa = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 10
  metrics:
  - type: Resource
    resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}
`

func run(t *testing.T, docs ...string) eval.Report {
	t.Helper()
	text := []byte(strings.Join(docs, "\n---\n"))
	r, err := eval.Run(t.Context(), []eval.File{{Name: "test.yaml", Text: text}}, eval.Options{
		Defaults: policy.UpstreamDefaults(), Decide: engine.Decide,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sizes are the decisions as after, from and to.
func sizes(r eval.Report) (out [][3]any) {
	for _, d := range r.Decisions {
		out = append(out, [3]any{d.After, d.From, d.To})
	}
	return out
}

func TestTheExamplesHold(t *testing.T) {
	for _, object := range []string{"hpa/hpa.yaml", "keda/scaledObject.yaml"} {
		file := filepath.Join("..", "..", "examples", "pod-autoscaling", filepath.FromSlash(object))
		var out bytes.Buffer
		c := eval.Command{
			Files:    []string{file, filepath.Join(filepath.Dir(file), "observation.yaml")},
			Defaults: policy.UpstreamDefaults(),
		}
		if err := c.Run(t.Context(), strings.NewReader(""), &out); err != nil {
			t.Errorf("%v\n%s", err, out.String())
		}
	}
}

func TestAnExpectationThatDoesNotHoldIsToldApart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "all.yaml")
	text := hpa + "---\nkind: Observation\nreplicas: 3\npods: [{cpu: 100m, request: 200m}]\nexpect: {replicas: 4}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c := eval.Command{Files: []string{file}, Defaults: policy.UpstreamDefaults()}
	if err := c.Run(t.Context(), nil, &out); !errors.Is(err, eval.ErrUnmet) {
		t.Errorf("want ErrUnmet, got %v", err)
	}
	if !strings.Contains(out.String(), "expect.replicas: want 4, got 3") {
		t.Errorf("the report does not say so:\n%s", out.String())
	}
}

func TestAnObservationMayLast(t *testing.T) {
	r := run(t, hpa,
		"kind: Observation\nreplicas: 6\npods: [{cpu: 100m, request: 200m}]",
		"kind: Observation\nat: 1m\nfor: 9m\nevery: 1m\npods: [{cpu: 10m, request: 200m}]",
	)
	// 6 was wanted last at 0s, so that the window of 5m is over at 6m.
	want := [][3]any{{"0s", int32(6), int32(6)}, {"6m0s", int32(6), int32(1)}, {"10m0s", int32(1), int32(1)}}
	if d := cmp.Diff(want, sizes(r)); d != "" {
		t.Error(d)
	}
}

func TestPods(t *testing.T) {
	for _, tc := range []struct {
		why, observation string
		to               int32
		says             string
	}{
		{"the line without a count is all the others", "{replicas: 4, pods: [{count: 1, cpu: 400m, request: 200m}, {cpu: 100m, request: 200m}]}", 7, "87% of the requests over a target of 50% on 4 ready pods"},
		{"as many pods as lines count", "{pods: [{count: 2, cpu: 200m, request: 200m}, {name: x, cpu: 200m, request: 200m}]}", 6, "3 ready pods"},
		{"pods without a measurement are missing", "{replicas: 2, pods: [{count: 1, cpu: 200m, request: 200m}, {request: 200m}]}", 2, "1 missing pod counted as idle"},
		{"a young unready pod counts as idle", "{replicas: 2, pods: [{count: 1, cpu: 200m, request: 200m}, {cpu: 1m, request: 200m, ready: false, age: 5s}]}", 2, "1 unready pod counted as idle"},
		{"a pending pod has nothing to measure", "{replicas: 2, pods: [{count: 1, cpu: 200m, request: 200m}, {request: 200m, phase: Pending}]}", 2, "1 unready pod"},
		{"a pod that is going does not count", "{replicas: 1, pods: [{count: 1, cpu: 100m, request: 200m}, {count: 1, cpu: 900m, request: 200m, deleting: true}]}", 1, "50% of the requests"},
		{"containers add up", "{replicas: 1, pods: [{containers: {a: {cpu: 50m, request: 100m}, b: {cpu: 150m, request: 100m}}}]}", 2, "100% of the requests"},
		{"no request, no utilization", "{replicas: 1, pods: [{cpu: 50m}]}", 1, "missing request for cpu in container pod of Pod pod-0"},
		{"no pods at all", "{replicas: 1}", 1, "no pods returned by selector"},
	} {
		t.Run(tc.why, func(t *testing.T) {
			r := run(t, hpa, `{kind: Observation, `+strings.TrimPrefix(tc.observation, "{"))
			d := r.Decisions[len(r.Decisions)-1]
			texts := make([]string, 0, len(d.Steps))
			for _, s := range d.Steps {
				texts = append(texts, s.Text)
			}
			if all := strings.Join(texts, "\n"); d.To != tc.to || !strings.Contains(all, tc.says) {
				t.Errorf("want %d and %q, got %d and\n%s", tc.to, tc.says, d.To, all)
			}
		})
	}
}

// FuzzObservation reads whatever is called YAML, and decides on what it can read.
func FuzzObservation(f *testing.F) {
	for _, seed := range []string{
		"kind: Observation\nreplicas: {spec: 3, status: 2}\npods: [{cpu: 1e30, request: {cpu: 1m, memory: 1Gi}, ready: unknown}]",
		"kind: Observation\nat: 2026-01-01T00:00:00Z\nfor: 1m\nmetrics: {cpu: {missing: why}}\nexpect: {within: [1, 2]}",
		"---\n--- x\nkind: Observation\npods:\n- containers: {a: {cpu: 1}}\n  metrics: {qps: 3}\n",
		"kind: Deployment\nspec: {template: {spec: {containers: [{resources: {limits: {cpu: 1}}}]}}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		files := []eval.File{{Name: "hpa.yaml", Text: []byte(hpa)}, {Name: "fuzz.yaml", Text: b}}
		r, err := eval.Run(t.Context(), files, eval.Options{Defaults: policy.UpstreamDefaults()})
		if err == nil {
			err = r.Write(new(bytes.Buffer), "text")
		}
		if err != nil && strings.TrimSpace(err.Error()) == "" {
			t.Error("an error that says nothing")
		}
	})
}
