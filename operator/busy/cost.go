package busy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"golang.org/x/sync/errgroup"
)

const (
	// writesAtMost bounds what one shrink writes: half of what the client sends in
	// a burst, so that the sizes of other workloads need not wait for it.
	writesAtMost = 500
	writeAtOnce  = 32
)

// price gives each pod its cost: nothing for an idle one, what it has in hand
// for a busy one, the most of all for one that nobody knows about.
func price(all []ranked) {
	most := int32(1)
	for i := range all {
		if a := &all[i]; a.why == nil {
			a.want = costOf(a.load)
			most = max(most, a.want)
		}
	}
	for i := range all {
		if all[i].why != nil {
			all[i].want = most
		}
	}
}

// costOf is a load in whole numbers: anything in hand is at least 1.
func costOf(load float64) int32 {
	switch {
	case load <= 0:
		return 0
	case load >= math.MaxInt32:
		return math.MaxInt32
	default:
		return int32(math.Ceil(load))
	}
}

// write stores the costs that are not what they should be, those of the busiest first.
func (r *Ranker) write(ctx context.Context, all []ranked) error {
	if tied(all) {
		return nil
	}
	changed := slices.DeleteFunc(slices.Clone(all), func(a ranked) bool { return a.cost == a.want })
	slices.SortStableFunc(changed, func(a, b ranked) int { return cmp.Compare(b.want, a.want) })
	var bound error
	if n := len(changed); n > writesAtMost {
		changed = changed[:writesAtMost]
		bound = fmt.Errorf("%d costs should change, more than the %d that are written for one shrink; those of the busiest were", n, writesAtMost)
	}
	var group errgroup.Group
	group.SetLimit(writeAtOnce)
	failed := make([]error, len(changed))
	for i := range changed {
		group.Go(func() error {
			failed[i] = r.Costs.Set(ctx, changed[i].pod, changed[i].want)
			return nil // each pod keeps its own
		})
	}
	_ = group.Wait() // which has no error to tell
	return errors.Join(bound, summary(failed, "costs were not written, these pods may go though they are busy"))
}

// tied says that all pods should cost the same, and do: there is no order to make.
func tied(all []ranked) bool {
	return !slices.ContainsFunc(all, func(a ranked) bool { return a.want != all[0].want || a.cost != all[0].cost })
}

// unanswered says how many pods did not tell what they have in hand, and why the first did not.
func unanswered(all []ranked) error {
	whys := make([]error, len(all))
	for i := range all {
		if a := &all[i]; a.why != nil {
			whys[i] = fmt.Errorf("pod %s: %w", a.pod.Name, a.why)
		}
	}
	return summary(whys, "pods did not tell what they have in hand and count as busy")
}

// summary is one error for many: how many there are, and the first.
func summary(all []error, what string) error {
	n, first := 0, error(nil)
	for _, err := range all {
		if err == nil {
			continue
		}
		if n++; first == nil {
			first = err
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d %s: %w", n, len(all), what, first)
}
