package keda

import (
	"slices"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
)

// metric is one value that KEDA gives to an HPA.
type metric struct {
	Name  string            `json:"metricName"`
	Value resource.Quantity `json:"value"`
}

// metricSpec is how a trigger's metric is compared.
type metricSpec struct {
	External *struct {
		Metric struct {
			Name string `json:"name"`
		} `json:"metric"`
		Target autoscalingv2.MetricTarget `json:"target"`
	} `json:"external"`
	Resource *struct {
		Name string `json:"name"`
	} `json:"resource"`
}

// aim sets the target of a trigger.
func (t *answer) aim(target autoscalingv2.MetricTarget) {
	t.metricType = target.Type
	for _, q := range []*resource.Quantity{target.AverageValue, target.Value} {
		if q != nil {
			t.target = q.AsApproximateFloat64()
		}
	}
}

// milli are the values by name, in thousandths: 3500e-3 and 3.5 are one number.
func milli(ms []metric) map[string]int64 {
	out := make(map[string]int64, len(ms))
	for _, m := range ms {
		out[m.Name] = policy.Milli(m.Value)
	}
	return out
}

// measured are the values that the decision went by, under the record's names.
func (s *stage) measured() map[string]int64 {
	out := map[string]int64{}
	if s.record == nil {
		return out
	}
	for _, p := range s.record.Decision.Proposals {
		if p.Missing != "" {
			continue
		}
		name := p.Signal
		for i := range s.triggers {
			if s.signal(i) == p.Signal && s.triggers[i].calledInRecord != "" {
				name = s.triggers[i].calledInRecord
			}
		}
		out[name] = p.Total
	}
	return out
}

// unmeasured is why the first signal without a value has none; empty: all have one.
func (s *stage) unmeasured() string {
	if s.record == nil {
		return "refused: " + s.refused()
	}
	for _, p := range s.record.Decision.Proposals {
		if p.Missing != "" {
			return p.Missing
		}
	}
	if len(s.record.Decision.Proposals) == 0 {
		return "no signal was asked"
	}
	return ""
}

// fellBack says that a decision took the user's fallback for a measurement.
func (s *stage) fellBack() bool {
	return s.record != nil && slices.ContainsFunc(s.record.Decision.Steps, func(st engine.Step) bool { return st.Case == engine.CaseFallback })
}
