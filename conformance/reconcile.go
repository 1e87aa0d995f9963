package conformance

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	dto "github.com/prometheus/client_model/go"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// reconcileInput is what one sync of upstream started from.
type reconcileInput struct {
	Gates        map[string]bool   `json:"feature_gates"`
	Config       controllerConfig  `json:"controller_config"`
	HPA          hpaRecord         `json:"hpa"`
	Wants        []want            `json:"recommendations"`
	Seen         bool              `json:"recommendations_key_exists"`
	Ups          []resize          `json:"scale_up_events"`
	Downs        []resize          `json:"scale_down_events"`
	Rivals       []rival           `json:"other_hpa_selectors"`
	Pods         []podRecord       `json:"pods"`
	ScaleGets    []scaleGet        `json:"scale_get_responses"`
	MetricsReads []metricsResponse `json:"metrics_responses"`
}

// asleep says that the target is at zero because an HPA took it there.
func (in *reconcileInput) asleep() bool {
	if len(in.ScaleGets) == 0 || in.ScaleGets[len(in.ScaleGets)-1].Spec != 0 {
		return false
	}
	return slices.ContainsFunc(in.HPA.Status.Conditions, func(c autoscalingv2.HorizontalPodAutoscalerCondition) bool {
		return c.Type == autoscalingv2.ScaledToZero && c.Status == corev1.ConditionTrue
	})
}

type controllerConfig struct {
	Tolerance        float64     `json:"tolerance"`
	Stabilization    json.Number `json:"downscale_stabilization_window_seconds"`
	CPU              json.Number `json:"cpu_initialization_period_seconds"`
	Readiness        json.Number `json:"initial_readiness_delay_seconds"`
	ScaleUpFactor    float64     `json:"scale_up_limit_factor"`
	ScaleUpMinReplic json.Number `json:"scale_up_limit_minimum"`
}

func (c controllerConfig) defaults() (policy.Defaults, error) {
	d := policy.UpstreamDefaults()
	d.Tolerance, d.BurstFactor = c.Tolerance, c.ScaleUpFactor
	for _, f := range []struct {
		from json.Number
		to   *time.Duration
	}{
		{c.Stabilization, &d.DownscaleStabilization},
		{c.CPU, &d.CPUInitialization},
		{c.Readiness, &d.InitialReadiness},
	} {
		var err error
		if *f.to, err = seconds(f.from); err != nil {
			return d, err
		}
	}
	// Upstream writes this minimum as a float.
	return d, json.Unmarshal([]byte(strings.TrimSuffix(c.ScaleUpMinReplic.String(), ".0")), &d.BurstFloor)
}

// hpaRecord is an HPA in which instants are offsets.
type hpaRecord struct {
	autoscalingv2.HorizontalPodAutoscaler
}

func (h *hpaRecord) UnmarshalJSON(b []byte) error {
	dated, err := dates(b)
	if err != nil {
		return err
	}
	return json.Unmarshal(dated, &h.HorizontalPodAutoscaler)
}

