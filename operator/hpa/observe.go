package hpa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/policy"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// eye sees one HPA's workload: its size, its pods and what they use. It is the
// loop.Observer and keeps its buffers, so that looking again allocates nothing.
type eye struct {
	ports   *Ports
	owner   types.NamespacedName
	target  kube.Target
	sources []policy.Source
	metrics []autoscalingv2.MetricSpec // as the user wrote them

	scale    kube.Scale // as last seen by Size
	selected *kube.Selection
	chosen   string // the selector that selected follows
	polls    polls
	recheck  time.Time // when the readings change without new ones, zero for never

	pods     []*kube.Pod
	grouped  []engine.Pod
	measures []Measure
	readings []engine.Reading
	byName   map[string]int
}

// Size implements loop.Observer.
func (e *eye) Size(ctx context.Context) (engine.Replicas, error) {
	s, err := e.ports.Scales.Get(ctx, e.target)
	if err != nil {
		return engine.Replicas{}, err
	}
	e.scale = s
	return s.Replicas, nil
}

// Read implements loop.Observer.
func (e *eye) Read(ctx context.Context, at time.Time, p engine.Policy) ([]engine.Reading, error) {
	if err := e.choose(); err != nil {
		return nil, err
	}
	e.recheck = time.Time{}
	e.pods = e.selected.AppendTo(e.pods[:0])
	e.readings = e.readings[:0]
	for i := range p.Signals {
		r := engine.Reading{Signal: p.Signals[i].Name, At: at, Missing: p.Signals[i].Fault}
		if r.Missing == "" {
			e.read(ctx, at, &p.Signals[i], &e.sources[i], p.Grace, &r)
		}
		e.readings = append(e.readings, r)
	}
	// The record keeps the readings, the next tick reuses the buffer.
	return append([]engine.Reading(nil), e.readings...), nil
}

// read fills in one reading.
func (e *eye) read(ctx context.Context, at time.Time, s *engine.Signal, src *policy.Source, g engine.Grace, r *engine.Reading) {
	var err error
	switch src.Kind {
	case autoscalingv2.ResourceMetricSourceType, autoscalingv2.ContainerResourceMetricSourceType:
		if err = e.resource(ctx, at, src); err == nil {
			r.Usage = engine.Group(e.group(at, s, src), at, *s, g)
		} else {
			err = fmt.Errorf("unable to get metrics for resource %s: %w", src.Resource, err)
		}
	case autoscalingv2.PodsMetricSourceType:
		if err = e.podsMetric(ctx, at, src); err == nil {
			r.Usage = engine.Group(e.group(at, s, src), at, *s, g)
		} else {
			err = fmt.Errorf("unable to get metric %s: %w", src.MetricName, err)
		}
	case autoscalingv2.ObjectMetricSourceType:
		err = e.objectMetric(ctx, at, src, r)
	case autoscalingv2.ExternalMetricSourceType:
		err = e.externalMetric(ctx, at, src, r)
	default:
		err = fmt.Errorf("unknown metric source type %q", src.Kind)
	}
	if err != nil {
		r.Missing = err.Error()
	}
}

// group describes every listed pod, and every measured one that is not
// listed, to the engine.
func (e *eye) group(at time.Time, s *engine.Signal, src *policy.Source) []engine.Pod {
	e.grouped = e.grouped[:0]
	aligned := e.aligned()
	var last requested
	for i, p := range e.pods {
		ep := engine.Pod{
			Name: p.Name, Phase: p.Phase, Deleting: p.Deleting,
			Readiness: p.Readiness, ReadySince: p.ReadySince, Started: p.Started, Begun: p.Begun,
		}
		if s.Target.Kind == engine.Utilization {
			ep.Request, ep.NoRequest = last.of(p, src)
		}
		if j, ok := e.find(i, aligned); ok {
			m := &e.measures[j]
			ep.Measured, ep.Value, ep.At, ep.Window = e.fresh(m, at), m.Value, m.At, m.Window
			m.Pod = "" // claimed
		}
		e.grouped = append(e.grouped, ep)
	}
	for i := range e.measures {
		if m := &e.measures[i]; m.Pod != "" && m.Missing == "" {
			e.grouped = append(e.grouped, engine.Pod{
				Name: m.Pod, Stray: true, Measured: true, Value: m.Value, At: m.At, Window: m.Window,
			})
		}
	}
	return e.grouped
}

