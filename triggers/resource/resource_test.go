package resource

import (
	"strings"
	"testing"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/triggertest"
)

func TestKinds_keep_what_every_trigger_promises(t *testing.T) {
	for _, kind := range []trigger.Kind{CPU(), Memory()} {
		triggertest.Run(t, triggertest.Suite{
			Kind: kind,
			Input: func(string) trigger.Input {
				return trigger.Input{MetricType: "Utilization", Metadata: map[string]string{"value": "50"}}
			},
			Bad: []triggertest.Bad{
				{Why: "a quantity for per cent", Change: map[string]string{"value": "500m"}, Says: "value"},
				{Why: "nothing wanted", Change: map[string]string{"value": "0"}, Says: "value"},
			},
		})
	}
}

func TestDecode_reads_the_value_as_the_metric_type_asks(t *testing.T) {
	for _, tc := range []struct {
		kind       trigger.Kind
		metricType string
		value      string
		want       float64
	}{
		{CPU(), "Utilization", "50", 50},
		{CPU(), "AverageValue", "500m", 0.5},
		{CPU(), "AverageValue", "2", 2},
		{Memory(), "AverageValue", "100Mi", 100 * 1024 * 1024},
	} {
		c, err := tc.kind.Decode(trigger.Input{MetricType: tc.metricType, Metadata: map[string]string{"value": tc.value, "containerName": "app"}})
		if err != nil {
			t.Errorf("%s %s: %v", tc.metricType, tc.value, err)
			continue
		}
		asked, ok := c.Value().(interface{ ContainerName() string })
		if got := c.Metrics[0].Target; got != tc.want || !ok || asked.ContainerName() != "app" {
			t.Errorf("%s %s: target %v of %v, want %v of container app", tc.metricType, tc.value, got, c.Value(), tc.want)
		}
	}
}

func TestDecode_says_where_the_metric_type_belongs(t *testing.T) {
	for _, metricType := range []string{"", "Value"} {
		_, err := CPU().Decode(trigger.Input{MetricType: metricType, Metadata: map[string]string{"value": "50"}})
		if err == nil || !strings.Contains(err.Error(), "metricType") || !strings.Contains(err.Error(), "beside metadata") {
			t.Errorf("metricType %q: %v, want an error that says which there are and where", metricType, err)
		}
	}
	for _, value := range []string{"a lot", "-5", "0"} {
		if _, err := CPU().Decode(trigger.Input{MetricType: "AverageValue", Metadata: map[string]string{"value": value}}); err == nil {
			t.Errorf("AverageValue %q is accepted", value)
		}
	}
}