// dates puts instants in the place of {"offset_seconds_rounded": n}.
func dates(b json.RawMessage) (json.RawMessage, error) {
	v, err := same.Plain(b)
	if err != nil {
		return nil, err
	}
	v, err = dated(v)
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func dated(v any) (_ any, err error) {
	switch v := v.(type) {
	case map[string]any:
		if n, ok := v["offset_seconds_rounded"].(json.Number); ok {
			d, err := seconds(n)
			return start().Add(d).Format(time.RFC3339), err
		}
		for k := range v {
			if v[k], err = dated(v[k]); err != nil {
				return nil, err
			}
		}
	case []any:
		for i := range v {
			if v[i], err = dated(v[i]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

// reconcileExpected is what one sync of upstream came to.
type reconcileExpected struct {
	Error      *string         `json:"error"`
	Updates    []scaleUpdate   `json:"scale_updates"`
	Written    bool            `json:"status_written"`
	Status     json.RawMessage `json:"status_after"`
	Events     []event         `json:"events"`
	Prometheus prometheusNotes `json:"prometheus"`
	Wants      []want          `json:"recommendations_after"`
	Ups        []resize        `json:"scale_up_events_after"`
	Downs      []resize        `json:"scale_down_events_after"`
}

type prometheusNotes struct {
	Reconciliation struct {
		Action string `json:"action"`
		Error  string `json:"error"`
	} `json:"reconciliation"`
	Metrics []metricNote `json:"metric_computations,omitempty"`
	Desired *int64       `json:"desired_replicas_gauge,omitempty"`
}

type metricNote struct {
	Action string `json:"action"`
	Error  string `json:"error"`
	Type   string `json:"metric_type"`
}

// sorted returns the notes with the metrics in an order of their own: counters have none.
func (n prometheusNotes) sorted() prometheusNotes {
	n.Metrics = slices.Clone(n.Metrics)
	slices.SortFunc(n.Metrics, func(a, b metricNote) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Error, b.Error))
	})
	return n
}

func replayReconcile(ctx context.Context, r Record, o Options) ([]string, error) {
	var in reconcileInput
	if err := same.Decode(r.Input, &in); err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	var exp reconcileExpected
	if err := same.Decode(r.Expected, &exp); err != nil {
		return nil, fmt.Errorf("expected: %w", err)
	}
	if err := understood(r.Expected, "trace", "error", "scale_updates", "status_written", "status_after", "events",
		"prometheus", "recommendations_after", "scale_up_events_after", "scale_down_events_after"); err != nil {
		return nil, err
	}
	d, err := in.Config.defaults()
	if err != nil {
		return nil, fmt.Errorf("controller_config: %w", err)
	}
	h := past(in.Wants, in.Ups, in.Downs)
	h.Seen = in.Seen
	s := &stage{
		hpa: &in.HPA.HorizontalPodAutoscaler, defaults: d, decide: engine.Without(o.Without...),
		pods: in.Pods, rivals: in.Rivals, gets: in.ScaleGets, updates: exp.Updates, metrics: in.MetricsReads, history: &h,
	}
	before := s.hpa.Status.DeepCopy()
	s.sync(ctx)
	return s.compare(&in, &exp, before)
}

// understood refuses expectations that the runner does not check.
func understood(b json.RawMessage, keys ...string) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &all); err != nil {
		return fmt.Errorf("expected: %w", err)
	}
	for k := range all {
		if !slices.Contains(keys, k) {
			return fmt.Errorf("expected.%s is not known to the runner", k)
		}
	}
	return nil
}

func (s *stage) compare(in *reconcileInput, exp *reconcileExpected, status *autoscalingv2.HorizontalPodAutoscalerStatus) ([]string, error) {
	notes, err := s.notes()
	if err != nil {
		return nil, err
	}
	if s.written != nil {
		status = s.written
	}
	if on, given := in.Gates["HPAScaleToZero"]; given && !on {
		// Without the gate there is no such condition; nothing else of the sync differs.
		status = status.DeepCopy()
		status.Conditions = slices.DeleteFunc(status.Conditions, func(c autoscalingv2.HorizontalPodAutoscalerCondition) bool {
			return c.Type == autoscalingv2.ScaledToZero
		})
	}
	wantStatus, err := dates(exp.Status)
	if err != nil {
		return nil, fmt.Errorf("status_after: %w", err)
	}
	var d []string
	d = append(d, same.Differences("scale_updates", orEmpty(exp.Updates), orEmpty(s.scaled))...)
	d = append(d, same.Differences("status_written", exp.Written, s.written != nil)...)
	d = append(d, same.Differences("status", orderless(wantStatus), orderless(status))...)
	d = append(d, same.Differences("events", orderless(orEmpty(exp.Events)), orderless(orEmpty(s.events)))...)
	d = append(d, same.Differences("prometheus", exp.Prometheus.sorted(), notes.sorted())...)
	d = append(d, same.Differences("error", exp.Error != nil, s.err != nil || notes.Reconciliation.Error != "none")...)
	if exp.Error != nil && !s.told(*exp.Error) {
		d = append(d, fmt.Sprintf("error: %q ends in nothing that the user was told", *exp.Error))
	}
	return append(d, s.sameHistory(exp)...), nil
}

