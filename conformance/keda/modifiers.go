package keda

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
)

// replayCompile asks whether a formula and its target are accepted.
func replayCompile(_ context.Context, r Record, _ Options) ([]string, error) {
	type input struct {
		Formula  string   `json:"formula"`
		Target   string   `json:"target"`
		Triggers []string `json:"trigger_names"`
	}
	type expected struct {
		Valid    bool   `json:"valid"`
		Compiled string `json:"formula_as_compiled"`
	}
	in, exp, err := into[input, expected](r, "valid", "upstream_error_text", "formula_as_compiled")
	if err != nil {
		return nil, err
	}
	_, err = policy.CompileModifiers(v1alpha1.ScalingModifiers{Formula: in.Formula, Target: in.Target}, in.Triggers)
	d := same.Differences("valid", exp.Valid, err == nil)
	if f, err := policy.CompileFormula(in.Formula, in.Triggers); err == nil {
		d = append(d, same.Differences("formula_as_compiled", exp.Compiled, f.Compiled())...)
	}
	return d, nil
}

// formulaInput is what one evaluation of a formula started from.
type formulaInput struct {
	Object  json.RawMessage   `json:"scaled_object"`
	Formula *string           `json:"formula"`
	Target  string            `json:"target"`
	Metrics []metric          `json:"metrics"`
	Pairs   map[string]string `json:"metric_to_trigger_name"`
	// Fallback and Health are the object's where there is no object.
	Fallback *v1alpha1.Fallback               `json:"fallback"`
	Health   map[string]v1alpha1.HealthStatus `json:"health"`
}

func replayFormula(ctx context.Context, r Record, o Options) ([]string, error) {
	type expected struct {
		Metrics   []metric `json:"metrics"`
		Error     *string  `json:"error"`
		Undefined bool     `json:"undefined"`
	}
	in, exp, err := into[formulaInput, expected](r, "metrics", "error", "undefined")
	if err != nil {
		return nil, err
	}
	s := &stage{at: now(), size: 1, ready: 1, off: o.Without}
	if s.object, err = in.object(s); err != nil {
		return nil, err
	}
	if err := s.evaluate(ctx, in.Metrics, in.Pairs); err != nil {
		return nil, err
	}
	if exp.Undefined {
		return nil, nil // not to be compared: the conversion of a number that is too large
	}
	got := s.measured()
	maps.DeleteFunc(got, func(name string, _ int64) bool { return name != v1alpha1.CompositeMetricName })
	d := same.Differences("metrics", milli(exp.Metrics), got)
	return append(d, same.Differences("error", exp.Error != nil, len(got) == 0)...), nil
}

// object is the one that the formula is of.
func (in *formulaInput) object(s *stage) (*v1alpha1.ScaledObject, error) {
	o, err := scaledObject(in.Object, s.at)
	if err != nil {
		return nil, err
	}
	if in.Fallback != nil {
		o.Spec.Fallback = in.Fallback
	}
	if in.Health != nil {
		o.Status.Health = in.Health
	}
	if in.Formula == nil {
		return o, nil
	}
	if o.Spec.Advanced == nil {
		o.Spec.Advanced = &v1alpha1.AdvancedConfig{}
	}
	m := &o.Spec.Advanced.ScalingModifiers
	m.Formula, m.Target = *in.Formula, cmp.Or(in.Target, m.Target, "1")
	return o, nil
}

// evaluate lets the operator decide by the object's formula.
func (s *stage) evaluate(ctx context.Context, metrics []metric, pairs map[string]string) error {
	s.triggers, s.object.Spec.Triggers = nil, nil
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		t := answer{kind: "external", name: pairs[name], metric: plainName(name), calledInRecord: name, silent: true}
		if i := slices.IndexFunc(metrics, func(m metric) bool { return m.Name == name }); i >= 0 {
			t.value, t.silent = metrics[i].Value.AsApproximateFloat64(), s.fallsBack(name)
		}
		s.triggers = append(s.triggers, t)
	}
	s.nameless()
	if len(s.triggers) == 0 {
		s.bystanders(some{})
	}
	s.object.Status.Health = renamed(s.object.Status.Health, s)
	s.declare()
	return s.turn(ctx)
}

// fallsBack asks Furl whether the health of a metric means that its trigger is
// nil to a formula. KEDA's function gets a value even then, and does not look at it.
func (s *stage) fallsBack(name string) bool {
	f := s.object.Spec.Fallback
	n := s.object.Status.Health[name].NumberOfFailures
	if f == nil || n == nil || f.Behavior != v1alpha1.FallbackBehaviorScalingModifiers {
		return false
	}
	p := engine.Policy{Fallback: engine.Fallback{On: true, Threshold: f.FailureThreshold}}
	c, _ := engine.FallsBack(p, engine.History{Failures: []engine.Failure{{Signal: name, InARow: *n}}})
	return c.Status == engine.StatusTrue
}

