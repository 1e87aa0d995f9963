package record

import (
	"fmt"
	"time"

	"github.com/furl-dev/furl/engine"
)

// The structs of this file and its neighbour are the engine's on the wire:
// their names stay when the engine's change.

type policy struct {
	Min       int32     `json:"min"`
	Max       int32     `json:"max"`
	Signals   []signal  `json:"signals"`
	Tolerance tolerance `json:"tolerance"`
	Up        scaling   `json:"up"`
	Down      scaling   `json:"down"`
	Burst     *burst    `json:"burst,omitempty"`
	Grace     grace     `json:"grace"`

	Pause      *pause      `json:"pause,omitempty"`
	Activation *activation `json:"activation,omitempty"`
	Fallback   *fallback   `json:"fallback,omitempty"`
	Composite  *composite  `json:"composite,omitempty"`
}

type signal struct {
	Name   string `json:"name"`
	Label  string `json:"label,omitempty"`
	Kind   string `json:"kind"`
	Target target `json:"target"`
	// Activation is absent for an HPA, and for one of zero.
	Activation int64  `json:"activation,omitempty"`
	CPU        bool   `json:"cpu,omitempty"`
	Fault      string `json:"fault,omitempty"`
}

type target struct {
	Kind  string `json:"kind"`
	Value int64  `json:"value"`
}

type tolerance struct {
	Up   float64 `json:"up"`
	Down float64 `json:"down"`
}

type scaling struct {
	Window duration `json:"window"`
	Select string   `json:"select"`
	Limits []limit  `json:"limits,omitempty"`
}

type limit struct {
	Percent bool     `json:"percent,omitempty"`
	Value   int32    `json:"value"`
	Period  duration `json:"period"`
}

type burst struct {
	Factor float64  `json:"factor"`
	Floor  int32    `json:"floor"`
	Period duration `json:"period"`
}

type grace struct {
	CPUInitialization duration `json:"cpuInitialization"`
	InitialReadiness  duration `json:"initialReadiness"`
}

// duration is written as Go writes it: 5m0s.
type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = duration(v)
	return err
}

// The closed sets of the engine by their names, in its order.
func kinds() []string       { return []string{"PerPod", "Object", "External"} }
func targetKinds() []string { return []string{"Utilization", "AverageValue", "Value"} }
func selections() []string  { return []string{"Max", "Min", "Disabled"} }

// name returns the n-th name of a set.
func name[N ~uint8](set []string, n N) string {
	if int(n) < len(set) {
		return set[n]
	}
	return fmt.Sprintf("%d", n)
}

// number is the inverse of name.
func number[N ~uint8](set []string, name string) (N, error) {
	for i, s := range set {
		if s == name {
			return N(i), nil
		}
	}
	return 0, fmt.Errorf("%q is unknown: want one of %v", name, set)
}

func policyLine(p engine.Policy) policy {
	out := policy{
		Min: p.Min, Max: p.Max, Tolerance: tolerance(p.Tolerance),
		Up: scalingLine(p.Up), Down: scalingLine(p.Down),
		Grace: grace{duration(p.Grace.CPUInitialization), duration(p.Grace.InitialReadiness)},
	}
	if p.Burst != (engine.Burst{}) {
		out.Burst = &burst{p.Burst.Factor, p.Burst.Floor, duration(p.Burst.Period)}
	}
	for _, s := range p.Signals {
		out.Signals = append(out.Signals, signalLine(s))
	}
	objectLine(&out, p)
	return out
}

func signalLine(s engine.Signal) signal {
	return signal{
		Name: s.Name, Label: s.Label, Kind: name(kinds(), s.Kind), CPU: s.CPU, Fault: s.Fault, Activation: s.Activation,
		Target: target{name(targetKinds(), s.Target.Kind), s.Target.Value},
	}
}

func (p policy) engine() (out engine.Policy, err error) {
	out = engine.Policy{
		Min: p.Min, Max: p.Max, Tolerance: engine.Tolerance(p.Tolerance),
		Grace: engine.Grace{CPUInitialization: time.Duration(p.Grace.CPUInitialization), InitialReadiness: time.Duration(p.Grace.InitialReadiness)},
	}
	if out.Up, err = p.Up.engine(); err != nil {
		return out, fmt.Errorf("up: %w", err)
	}
	if out.Down, err = p.Down.engine(); err != nil {
		return out, fmt.Errorf("down: %w", err)
	}
	if b := p.Burst; b != nil {
		out.Burst = engine.Burst{Factor: b.Factor, Floor: b.Floor, Period: time.Duration(b.Period)}
	}
	for _, s := range p.Signals {
		one, err := s.engine()
		if err != nil {
			return out, fmt.Errorf("signal %s: %w", s.Name, err)
		}
		out.Signals = append(out.Signals, one)
	}
	return out, p.object(&out)
}

func (s signal) engine() (out engine.Signal, err error) {
	out = engine.Signal{Name: s.Name, Label: s.Label, CPU: s.CPU, Fault: s.Fault, Activation: s.Activation}
	if out.Kind, err = number[engine.Kind](kinds(), s.Kind); err != nil {
		return out, fmt.Errorf("kind %w", err)
	}
	if out.Target.Kind, err = number[engine.TargetKind](targetKinds(), s.Target.Kind); err != nil {
		return out, fmt.Errorf("kind of target %w", err)
	}
	out.Target.Value = s.Target.Value
	return out, nil
}

func scalingLine(s engine.Scaling) scaling {
	out := scaling{Window: duration(s.Window), Select: name(selections(), s.Select)}
	for _, l := range s.Limits {
		out.Limits = append(out.Limits, limit{l.Percent, l.Value, duration(l.Period)})
	}
	return out
}

func (s scaling) engine() (out engine.Scaling, err error) {
	out.Window = time.Duration(s.Window)
	if out.Select, err = number[engine.Select](selections(), s.Select); err != nil {
		return out, fmt.Errorf("select %w", err)
	}
	for _, l := range s.Limits {
		out.Limits = append(out.Limits, engine.Limit{Percent: l.Percent, Value: l.Value, Period: time.Duration(l.Period)})
	}
	return out, nil
}