// requested remembers the request of the last template: pods of one template follow each other.
type requested struct {
	pod   *kube.Pod
	milli int64
}

func (r *requested) of(p *kube.Pod, src *policy.Source) (milli int64, missing string) {
	if r.pod != nil && r.pod.Spec == p.Spec {
		return r.milli, ""
	}
	milli, missing = policy.Request(p.Name, p.Spec, src.Resource, src.Container)
	if missing == "" {
		r.pod, r.milli = p, milli
	}
	return milli, missing
}

// aligned tells whether the first measures are those of the pods, in their order.
func (e *eye) aligned() bool {
	if len(e.measures) < len(e.pods) {
		return e.index()
	}
	for i, p := range e.pods {
		if e.measures[i].Pod != p.Name {
			return e.index()
		}
	}
	return true
}

// index prepares finding measures by name. It always returns false.
func (e *eye) index() bool {
	if e.byName == nil {
		e.byName = make(map[string]int, len(e.measures))
	}
	clear(e.byName)
	for i := range e.measures {
		e.byName[e.measures[i].Pod] = i
	}
	return false
}

//nolint:revive // aligned is what the caller found out once for all pods
func (e *eye) find(i int, aligned bool) (int, bool) {
	if aligned {
		return i, true
	}
	j, ok := e.byName[e.pods[i].Name]
	return j, ok
}

// staleAfter is the least age at which a sample counts as missing; more for
// samples of long windows.
const staleAfter = 30 * time.Second

// fresh tells whether a measure may speak for its pod, and notes when it no
// longer may. Upstream takes samples of any age.
func (e *eye) fresh(m *Measure, at time.Time) bool {
	if m.Missing != "" || m.Trusted {
		return m.Missing == ""
	}
	expires := m.At.Add(max(staleAfter, 2*m.Window))
	if !expires.After(at) {
		return false
	}
	e.recheck = earliest(e.recheck, expires)
	return true
}

// ready counts the pods that Value targets multiply by, terminating ones included.
func (e *eye) ready() int32 {
	var n int32
	for _, p := range e.pods {
		if p.Phase == engine.Running && p.Readiness == engine.Ready {
			n++
		}
	}
	return n
}

// selectorError is why the pods of a workload cannot be told, in upstream's words.
type selectorError struct {
	event     string // the event's reason
	condition string // the condition's reason
	message   string // the condition's message
	text      string // the event's message and the error
}

func (f *selectorError) Error() string { return f.text }

// choose makes the selection follow the scale's selector and checks that it is
// the HPA's alone.
func (e *eye) choose() error {
	if e.scale.Selector == "" {
		return &selectorError{
			event: "SelectorRequired", condition: "InvalidSelector",
			message: "the HPA target's scale is missing a selector", text: "selector is required",
		}
	}
	if e.selected == nil || e.chosen != e.scale.Selector {
		s, err := labels.Parse(e.scale.Selector)
		if err != nil {
			text := fmt.Sprintf("couldn't convert selector into a corresponding internal selector object: %v", err)
			return &selectorError{event: "InvalidSelector", condition: "InvalidSelector", message: text, text: text}
		}
		e.selected, e.chosen = e.ports.Pods.Select(e.owner, s), e.scale.Selector
	}
	if rival, shared := e.selected.Rival(); shared {
		text := fmt.Sprintf("pods by selector %v are controlled by more than one HPA (e.g. [%v %v])", e.scale.Selector, rival, e.owner)
		return &selectorError{event: "AmbiguousSelector", condition: "AmbiguousSelector", message: text, text: text}
	}
	return nil
}

// faultOf is the selector's fault in an error, or nil.
func faultOf(err error) *selectorError {
	f, _ := errors.AsType[*selectorError](err)
	return f
}
