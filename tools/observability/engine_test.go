package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/template"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// interval is how often targets are read and rules are looked at here.
const interval = time.Minute

// sample is a value at an instant, in the form that Prometheus's storage has it.
type sample struct {
	at    int64 // in milliseconds
	value float64
}

func (s sample) T() int64                        { return s.at }
func (sample) ST() int64                         { return 0 }
func (s sample) F() float64                      { return s.value }
func (sample) H() *histogram.Histogram           { return nil }
func (sample) FH() *histogram.FloatHistogram     { return nil }
func (sample) Type() chunkenc.ValueType          { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample             { return s }
func after(d time.Duration) (milliseconds int64) { return d.Milliseconds() }

// loaded is a storage with series as promtool's tests write them, such as
// `furl_leading{job="furl"} 1x5 0x10`, one value each interval.
func loaded(t *testing.T, series ...string) storage.Queryable {
	t.Helper()
	all := make([]storage.Series, 0, len(series))
	for _, s := range series {
		of, values, err := parser.NewParser(parser.Options{}).ParseSeriesDesc(s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		var samples []chunks.Sample
		for i, v := range values {
			if !v.Omitted {
				samples = append(samples, sample{at: after(time.Duration(i) * interval), value: v.Value})
			}
		}
		all = append(all, storage.NewListSeries(of, samples))
	}
	return &storage.MockQueryable{MockQuerier: &storage.MockQuerier{
		SelectMockFunction: func(_ bool, _ *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
			return selected(all, ms)
		},
	}}
}

func selected(all []storage.Series, ms []*labels.Matcher) storage.SeriesSet {
	s := &set{}
	for _, one := range all {
		fits := true
		for _, m := range ms {
			fits = fits && m.Matches(one.Labels().Get(m.Name))
		}
		if fits {
			s.Series = append(s.Series, one)
		}
	}
	return s
}

// set gives one series after the other.
type set struct {
	Series []storage.Series
	next   int
}

func (s *set) Next() bool                      { s.next++; return s.next <= len(s.Series) }
func (s *set) At() storage.Series              { return s.Series[s.next-1] }
func (*set) Err() error                        { return nil }
func (*set) Warnings() annotations.Annotations { return nil }

// fired are the summaries of an alert that fires at an instant: what its query
// finds at each look for as long as the alert waits.
func fired(t *testing.T, a alert, q storage.Queryable, at time.Duration) []string {
	t.Helper()
	lasts, err := model.ParseDuration(a.For)
	if err != nil {
		t.Fatal(err)
	}
	begin := max(at-time.Duration(lasts), 0)
	e := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, LookbackDelta: 5 * time.Minute})
	query, err := e.NewRangeQuery(t.Context(), q, nil, a.Expr, instant(begin), instant(at), interval)
	if err != nil {
		t.Fatal(err)
	}
	defer query.Close()
	matrix, err := query.Exec(t.Context()).Matrix()
	if err != nil {
		t.Fatalf("%s: %v", a.Expr, err)
	}
	var out []string
	for _, s := range matrix {
		if at >= time.Duration(lasts) && len(s.Floats) == int(time.Duration(lasts)/interval)+1 {
			out = append(out, told(t, a, s.Metric, s.Floats[len(s.Floats)-1].F))
		}
	}
	return out
}

func instant(after time.Duration) time.Time { return time.Unix(0, 0).Add(after) }

// told is what somebody who is woken reads.
func told(t *testing.T, a alert, of labels.Labels, value float64) string {
	t.Helper()
	var summary string
	for _, part := range []string{"description", "summary"} {
		data := template.AlertTemplateData(of.Map(), nil, "", promql.Sample{F: value})
		text := "{{$labels := .Labels}}{{$value := .Value}}" + a.Annotations[part]
		none := func(context.Context, string, time.Time) (promql.Vector, error) {
			return nil, errors.New("no query is asked here")
		}
		var err error
		summary, err = template.NewTemplateExpander(t.Context(), text, a.Alert, data, 0, none, nil, []string{"missingkey=error"}).Expand()
		if err != nil {
			t.Errorf("%s of %s: %v", part, a.Alert, err)
		}
	}
	return summary
}
