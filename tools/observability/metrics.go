package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// metric is one of those that the operator registers.
type metric struct {
	Name   string   `json:"name"`
	Type   string   `json:"type"`
	Labels []string `json:"labels"`
}

// metrics are all of them, by name.
type metrics map[string]metric

// readMetrics reads the list that the operator's registries were written to.
func readMetrics(path string) (metrics, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the repository's own
	if err != nil {
		return nil, err
	}
	var list []metric
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	all := metrics{}
	for _, m := range list {
		all[m.Name] = m
	}
	return all, nil
}

// ofTargets are the labels that Prometheus gives to all that it reads from a
// target. It renames a metric's own label namespace where the target has one.
func ofTargets() []string { return []string{"job", "instance", "namespace", exportedNamespace} }

const exportedNamespace = "exported_namespace"

// labels are those of the metric that a series belongs to; those of a histogram have endings.
func (ms metrics) labels(series string) ([]string, error) {
	for _, ending := range []string{"", "_bucket", "_sum", "_count"} {
		name, ends := strings.CutSuffix(series, ending)
		m, known := ms[name]
		if !ends || !known || ending != "" && m.Type != "histogram" {
			continue
		}
		labels := append(ofTargets(), m.Labels...)
		if ending == "_bucket" {
			labels = append(labels, model.BucketLabel)
		}
		return labels, nil
	}
	return nil, fmt.Errorf("the operator has no metric %s", series)
}

// check refuses a query that cannot be parsed, or that names a metric or a label
// that is not there.
func (ms metrics) check(query string) error {
	e, err := parser.NewParser(parser.Options{}).ParseExpr(filled(query))
	if err != nil {
		return fmt.Errorf("query %s: %w", query, err)
	}
	var wrong []error
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			wrong = append(wrong, ms.selected(n))
		case *parser.AggregateExpr:
			wrong = append(wrong, ms.grouped(n))
		}
		return nil
	})
	return errors.Join(wrong...)
}

// selected checks a metric and the labels that it is selected by.
func (ms metrics) selected(s *parser.VectorSelector) error {
	labels, err := ms.labels(s.Name)
	if err != nil {
		return err
	}
	for _, m := range s.LabelMatchers {
		if m.Name != model.MetricNameLabel && !slices.Contains(labels, m.Name) {
			return fmt.Errorf("metric %s has no label %s", s.Name, m.Name)
		}
	}
	return nil
}

// grouped checks the labels that are left of each metric in an aggregation.
func (ms metrics) grouped(a *parser.AggregateExpr) error {
	var wrong []error
	parser.Inspect(a.Expr, func(n parser.Node, _ []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		labels, err := ms.labels(s.Name)
		for _, g := range a.Grouping {
			if err == nil && !slices.Contains(labels, g) {
				wrong = append(wrong, fmt.Errorf("metric %s has no label %s to group by", s.Name, g))
			}
		}
		return nil
	})
	return errors.Join(wrong...)
}

// filled puts a value where Grafana puts one outside of strings.
func filled(query string) string { return strings.ReplaceAll(query, "$__rate_interval", "5m") }
