package record

import (
	"fmt"
	"strconv"
	"time"

	"github.com/furl-dev/furl/engine"
)

type observation struct {
	At       time.Time `json:"at"`
	Replicas replicas  `json:"replicas"`
	Readings []reading `json:"readings,omitempty"`
}

type replicas struct {
	Spec   int32 `json:"spec"`
	Status int32 `json:"status"`
}

type reading struct {
	Signal     string    `json:"signal"`
	Usage      *usage    `json:"usage,omitempty"`
	Value      float     `json:"value,omitzero"`
	ReadyPods  int32     `json:"readyPods,omitempty"`
	Listed     int32     `json:"listed,omitempty"`
	Activity   activity  `json:"activity,omitzero"`
	At         time.Time `json:"at,omitzero"`
	ValidUntil time.Time `json:"validUntil,omitzero"`
	Missing    string    `json:"missing,omitempty"`
}

type usage struct {
	Ready   tally  `json:"ready,omitzero"`
	Stray   tally  `json:"stray,omitzero"`
	Missing tally  `json:"missing,omitzero"`
	Unready tally  `json:"unready,omitzero"`
	Ignored int32  `json:"ignored,omitempty"`
	Listed  int32  `json:"listed,omitempty"`
	Fault   string `json:"fault,omitempty"`
}

type tally struct {
	Pods     int32 `json:"pods"`
	Value    int64 `json:"value,omitempty"`
	Requests int64 `json:"requests,omitempty"`
	Fill     int64 `json:"fill,omitempty"`
}

// activity is written as the engine does: active.
type activity engine.Activity

func (a activity) MarshalText() ([]byte, error) { return engine.Activity(a).MarshalText() }

func (a *activity) UnmarshalText(b []byte) error { return (*engine.Activity)(a).UnmarshalText(b) }

// float is written as text, because JSON has no numbers for NaN and infinities.
type float float64

func (f float) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(f), 'g', -1, 64), nil
}

func (f *float) UnmarshalText(b []byte) error {
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("value %q is no number", b)
	}
	*f = float(v)
	return nil
}

func observationLine(o engine.Observation) observation {
	out := observation{At: o.At, Replicas: replicas(o.Replicas)}
	for _, r := range o.Readings {
		one := reading{
			Signal: r.Signal, Value: float(r.Value), ReadyPods: r.ReadyPods, Listed: r.Listed,
			At: r.At, ValidUntil: r.ValidUntil, Missing: r.Missing, Activity: activity(r.Activity),
		}
		if u := r.Usage; u != (engine.Usage{}) {
			one.Usage = &usage{tally(u.Ready), tally(u.Stray), tally(u.Missing), tally(u.Unready), u.Ignored, u.Listed, u.Fault}
		}
		out.Readings = append(out.Readings, one)
	}
	return out
}

func (o observation) engine() engine.Observation {
	out := engine.Observation{At: o.At, Replicas: engine.Replicas(o.Replicas)}
	for _, r := range o.Readings {
		one := engine.Reading{
			Signal: r.Signal, Value: float64(r.Value), ReadyPods: r.ReadyPods, Listed: r.Listed,
			At: r.At, ValidUntil: r.ValidUntil, Missing: r.Missing, Activity: engine.Activity(r.Activity),
		}
		if u := r.Usage; u != nil {
			one.Usage = engine.Usage{
				Ready: engine.Tally(u.Ready), Stray: engine.Tally(u.Stray), Missing: engine.Tally(u.Missing), Unready: engine.Tally(u.Unready),
				Ignored: u.Ignored, Listed: u.Listed, Fault: u.Fault,
			}
		}
		out.Readings = append(out.Readings, one)
	}
	return out
}
