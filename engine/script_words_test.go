package engine_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/furl-dev/furl/engine"
)

func (s *script) setPolicy(f []string) (err error) {
	s.policy.Grace = engine.Grace{CPUInitialization: 5 * time.Minute, InitialReadiness: 30 * time.Second}
	for _, w := range f {
		k, v, _ := strings.Cut(w, "=")
		a, b, both := strings.Cut(v, "/")
		switch k {
		case "min":
			s.policy.Min = size(v)
		case "max":
			s.policy.Max = size(v)
		case "tolerance":
			s.policy.Tolerance.Down, err = strconv.ParseFloat(a, 64)
			s.policy.Tolerance.Up = s.policy.Tolerance.Down
			if both {
				s.policy.Tolerance.Up, err = strconv.ParseFloat(b, 64)
			}
		case "grace":
			s.policy.Grace = engine.Grace{CPUInitialization: duration(a), InitialReadiness: duration(b)}
		case "burst":
			p := strings.Split(v, ",")
			s.policy.Burst.Factor, err = strconv.ParseFloat(p[0], 64)
			s.policy.Burst.Floor, s.policy.Burst.Period = size(p[1]), duration(p[2])
		default:
			return fmt.Errorf("%q is unknown", w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func scaling(s *engine.Scaling, f []string) error {
	*s = engine.Scaling{}
	for _, w := range f {
		k, v, _ := strings.Cut(w, "=")
		switch k {
		case "window":
			s.Window = duration(v)
		case "select":
			s.Select = map[string]engine.Select{"max": engine.SelectMax, "min": engine.SelectMin, "disabled": engine.SelectDisabled}[v]
		case "limits":
			for l := range strings.SplitSeq(v, ",") {
				n, period, _ := strings.Cut(l, "/")
				n, percent := strings.CutSuffix(n, "%")
				s.Limits = append(s.Limits, engine.Limit{Percent: percent, Value: size(n), Period: duration(period)})
			}
		default:
			return fmt.Errorf("%q is unknown", w)
		}
	}
	return nil
}

func (s *script) addSignal(f []string) error {
	sig := engine.Signal{Name: f[0]}
	for _, w := range f[1:] {
		k, v, _ := strings.Cut(w, "=")
		switch k {
		case "perpod":
			sig.Kind = engine.PerPod
		case "object":
			sig.Kind = engine.Object
		case "external":
			sig.Kind = engine.External
		case "utilization":
			sig.Target = engine.Target{Kind: engine.Utilization, Value: int64(size(v))}
		case "average":
			sig.Target = engine.Target{Kind: engine.AverageValue, Value: int64(quantity(v))}
		case "value":
			sig.Target = engine.Target{Kind: engine.Value, Value: int64(quantity(v))}
		case "activation":
			sig.Activation = int64(quantity(v))
		case "cpu":
			sig.CPU = true
		case "label":
			sig.Label = strings.Trim(v, `"`)
		case "fault":
			sig.Fault = strings.Trim(v, `"`)
		default:
			return fmt.Errorf("%q is unknown", w)
		}
	}
	s.policy.Signals = append(s.policy.Signals, sig)
	return nil
}

func (s *script) without(names []string) error {
	rules := make([]engine.Rule, len(names))
	for i, n := range names {
		var err error
		if rules[i], err = engine.ParseRule(n); err != nil {
			return err
		}
	}
	s.decide = engine.Without(rules...)
	return nil
}

func (s *script) at(f []string) error {
	s.seen = &engine.Observation{At: midnight.Add(duration(f[0])), Replicas: engine.Replicas{Spec: s.size, Status: s.size}}
	s.pods, s.refused = map[string][]engine.Pod{}, false
	for _, w := range f[1:] {
		k, v, _ := strings.Cut(w, "=")
		switch k {
		case "size":
			s.seen.Replicas = engine.Replicas{Spec: size(v), Status: size(v)}
		case "existing":
			s.seen.Replicas.Status = size(v)
		case "asleep":
			s.history.Asleep = true
		case "last-active":
			s.history.LastActive = midnight.Add(duration(v))
		default:
			return fmt.Errorf("%q is unknown", w)
		}
	}
	return nil
}

func (s *script) read(f []string, text string) error {
	name, pods := strings.CutSuffix(f[0], ":")
	switch {
	case s.seen == nil:
		return fmt.Errorf("%s is read before any instant", name)
	case pods:
		return s.readPods(name, f[1:])
	case f[1] == "missing":
		_, why, _ := strings.Cut(text, " missing ")
		s.seen.Readings = append(s.seen.Readings, engine.Reading{
			Signal: name, Missing: why, At: s.seen.At, ReadyPods: s.seen.Replicas.Spec, Listed: s.seen.Replicas.Spec,
		})
		return nil
	}
	r := engine.Reading{
		Signal: name, Value: quantity(f[2]), At: s.seen.At,
		ReadyPods: s.seen.Replicas.Spec, Listed: s.seen.Replicas.Spec,
	}
	for _, w := range f[3:] {
		switch k, v, _ := strings.Cut(w, "="); k {
		case "ready":
			r.ReadyPods = size(v)
		case "listed":
			r.Listed = size(v)
		case "valid":
			r.ValidUntil = s.seen.At.Add(duration(v))
		case "active":
			r.Activity = engine.Active
		case "inactive":
			r.Activity = engine.Inactive
		default:
			return fmt.Errorf("%q is unknown", w)
		}
	}
	s.seen.Readings = append(s.seen.Readings, r)
	return nil
}

func (s *script) readPods(name string, f []string) error {
	at := s.seen.At
	p := engine.Pod{
		Readiness: engine.Ready, Begun: true, Measured: true, At: at, Window: 30 * time.Second,
		Started: at.Add(-time.Hour), ReadySince: at.Add(-time.Hour),
	}
	for _, w := range f[2:] {
		if err := podWord(&p, w, at); err != nil {
			return err
		}
	}
	if s.pods[name] == nil {
		s.pods[name] = []engine.Pod{}
	}
	for range size(f[0]) {
		p.Name = fmt.Sprintf("%s-%d", name, len(s.pods[name]))
		if p.NoRequest != "" {
			p.NoRequest = "missing request for cpu in container app of Pod " + p.Name
		}
		s.pods[name] = append(s.pods[name], p)
	}
	for i := range s.seen.Readings {
		if s.seen.Readings[i].Signal == name {
			return nil
		}
	}
	s.seen.Readings = append(s.seen.Readings, engine.Reading{Signal: name, At: at})
	return nil
}

func podWord(p *engine.Pod, w string, at time.Time) error {
	k, v, _ := strings.Cut(w, "=")
	switch k {
	case "use":
		p.Value = int64(quantity(v))
	case "request":
		p.Request = int64(quantity(v))
	case "age":
		p.Started = at.Add(-duration(v))
		p.ReadySince = p.Started
	case "since":
		p.ReadySince = at.Add(-duration(v))
	case "sample":
		p.At = at.Add(-duration(v))
	case "window":
		p.Window = duration(v)
	case "pending":
		p.Phase, p.Measured = engine.Pending, false
	case "failed":
		p.Phase = engine.Failed
	case "succeeded":
		p.Phase = engine.Succeeded
	case "deleting":
		p.Deleting = true
	case "missing":
		p.Measured = false
	case "stray":
		p.Stray = true
	case "unready":
		p.Readiness = engine.NotReady
	case "unknown":
		p.Readiness = engine.ReadinessUnknown
	case "unbegun":
		p.Begun = false
	case "norequest":
		p.NoRequest = "yes"
	default:
		return fmt.Errorf("%q is unknown", w)
	}
	return nil
}

// The values in scripts are ours: a wrong one is a broken script.

func size(s string) int32 {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		panic(err)
	}
	return int32(n)
}

func duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		panic(err)
	}
	return d
}

// quantity reads 300m, 5, 2Ki, NaN in milli-units.
func quantity(s string) float64 {
	n, isMilli := strings.CutSuffix(s, "m")
	n, isKi := strings.CutSuffix(n, "Ki")
	f, err := strconv.ParseFloat(n, 64)
	switch {
	case err != nil:
		panic(err)
	case isMilli || math.IsNaN(f) || math.IsInf(f, 0):
		return f
	case isKi:
		return f * 1024 * 1000
	default:
		return f * 1000
	}
}
