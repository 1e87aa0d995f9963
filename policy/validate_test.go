package policy_test

import (
	"strings"
	"testing"

	"github.com/furl-dev/furl/policy"
)

// What the API server refuses, by the field that it names.
func TestValidateNamesTheField(t *testing.T) {
	const cpu = "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}"
	metric := func(m string) string { return "maxReplicas: 5\nmetrics: [" + m + "]" }
	target := func(lines string) string {
		return metric("{type: Resource, resource: {name: cpu, target: {" + lines + "}}}")
	}
	behavior := func(b string) string { return "maxReplicas: 5\nbehavior: " + b }
	for _, tc := range []struct{ why, spec, field string }{
		{"the least", "maxReplicas: 1", ""},
		{"no maximum", "minReplicas: 1", "spec.maxReplicas"},
		{"maximum below minimum", "minReplicas: 3\nmaxReplicas: 2", "spec.maxReplicas"},
		{"maximum below the default minimum", "maxReplicas: 0", "spec.maxReplicas"},
		{"negative minimum", "minReplicas: -1\nmaxReplicas: 2", "spec.minReplicas"},
		{"zero with pods' metrics only", "minReplicas: 0\nmaxReplicas: 5\nmetrics: [" + cpu + "]", "spec.metrics"},
		{"zero with something outside", "minReplicas: 0\nmaxReplicas: 5\nmetrics: [" + cpu + ", {type: External, external: {metric: {name: q}, target: {type: Value, value: 1}}}]", ""},

		{"unknown type of metric", metric("{type: Cheddar}"), "spec.metrics[0].type"},
		{"no type", metric("{resource: {name: cpu, target: {type: Utilization, averageUtilization: 5}}}"), "spec.metrics[0].type"},
		{"no section", metric("{type: Pods}"), "spec.metrics[0].pods"},
		{"two sections", metric("{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 5}}, pods: {metric: {name: m}, target: {type: AverageValue, averageValue: 1}}}"), "spec.metrics[0].pods"},
		{"utilization of zero", target("type: Utilization, averageUtilization: 0"), "spec.metrics[0].resource.target.averageUtilization"},
		{"two targets", target("type: Utilization, averageUtilization: 1, averageValue: 1"), "spec.metrics[0].resource.target.averageValue"},
		{"no target", target("type: Utilization"), "spec.metrics[0].resource.target.averageUtilization"},
		{"negative target", target("type: AverageValue, averageValue: -1"), "spec.metrics[0].resource.target.averageValue"},
		{"unknown target", target("type: Sum, averageValue: 1"), "spec.metrics[0].resource.target.type"},
		{"no target type", target("averageValue: 1"), "spec.metrics[0].resource.target.type"},
		{"both for Object is tolerated", metric("{type: Object, object: {describedObject: {kind: S, name: s}, metric: {name: m}, target: {type: Value, value: 1, averageValue: 1}}}"), ""},
		{"both for External is not", metric("{type: External, external: {metric: {name: m}, target: {type: Value, value: 1, averageValue: 1}}}"), "spec.metrics[0].external.target.value"},
		{"no metric name", metric("{type: External, external: {metric: {name: ''}, target: {type: Value, value: 1}}}"), "spec.metrics[0].external.metric.name"},
		{"a metric name that is a path", metric("{type: External, external: {metric: {name: a/b}, target: {type: Value, value: 1}}}"), "spec.metrics[0].external.metric.name"},
		{"no container", metric("{type: ContainerResource, containerResource: {name: cpu, container: '', target: {type: Utilization, averageUtilization: 5}}}"), "spec.metrics[0].containerResource.container"},
		{"nothing described", metric("{type: Object, object: {describedObject: {kind: S, name: ''}, metric: {name: m}, target: {type: Value, value: 1}}}"), "spec.metrics[0].object.describedObject.name"},

		{"window too long", behavior("{scaleDown: {stabilizationWindowSeconds: 3601}}"), "spec.behavior.scaleDown.stabilizationWindowSeconds"},
		{"the longest window", behavior("{scaleDown: {stabilizationWindowSeconds: 3600}}"), ""},
		{"negative window", behavior("{scaleUp: {stabilizationWindowSeconds: -1}}"), "spec.behavior.scaleUp.stabilizationWindowSeconds"},
		{"no policies", behavior("{scaleUp: {policies: []}}"), "spec.behavior.scaleUp.policies"},
		{"unknown policy", behavior("{scaleUp: {policies: [{type: P, value: 1, periodSeconds: 1}]}}"), "spec.behavior.scaleUp.policies[0].type"},
		{"a policy of nothing", behavior("{scaleUp: {policies: [{type: Pods, value: 0, periodSeconds: 1}]}}"), "spec.behavior.scaleUp.policies[0].value"},
		{"no period", behavior("{scaleUp: {policies: [{type: Pods, value: 1, periodSeconds: 0}]}}"), "spec.behavior.scaleUp.policies[0].periodSeconds"},
		{"period too long", behavior("{scaleUp: {policies: [{type: Pods, value: 1, periodSeconds: 1801}]}}"), "spec.behavior.scaleUp.policies[0].periodSeconds"},
		{"unknown selection", behavior("{scaleUp: {selectPolicy: Best}}"), "spec.behavior.scaleUp.selectPolicy"},
		{"negative tolerance", behavior("{scaleDown: {tolerance: -0.1}}"), "spec.behavior.scaleDown.tolerance"},
	} {
		t.Run(tc.why, func(t *testing.T) {
			errs := policy.Validate(hpaOf(t, tc.spec))
			switch {
			case tc.field == "" && len(errs) > 0:
				t.Errorf("want none, got %v", errs)
			case tc.field != "" && (len(errs) != 1 || errs[0].Field != tc.field):
				t.Errorf("want one about %s, got %v", tc.field, errs)
			}
		})
	}
}

func TestValidateTarget(t *testing.T) {
	for _, tc := range []struct{ apiVersion, kind, field string }{
		{"apps/v1", "Deployment", ""},
		{"v1", "ReplicationController", ""},
		{"v1", "Deployment", "spec.scaleTargetRef.apiVersion"},
		{"", "Deployment", "spec.scaleTargetRef.apiVersion"},
		{"a/b/c", "Deployment", "spec.scaleTargetRef.apiVersion"},
		{"apps/v1", "", "spec.scaleTargetRef.kind"},
	} {
		h := hpaOf(t, "maxReplicas: 5")
		h.Spec.ScaleTargetRef.APIVersion, h.Spec.ScaleTargetRef.Kind = tc.apiVersion, tc.kind
		errs := policy.Validate(h)
		if got := errs.ToAggregate(); (got == nil) != (tc.field == "") || got != nil && !strings.Contains(got.Error(), tc.field) {
			t.Errorf("%s %s: want %q, got %v", tc.apiVersion, tc.kind, tc.field, errs)
		}
	}
}
