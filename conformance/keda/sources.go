package keda

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/operator/pool"
	"github.com/furl-dev/furl/schedule"
	"github.com/furl-dev/furl/trigger"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// answer is a trigger of a record: how it is set up, and what it says when asked.
type answer struct {
	kind, name string
	metric     string // without the index in front
	// calledInRecord is the record's name of the metric, where it has another.
	calledInRecord string
	target         float64
	metricType     autoscalingv2.MetricTargetType

	value  float64
	active *bool // what it says itself; nil leaves it to the value
	err    error
	silent bool // it has not answered yet
	pushes bool // it says by itself that there is work
	// bystander is there because the record says what some trigger does and not which.
	bystander bool
	// unlisted says that the status of the record's object does not list it.
	unlisted bool

	lease *pool.Lease
}

// settings are those of the stage's triggers.
type settings struct {
	Place  int     `cfg:"place" doc:"which of the stage's triggers it is"`
	Metric string  `cfg:"metric" doc:"what it measures"`
	Goal   float64 `cfg:"goal,role=target" doc:"what a replica should have"`
}

// MetricName is what the record calls it.
func (s settings) MetricName() string { return s.Metric }

// kind gives the type of any name that a record has; cpu and memory are read with the pods.
func (s *stage) kind(name string) (trigger.Kind, bool) {
	if isResource(name) {
		return trigger.DefineResource[settings](name, "a record's"), true
	}
	return trigger.Define(name, "a record's", func(_ context.Context, c settings, _ trigger.Env) (trigger.Source, error) {
		one := source{s, &s.triggers[c.Place]}
		if one.pushes {
			return pushing{one}, nil
		}
		return one, nil
	}), true
}

func isResource(kind string) bool { return kind == "cpu" || kind == "memory" }

// source says what the record says, once the stage lets it.
type source struct {
	stage *stage
	*answer
}

// Read implements [trigger.Source].
func (s source) Read(ctx context.Context) (trigger.Sample, error) {
	if err := s.wait(ctx); err != nil {
		return trigger.Sample{}, err
	}
	return trigger.Sample{At: schedule.Clock{}.Now(), Value: s.value, Active: s.active}, s.err
}

func (s source) wait(ctx context.Context) error {
	gate := s.stage.gate
	if s.silent {
		gate = nil
	}
	select {
	case <-gate:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close implements [trigger.Source].
func (source) Close() error { return nil }

// pushing is a source that says by itself that there is work.
type pushing struct{ source }

// Watch implements [trigger.Watcher].
func (p pushing) Watch(ctx context.Context, emit func(trigger.Sample)) error {
	if err := p.wait(ctx); err != nil {
		return err
	}
	emit(trigger.Sample{At: schedule.Clock{}.Now(), Value: p.value, Active: new(true)})
	<-ctx.Done()
	return ctx.Err()
}

// answered says that all have answered that will.
func (s *stage) answered() bool {
	for i := range s.triggers {
		t := &s.triggers[i]
		if t.lease == nil || t.silent {
			continue
		}
		if last := t.lease.Last(); last.Attempted.IsZero() || t.pushes && last.Pushed.IsZero() {
			return false
		}
	}
	return true
}

// hangs says that one will not.
func (s *stage) hangs() bool {
	return slices.ContainsFunc(s.triggers, func(t answer) bool { return t.silent })
}

// indexed matches the index that KEDA puts in front of a metric's name.
func indexed() *regexp.Regexp { return regexp.MustCompile(`^s\d+-`) }

// plainName is a metric's name without the index.
func plainName(metric string) string { return indexed().ReplaceAllString(metric, "") }

// signal is what Furl calls the metric of trigger i.
func (s *stage) signal(i int) string { return trigger.MetricName(i, s.triggers[i].metric) }

// place finds the trigger that a record's name of a metric means.
func (s *stage) place(metric string) int {
	return slices.IndexFunc(s.triggers, func(t answer) bool { return t.metric == plainName(metric) && !t.bystander })
}

// errBroken is what a trigger says that the record calls broken.
var errBroken = errors.New("the record says that this trigger fails")

// someTarget is the target of triggers of which a record says none.
const someTarget = 10

// declare makes the object's triggers those of the stage. The metadata is
// KEDA's business; what stands beside it counts.
func (s *stage) declare() {
	for i := range s.triggers {
		t := &s.triggers[i]
		if i == len(s.object.Spec.Triggers) {
			s.object.Spec.Triggers = append(s.object.Spec.Triggers, v1alpha1.ScaleTriggers{Type: t.kind, Name: t.name})
		}
		spec := &s.object.Spec.Triggers[i]
		if spec.Type == "" {
			spec.Type = "external"
		}
		if t.metricType != "" {
			spec.MetricType = t.metricType
		}
		if t.target == 0 {
			t.target = someTarget
		}
		if t.metric == "" {
			t.metric = spec.Type
		}
	}
}