// nameless adds the triggers that the formula names and the record has no metric of.
func (s *stage) nameless() {
	a := s.object.Spec.Advanced
	if a == nil || a.ScalingModifiers.Formula == "" {
		return
	}
	for _, name := range variables(a.ScalingModifiers.Formula) {
		if !slices.ContainsFunc(s.triggers, func(t answer) bool { return t.name == name }) {
			s.triggers = append(s.triggers, answer{kind: "external", name: name, metric: "of-" + name, silent: true})
		}
	}
}

// variables are what a formula reads, without what it defines itself; of one
// that cannot be read Furl will say so.
func variables(formula string) []string {
	tree, err := parser.Parse(formula)
	if err != nil {
		return nil
	}
	v := &visitor{own: map[string]bool{}}
	ast.Walk(&tree.Node, v)
	v.names = slices.DeleteFunc(v.names, func(name string) bool { return v.own[name] })
	slices.Sort(v.names)
	return slices.Compact(v.names)
}

type visitor struct {
	names []string
	own   map[string]bool
}

// Visit implements [ast.Visitor].
func (v *visitor) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		v.names = append(v.names, n.Value)
	case *ast.VariableDeclaratorNode:
		v.own[n.Name] = true
	}
}

// replayNil asks what a formula sees of one trigger.
func replayNil(ctx context.Context, r Record, o Options) ([]string, error) {
	type input struct {
		Object json.RawMessage `json:"scaled_object"`
		Metric metric          `json:"metric"`
	}
	type expected struct {
		Value *json.Number `json:"value_for_formula"`
	}
	in, exp, err := into[input, expected](r, "value_for_formula")
	if err != nil {
		return nil, err
	}
	s := &stage{at: now(), size: 1, ready: 1, off: o.Without}
	f := formulaInput{Object: in.Object, Formula: new("value ?? nil"), Target: "1"}
	if s.object, err = f.object(s); err != nil {
		return nil, err
	}
	if err := s.evaluate(ctx, []metric{in.Metric}, map[string]string{in.Metric.Name: "value"}); err != nil {
		return nil, err
	}
	want := map[string]int64{}
	if exp.Value != nil {
		q := metric{Name: v1alpha1.CompositeMetricName}
		if err := json.Unmarshal([]byte(fmt.Sprintf("%q", *exp.Value)), &q.Value); err != nil {
			return nil, fmt.Errorf("value_for_formula: %w", err)
		}
		want = milli([]metric{q})
	}
	got := s.measured()
	if sawNil(s) {
		got = map[string]int64{}
	}
	return same.Differences("value_for_formula", want, got), nil
}

// sawNil says that the formula came to nil.
func sawNil(s *stage) bool {
	return s.record != nil && slices.ContainsFunc(s.record.Decision.Steps, func(st engine.Step) bool { return st.Case == engine.CaseComputedNil })
}

// replayPair asks under which name a formula sees a metric.
func replayPair(ctx context.Context, r Record, _ Options) ([]string, error) {
	type input struct {
		Object  json.RawMessage `json:"scaled_object"`
		Metric  string          `json:"metric"`
		Trigger string          `json:"trigger_name"`
	}
	type expected struct {
		Pair  map[string]string `json:"pair"`
		Error *string           `json:"error"`
	}
	in, exp, err := into[input, expected](r, "pair", "error")
	if err != nil {
		return nil, err
	}
	s := &stage{at: now()}
	if s.object, err = scaledObject(in.Object, s.at); err != nil {
		return nil, err
	}
	s.object.Spec.Triggers = nil
	s.triggers = []answer{{kind: "external", name: in.Trigger, metric: plainName(in.Metric), calledInRecord: in.Metric}}
	s.nameless()
	if a := s.object.Spec.Advanced; a != nil && a.ScalingModifiers.Formula != "" {
		a.ScalingModifiers.Target = cmp.Or(a.ScalingModifiers.Target, "1")
	}
	s.declare()
	c, err := s.compile(ctx)
	if err != nil {
		return nil, err
	}
	got := map[string]string{}
	for _, input := range c.Policy.Composite.Inputs {
		if input.Signal.Name == s.signal(0) {
			got[in.Metric] = input.Variable
		}
	}
	isUnread := c.Policy.Composite.Formula != nil && len(got) == 0 // a warning tells why
	d := same.Differences("error", exp.Error != nil, isUnread && len(c.Warnings) > 0)
	return append(d, same.Differences("pair", orNone(exp.Pair), got)...), nil
}

func orNone(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
