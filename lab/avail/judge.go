package avail

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// verdict is what is wrong with what was written between two instants.
type verdict struct {
	writes  int      // of sizes and all else, by the replicas
	foreign []string // writes by one who did not hold the lease
	wrong   []string // sizes that were not right
}

// period is a part of the log, with what was told to the operators before each write.
type period struct {
	from, to time.Time
	// fresh is how old what a size was decided from may be.
	fresh time.Duration
	told  func(of string, from, to time.Time) []int32
}

func (p *period) has(at time.Time) bool { return !at.Before(p.from) && at.Before(p.to) }

// tenure is who holds the lease, as the log has it so far.
type tenure struct {
	holder  string
	renewed time.Time
	lasts   time.Duration
	// answered is when the last write of a holder was carried out.
	answered time.Time
}

// judge reads the whole log, for who holds the lease is in what was before.
func judge(log []event, p *period) verdict {
	slices.SortStableFunc(log, func(a, b event) int { return a.Received.Compare(b.Received) })
	var v verdict
	var held tenure
	sizes := map[string]int32{}
	for i := range log {
		e := &log[i]
		if e.is("leases") {
			if fault := held.lease(e); fault != "" && p.has(e.Received) {
				v.foreign = append(v.foreign, fault)
			}
			continue
		}
		if p.has(e.Received) && isWrite(e) {
			v.writes++
			if fault := held.fault(e); fault != "" {
				v.foreign = append(v.foreign, e.String()+": "+fault)
			}
			held.answered = e.Answered
		}
		if e.is("deployments/scale") && e.worked() {
			if fault := p.fault(e, sizes[e.ObjectRef.Name]); fault != "" && p.has(e.Received) && e.by() != "" {
				v.wrong = append(v.wrong, e.String()+": "+fault)
			}
			sizes[e.ObjectRef.Name] = e.Request.Spec.Replicas
		}
	}
	return v
}

// isWrite tells what only who holds the lease may do. Events tell of what was, reviews are questions, and a dry run
// leaves nothing.
func isWrite(e *event) bool {
	return !strings.Contains(e.URI, "dryRun=") && e.User.Username == operatorUser && !strings.HasSuffix(e.ObjectRef.Resource, "reviews") && e.ObjectRef.Resource != "events"
}

// lease follows who holds it, and says what is wrong with a change of hands.
func (t *tenure) lease(e *event) string {
	if !e.worked() {
		return ""
	}
	now := e.Request.Spec
	fault := ""
	if now.Holder != "" && now.Holder != t.holder && e.Received.Before(t.answered) {
		fault = fmt.Sprintf("%s took the lease at %s while a write of another was carried out until %s", now.Holder, clock(e.Received), clock(t.answered))
	}
	if now.Holder == "" && t.holder != e.by() {
		fault = fmt.Sprintf("%s released the lease of %s at %s", e.by(), t.holder, clock(e.Received))
	}
	t.holder, t.renewed, t.lasts = now.Holder, e.Received, time.Duration(now.Seconds)*time.Second
	return fault
}

// fault says why somebody may not write.
func (t *tenure) fault(e *event) string {
	switch {
	case e.by() != t.holder:
		return fmt.Sprintf("%s holds the lease", cmp.Or(t.holder, "nobody"))
	case e.Received.After(t.renewed.Add(t.lasts)):
		return "its lease had run out at " + clock(t.renewed.Add(t.lasts))
	}
	return ""
}

// fault says why a size is not right.
func (p *period) fault(e *event, before int32) string {
	to, name := e.Request.Spec.Replicas, e.ObjectRef.Name
	if isGrowing(name) {
		if to < before {
			return fmt.Sprintf("from %d to %d, and its load only grows", before, to)
		}
		return ""
	}
	if told := p.told(name, e.Received.Add(-p.fresh), e.Received); !slices.Contains(told, to) {
		return fmt.Sprintf("to %d; right for what was told in the %s before: %v", to, p.fresh, told)
	}
	return ""
}

func clock(t time.Time) string { return t.Format("15:04:05.000") }

// handover is when one leader gave way to another.
type handover struct {
	last  time.Time // size that the old one wrote
	over  time.Time // the lease ran out, or was given back
	taken time.Time // by the new one
	first time.Time // size that the new one wrote
}

// handovers reads what became of the lease of old after an instant; a zero time has not come.
func readHandover(log []event, old, next string, after time.Time) handover {
	var h handover
	for i := range log {
		e := &log[i]
		scale := e.is("deployments/scale") && e.worked()
		switch {
		case e.is("leases") && e.worked() && e.by() == old && h.taken.IsZero():
			h.over = e.Received
			if e.Request.Spec.Holder != "" {
				h.over = h.over.Add(time.Duration(e.Request.Spec.Seconds) * time.Second)
			}
		case e.Received.Before(after):
		case e.is("leases") && e.worked() && e.by() == next && e.Request.Spec.Holder == next && h.taken.IsZero():
			h.taken = e.Received
		case scale && e.by() == next && !h.taken.IsZero() && h.first.IsZero():
			h.first = e.Received
		}
		if scale && e.by() == old && h.taken.IsZero() {
			h.last = e.Received
		}
	}
	return h
}
