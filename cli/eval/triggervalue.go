package eval

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/policy"
)

// triggerValue is what a trigger says: a value, whether it is active where the
// source decides that itself, or why it says nothing.
type triggerValue struct {
	Value   text   `json:"value"`
	Active  *bool  `json:"active"`
	Missing string `json:"missing"`
}

func (v *triggerValue) UnmarshalJSON(b []byte) error {
	if !strings.HasPrefix(strings.TrimSpace(string(b)), "{") {
		return v.Value.UnmarshalJSON(b)
	}
	type plainValue triggerValue // without this method
	if err := strict(b, (*plainValue)(v)); err != nil {
		return err
	}
	switch {
	case v.Value == "" && v.Missing == "":
		return errors.New("triggers: write a value, or missing with a reason")
	case v.Missing != "" && (v.Value != "" || v.Active != nil):
		return errors.New("triggers: what is missing has no value and is not active")
	}
	return nil
}

// setTrigger notes what a trigger says.
func (w *world) setTrigger(called string, v triggerValue) error {
	name, err := w.called(called)
	if err != nil {
		return err
	}
	r := reading{missing: v.Missing}
	if v.Missing == "" {
		q, err := quantity("triggers."+called, v.Value)
		if err != nil {
			return err
		}
		r.milli = float64(policy.Milli(q))
	}
	switch {
	case v.Active == nil:
	case *v.Active:
		r.activity = engine.Active
	default:
		r.activity = engine.Inactive
	}
	w.metrics[name] = r
	return nil
}

// called finds the sensor that an observation names.
func (w *world) called(name string) (string, error) {
	var known []string
	for i := range w.sensors {
		s := &w.sensors[i]
		if s.Kind == engine.PerPod {
			continue
		}
		if s.Name == name || slices.Contains(w.subject.triggers[s.Name], name) {
			return s.Name, nil
		}
		known = append(known, s.Name)
	}
	return "", fmt.Errorf("triggers: the %s has no trigger %q; it has %q", w.subject.short(), name, known)
}

// remember changes what the loop knows of earlier times to what the observation says.
func (o *observation) remember(l *loop.Loop) error {
	if o.LastActive != "" {
		at, err := o.earlier("lastActive", o.LastActive)
		if err != nil {
			return err
		}
		h := l.History()
		h.LastActive = at
		l.Restore(h)
	}
	if o.Created != "" {
		at, err := o.earlier("created", o.Created)
		if err != nil {
			return err
		}
		p := l.Policy()
		p.Activation.Created = at
		l.Use(p)
	}
	return nil
}

// earlier reads how long ago something was, or when.
func (o *observation) earlier(field string, t text) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, string(t)); err == nil {
		return at, nil
	}
	ago, err := duration(field, t, 0)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: %q is neither how long ago, such as 10m, nor an instant such as 2026-01-31T15:04:05Z", field, t)
	}
	return o.from.Add(-ago), nil
}