// told says whether upstream's error, which it logs only, ends in something
// that Furl says in a warning or in its own error.
func (s *stage) told(upstream string) bool {
	for _, e := range s.events {
		if e.Type == corev1.EventTypeWarning && strings.HasSuffix(upstream, e.Message) {
			return true
		}
	}
	return slices.ContainsFunc(causes(s.err), func(text string) bool { return strings.HasSuffix(upstream, text) })
}

// causes are the texts of the errors that no other error is inside of.
func causes(err error) []string {
	switch e := err.(type) { //nolint:errorlint // walks the tree that errors.As searches
	case nil:
		return nil
	case interface{ Unwrap() []error }:
		var all []string
		for _, inner := range e.Unwrap() {
			all = append(all, causes(inner)...)
		}
		return all
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return causes(inner)
		}
	}
	return []string{err.Error()}
}

// orEmpty makes no list an empty one, as the records have it.
func orEmpty[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// orderless sorts the two HPAs that the message of an ambiguous selector
// names, whose order upstream leaves open.
func orderless(v any) any {
	b, ok := v.(json.RawMessage)
	if !ok {
		var err error
		if b, err = json.Marshal(v); err != nil {
			return v
		}
	}
	return json.RawMessage(regexp.MustCompile(`\(e\.g\. \[[^\]]*\]\)`).ReplaceAllFunc(b, func(m []byte) []byte {
		names := strings.Fields(strings.TrimSuffix(strings.TrimPrefix(string(m), "(e.g. ["), "])"))
		slices.Sort(names)
		return []byte("(e.g. [" + strings.Join(names, " ") + "])")
	}))
}

// notes reads back what the sync counted.
func (s *stage) notes() (prometheusNotes, error) {
	var n prometheusNotes
	all, err := s.registry.Gather()
	if err != nil {
		return n, err
	}
	for _, f := range all {
		for _, m := range f.GetMetric() {
			l := map[string]string{}
			for _, p := range m.GetLabel() {
				l[p.GetName()] = p.GetValue()
			}
			n.add(f.GetName(), l, m)
		}
	}
	return n, nil
}

func (n *prometheusNotes) add(name string, l map[string]string, m *dto.Metric) {
	const prefix = "horizontal_pod_autoscaler_controller_"
	switch name {
	case prefix + "reconciliations_total":
		n.Reconciliation.Action, n.Reconciliation.Error = l["action"], l["error"]
	case prefix + "metric_computation_total":
		for range int(m.GetCounter().GetValue()) {
			n.Metrics = append(n.Metrics, metricNote{l["action"], l["error"], l["metric_type"]})
		}
	case prefix + "desired_replicas":
		n.Desired = new(int64(m.GetGauge().GetValue()))
	}
}

// sameHistory says whether what was remembered will have the effect that
// upstream's slots have, for every size and proposal of the record.
func (s *stage) sameHistory(exp *reconcileExpected) []string {
	if s.record == nil {
		return nil
	}
	p := s.record.Policy
	theirs := past(exp.Wants, exp.Ups, exp.Downs)
	ours := s.after
	if s.hpa.Spec.Behavior == nil {
		// Upstream remembers resizes for behavior only, Furl for its limit without, too.
		theirs.Resizes = ours.Resizes
	}
	sizes := []int32{0, 1, p.Min, p.Max}
	for _, w := range exp.Wants {
		sizes = append(sizes, w.Recommendation)
	}
	for _, g := range s.gets {
		sizes = append(sizes, g.Spec)
	}
	return sameEffect(p, theirs, ours, sizes)
}
