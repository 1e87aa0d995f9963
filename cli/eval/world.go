package eval

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/policy"
)

// world is what the script says there is: it stands in for the cluster at the
// loop's ports, and takes every size that is decided on.
type world struct {
	compiled policy.Compiled
	sensors  []engine.Signal
	subject  *subject

	size    engine.Replicas
	sized   bool
	lines   []alike
	metrics map[string]reading
	last    loop.Record
}

type reading struct {
	milli    float64
	missing  string
	activity engine.Activity
}

func newWorld(c policy.Compiled, s *subject) *world {
	return &world{compiled: c, sensors: c.Policy.Sensors(), subject: s, metrics: map[string]reading{}}
}

// become takes over what an observation says; the rest stays.
func (w *world) become(o *observation) error {
	if err := o.Expect.validate(); err != nil {
		return err
	}
	if o.Pods != nil {
		if err := w.setPods(o.Pods); err != nil {
			return err
		}
	}
	for name, m := range o.Metrics {
		if err := w.setMetric(name, m); err != nil {
			return err
		}
	}
	for name, v := range o.Triggers {
		if err := w.setTrigger(name, v); err != nil {
			return err
		}
	}
	switch {
	case o.Replicas != nil:
		if o.Replicas.Spec < 0 || o.Replicas.Status < 0 {
			return fmt.Errorf("replicas: %d is negative", min(o.Replicas.Spec, o.Replicas.Status))
		}
		w.size = engine.Replicas(*o.Replicas)
	case !w.sized:
		n, err := w.firstSize()
		if err != nil {
			return err
		}
		w.size = engine.Replicas{Spec: n, Status: n}
	}
	w.sized = true
	return nil
}

func (w *world) setPods(lines []podLine) error {
	w.lines = nil
	rest := 0
	for i := range lines {
		a, err := lines[i].check(w.subject.template)
		if err != nil {
			return fmt.Errorf("pods[%d].%w", i, err)
		}
		if a.count < 0 {
			rest++
		}
		w.lines = append(w.lines, a)
	}
	if rest > 1 {
		return errors.New("pods: more than one line has no count; only one can stand for the rest")
	}
	return nil
}

func (w *world) setMetric(name string, m metric) error {
	i := w.signal(name)
	if i < 0 {
		return fmt.Errorf("metrics: the %s has no signal %q; it has %q", w.subject.short(), name, w.signals())
	}
	r := reading{missing: m.Missing}
	if m.Missing == "" {
		if w.sensors[i].Kind == engine.PerPod {
			return fmt.Errorf("metrics.%s: this is measured for each pod; write it under pods, or missing with a reason here", name)
		}
		q, err := quantity("metrics."+name, m.Value)
		if err != nil {
			return err
		}
		r.milli = float64(policy.Milli(q))
	}
	w.metrics[name] = r
	return nil
}

func (w *world) signal(name string) int {
	for i := range w.sensors {
		if w.sensors[i].Name == name {
			return i
		}
	}
	return -1
}

func (w *world) signals() []string {
	names := make([]string, 0, len(w.sensors))
	for i := range w.sensors {
		names = append(names, w.sensors[i].Name)
	}
	return names
}

// firstSize is the size where the script does not say: as many as there are
// pods, else what the template says.
func (w *world) firstSize() (int32, error) {
	var n int64
	for _, a := range w.lines {
		if a.count < 0 {
			n = -1
			break
		}
		n += int64(a.count)
	}
	switch {
	case n > math.MaxInt32:
		return 0, fmt.Errorf("pods: %d of them", n)
	case n > 0:
		return int32(n), nil
	case w.subject.template != nil && w.subject.template.Spec.Replicas != nil:
		return *w.subject.template.Spec.Replicas, nil
	default:
		return 1, nil // what the API server makes of no replicas
	}
}

// Size implements [loop.Observer].
func (w *world) Size(context.Context) (engine.Replicas, error) { return w.size, nil }

// Scale implements [loop.Actuator]: new pods are there at once.
func (w *world) Scale(_ context.Context, _, to int32) error {
	w.size = engine.Replicas{Spec: to, Status: to}
	return nil
}

// Record implements [loop.Recorder].
func (w *world) Record(_ context.Context, r loop.Record) error {
	w.last = r
	return nil
}

// Read implements [loop.Observer].
func (w *world) Read(_ context.Context, at time.Time, _ engine.Policy) ([]engine.Reading, error) {
	if n := w.total(); n > maxPods {
		return nil, fmt.Errorf("pods: %d of them; at most %d can be evaluated", n, maxPods)
	}
	out := make([]engine.Reading, 0, len(w.sensors))
	for i, s := range w.sensors {
		out = append(out, w.read(at, s, w.compiled.Sources[i]))
	}
	return out, nil
}

func (w *world) read(at time.Time, s engine.Signal, src policy.Source) engine.Reading {
	r := engine.Reading{Signal: s.Name, At: at}
	given, ok := w.metrics[s.Name]
	switch {
	case given.missing != "":
		r.Missing = given.missing
	case s.Kind == engine.PerPod:
		r.Usage = engine.Group(w.pods(at, src), at, s, w.compiled.Policy.Grace)
	case !ok:
		r.Missing = fmt.Sprintf("the observation has no %s.%s", w.subject.values(), s.Name)
	default:
		r.Value, r.Activity = given.milli, given.activity
	}
	if s.Kind != engine.PerPod {
		r.ReadyPods, r.Listed = w.selected(at)
	}
	return r
}

// maxPods is the most pods that are made of lines: twice what a cluster of
// 5,000 nodes usually gives one workload.
const maxPods = 10_000

func (w *world) total() (n int64) {
	for _, a := range w.lines {
		n += int64(w.count(a))
	}
	return n
}

// pods makes the pods that the lines stand for, as one source sees them.
func (w *world) pods(at time.Time, src policy.Source) []engine.Pod {
	var out []engine.Pod
	for _, a := range w.lines {
		value, measured := a.value(src)
		for range w.count(a) {
			name := a.name
			if name == "" {
				name = fmt.Sprintf("pod-%d", len(out))
			}
			p := engine.Pod{
				Name: name, Phase: a.phase, Deleting: a.deleting, Readiness: a.readiness,
				ReadySince: at.Add(-a.readyFor), Started: at.Add(-a.age), Begun: a.phase != engine.Pending,
				Measured: measured, Value: value, At: at.Add(-a.sampled), Window: a.window,
			}
			if src.Resource != "" {
				p.Request, p.NoRequest = policy.Request(name, a.spec, src.Resource, src.Container)
			}
			out = append(out, p)
		}
	}
	return out
}

// count is how many pods a line stands for.
func (w *world) count(a alike) int32 {
	if a.count >= 0 {
		return a.count
	}
	n := int64(w.size.Status)
	for _, other := range w.lines {
		n -= int64(max(other.count, 0))
	}
	return int32(max(n, 0)) //nolint:gosec // at most the status, which is an int32
}

// selected counts the pods and those of them that are ready. A script without
// pods, as one about a queue may be, has as many as there are replicas.
func (w *world) selected(at time.Time) (ready, all int32) {
	if len(w.lines) == 0 {
		return w.size.Status, w.size.Status
	}
	for _, p := range w.pods(at, policy.Source{}) {
		all++
		if p.Phase == engine.Running && p.Readiness == engine.Ready {
			ready++
		}
	}
	return ready, all
}
