package eval_test

import (
	"strings"
	"testing"

	"github.com/furl-dev/furl/cli/eval"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
)

const queueOfValue = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: worker}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: worker}
  maxReplicas: 10
  metrics:
  - type: External
    external: {metric: {name: queue}, target: {type: Value, value: "10"}}
  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
`

func TestTargetsOfKindValue(t *testing.T) {
	for why, c := range map[string]struct {
		observed string
		want     int32
		says     string
	}{
		"multiply by the ready pods":               {"replicas: 3\npods: [{count: 1}, {count: 2, ready: false}]\nmetrics: {external/queue: 20}", 2, "on 1 ready pod"},
		"need no pods in the script":               {"replicas: 3\nmetrics: {external/queue: 20}", 6, "on 3 ready pods"},
		"count no ready pod as zero, as upstream":  {"replicas: 3\npods: [{ready: false}]\nmetrics: {external/queue: 20}", 1, "on 0 ready pods"},
		"have no answer where no pod is selected":  {"replicas: 3\npods: [{count: 0}]\nmetrics: {external/queue: 20}", 3, "no pods returned by selector"},
		"never shrink on a negative value (law 3)": {"replicas: 3\nmetrics: {external/queue: -1}", 3, "the value is negative: -1"},
	} {
		d := run(t, queueOfValue, "kind: Observation\n"+c.observed).Decisions[0]
		if d.To != c.want {
			t.Errorf("%s: %d replicas, want %d; %v", why, d.To, c.want, d.Steps)
		}
		said := false
		for _, s := range d.Steps {
			said = said || strings.Contains(s.Text, c.says)
		}
		if !said {
			t.Errorf("%s: no step says %q: %v", why, c.says, d.Steps)
		}
	}
}

func TestNumbersThatCannotBeAreRefusedByName(t *testing.T) {
	for observed, want := range map[string]string{
		`metrics: {external/queue: "NaN"}`: `metrics.external/queue: "NaN" is not a quantity`,
		`metrics: {external/queue: .nan}`:  "NaN is no quantity",
		`metrics: {external/queue: .inf}`:  "+Inf is no quantity",
		`metrics: {external/queue: -.inf}`: "-Inf is no quantity",
		`pods: [{count: -1}]`:              "pods[0].count: -1 pods; write 0 or more",
		`pods: [{name: a, count: 2}]`:      "pods[0].count: 2 pods; a line with a name is one pod",
		`replicas: -1`:                     "replicas: -1 is negative",
	} {
		text := queueOfValue + "---\nkind: Observation\n" + observed
		_, err := eval.Run(t.Context(), []eval.File{{Name: "test.yaml", Text: []byte(text)}}, eval.Options{
			Defaults: policy.UpstreamDefaults(), Decide: engine.Decide,
		})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "test.yaml: document at line") {
			t.Errorf("%s: error %v, want one with the place and %q", observed, err, want)
		}
	}
}
