package engine

// Values are what the signals that no pod has come to, in the policy's order:
// with what stands in for one that failed too often, and what a formula makes
// of its inputs. One without a value says why. They are what an HPA is told
// that decides on the same signals; [Decide] with the same arguments goes by them.
func Values(p Policy, o Observation, h History) []Reading {
	d := newDraft(&p, &o, h, 0)
	d.next = d.past
	d.fallback()
	d.formula()
	out := make([]Reading, 0, len(p.Signals))
	for i := range p.Signals {
		s := &p.Signals[i]
		if s.Kind == PerPod {
			continue
		}
		r, missing := d.usable(s)
		v := Reading{Signal: s.Name, At: o.At, Missing: missing}
		if missing == "" {
			v.Value, v.At = r.Value, r.At
		}
		out = append(out, v)
	}
	return out
}
