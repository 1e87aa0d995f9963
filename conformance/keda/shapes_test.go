package keda

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestReplay_knows_shapes_that_the_folder_lacks has records as KEDA's source
// would give them.
func TestReplay_knows_shapes_that_the_folder_lacks(t *testing.T) {
	for _, tc := range []struct{ why, category, input, expected string }{
		{
			"an event names triggers that no status lists", "scaledobject_executor/request_scale",
			`{"scaled_object":{"metadata":{"name":"n","namespace":"ns"},"spec":{"minReplicaCount":5,"idleReplicaCount":2,"scaleTargetRef":{"name":"n"}}},
			 "any_trigger_active":true,"active_triggers":["testTrigger"],"current_replicas":2}`,
			`{"effects":[{"set_replicas":5,"error":null},{"event":{"type":"Normal","reason":"KEDAScaleTargetActivated","message":"Scaled  ns/n from 2 to 5, triggered by testTrigger"}}],
			 "conditions":[{"type":"Active","status":"True","reason":"ScalerActive","message":"Scaling is performed because triggers are active"}],
			 "last_active_time":"now","pause_replicas":null,"triggers_activity":{},"error":null}`,
		},
		{
			"the size cannot be read", "scaledobject_executor/request_scale",
			`{"scaled_object":{"metadata":{"name":"n","namespace":"ns"},"spec":{"scaleTargetRef":{"name":"n"}},
			  "status":{"conditions":[{"type":"Active","status":"Unknown"}]}},
			 "any_trigger_active":true,"active_triggers":[],"current_replicas":0,"current_replicas_error":"gone"}`,
			`{"effects":[],"conditions":[{"type":"Ready","status":"False","reason":"ErrorGettingCurrentReplicas","message":"Error getting current replicas count for ScaleTarget: gone"}],
			 "last_active_time":null,"pause_replicas":null,"triggers_activity":{},"error":null}`,
		},
		{
			"a trigger that fell out is nil", "modifiers/trigger_value_or_nil",
			`{"scaled_object":{"spec":{"fallback":{"failureThreshold":3,"replicas":2,"behavior":"scalingModifiers"}},
			  "status":{"health":{"t":{"numberOfFailures":4,"status":"Failing"}}}},"metric":{"metricName":"t","value":"7"}}`,
			`{"value_for_formula":null}`,
		},
		{
			"with another behavior it is not", "modifiers/trigger_value_or_nil",
			`{"scaled_object":{"spec":{"fallback":{"failureThreshold":3,"replicas":2,"behavior":"static"}},
			  "status":{"health":{"t":{"numberOfFailures":4,"status":"Failing"}}}},"metric":{"metricName":"t","value":"7"}}`,
			`{"value_for_formula":7}`,
		},
		{
			"a trigger without a name is in no formula", "modifiers/metric_trigger_pair",
			`{"scaled_object":{"spec":{"advanced":{"scalingModifiers":{"formula":"trigger1"}}}},"metric":"s0-metric1","trigger_name":""}`,
			`{"pair":{},"error":"trigger name not found"}`,
		},
		{
			"one trigger fails, another is active", "handler/scaled_object_state",
			`{"scaled_object":{"metadata":{"name":"n","namespace":"ns"},"spec":{"scaleTargetRef":{"name":"n"}}},"triggers":[
			 {"index":0,"name":"","type":"","metric_specs":[{"external":{"metric":{"name":"one"},"target":{"averageValue":"1"}}}],"answers":[{"asked_metric":"one","metrics":[{"metricName":"one","value":"2"}],"active":true,"error":null}]},
			 {"index":1,"name":"","type":"","metric_specs":[{"external":{"metric":{"name":"two"},"target":{"averageValue":"1"}}}],"answers":[{"asked_metric":"two","metrics":[],"active":false,"error":"broken"}]}]}`,
			`{"is_active":true,"is_error":true,"active_triggers":["one"],"error":null}`,
		},
		{
			"what was polled is the answer", "handler/get_metrics_for_hpa",
			`{"scaled_object":{"metadata":{"name":"n","namespace":"ns"},"spec":{"scaleTargetRef":{"name":"n"}}},"requested_metric":"one",
			 "polled_metric_records":{"one":{"metrics":[{"metricName":"one","value":"3"}],"active":true,"error":null}},"triggers":[
			 {"index":0,"use_cached_metrics":true,"metric_specs":[{"external":{"metric":{"name":"one"},"target":{"averageValue":"10"}}}],"answers":[]}]}`,
			`{"metrics":[{"metricName":"one","value":"3"}],"error":null}`,
		},
		{
			"nothing new is not written", "handler/apply_result_to_status",
			`{"snapshot_status":{},"stored_status":{},"result":{}}`, `{"status_patches":0,"status_after":{}}`,
		},
		{
			"conditions are written", "handler/apply_result_to_status",
			`{"snapshot_status":{},"stored_status":{},"result":{"conditions":[{"type":"Active","status":"True","reason":"ScalerActive","message":"Scaling is performed because triggers are active"}]}}`,
			`{"status_patches":1,"status_after":{"conditions":[{"type":"Active","status":"True","reason":"ScalerActive","message":"Scaling is performed because triggers are active"}]}}`,
		},
		{
			"a utilization is of cpu and memory only", "trigger_functions/GetMetricTargetType",
			`{"trigger_file":"scaler","arguments":{"config":{"MetricType":"Utilization"}}}`, `{"results":{"v2.MetricTargetType":"","error":"not for external metrics"}}`,
		},
	} {
		r := Record{ID: tc.why, Category: tc.category, Input: json.RawMessage(tc.input), Expected: json.RawMessage(tc.expected)}
		if res := Replay(t.Context(), r, Options{}); len(res.Diffs) > 0 {
			t.Errorf("%s:\n  %s", tc.why, strings.Join(res.Diffs, "\n  "))
		}
	}
}
