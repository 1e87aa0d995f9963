package metricsapi

import (
	"bytes"
	"errors"
	"fmt"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// fromPrometheus takes the first series of the text format that a selector such as queue_size{name="jobs"} matches.
func fromPrometheus(body []byte, location string) (float64, error) {
	want, err := parseSelector(location)
	if err != nil {
		return 0, fmt.Errorf("valueLocation %q: %w", location, err)
	}
	body = append(bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")), '\n') // the format's last line must end
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("the answer is not in Prometheus' text format")
	}
	family, ok := families[want.metric]
	if !ok {
		return 0, fmt.Errorf("valueLocation %q: the answer has no metric %s", location, want.metric)
	}
	for _, series := range family.GetMetric() {
		if n, ok := value(series); ok && want.matches(series) {
			return n, nil
		}
	}
	return 0, fmt.Errorf("valueLocation %q: the answer has no such series of %s", location, want.metric)
}

// value is that of a counter, a gauge or an untyped series; histograms and summaries have none.
func value(m *dto.Metric) (float64, bool) {
	switch {
	case m.GetUntyped() != nil:
		return m.GetUntyped().GetValue(), true
	case m.GetCounter() != nil:
		return m.GetCounter().GetValue(), true
	case m.GetGauge() != nil:
		return m.GetGauge().GetValue(), true
	}
	return 0, false
}

func (s selector) matches(m *dto.Metric) bool {
	for _, want := range s.labels {
		got := "" // as in PromQL, a label that is not there is empty
		for _, l := range m.GetLabel() {
			if l.GetName() == want.label {
				got = l.GetValue()
			}
		}
		if !want.matches(got) {
			return false
		}
	}
	return true
}
