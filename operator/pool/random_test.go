package pool

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/trigger"
)

// moody answers, fails, hangs, panics and is late, by lot.
func moody(ctx context.Context, _ int) (trigger.Sample, error) {
	switch rand.IntN(6) {
	case 0:
		return trigger.Sample{}, errors.New("no")
	case 1:
		return hangs(ctx, 0)
	case 2:
		time.Sleep(20 * s) // though it was cancelled
	case 3:
		panic("moody")
	case 4:
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Millisecond)
	}
	return trigger.Sample{At: time.Now(), Value: 1}, nil
}

func TestPool_never_doubles_a_read_and_closes_what_it_opened_whatever_happens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, func(o *Options) { o.Reads = 3 })
		const keys = 8
		var sources []*fake
		leases := make([][]*Lease, keys)
		for range 2000 {
			k := rand.IntN(keys)
			switch rand.IntN(4) {
			case 0:
				f := newFake(moody)
				r := f.recipe(fmt.Sprint(k))
				if rand.IntN(3) == 0 {
					r.open = f.pushing
				}
				sources = append(sources, f)
				every := time.Duration(1+rand.IntN(60)) * s
				leases[k] = append(leases[k], p.use(fmt.Sprint("owner", k%3), r, every, silent))
			case 1:
				if n := len(leases[k]); n > 0 {
					leases[k][n-1].Release()
					leases[k] = leases[k][:n-1]
				}
			case 2:
				p.Refresh(fmt.Sprint("owner", k%3))
			}
			time.Sleep(time.Duration(rand.IntN(2000)) * time.Millisecond)
		}
		for _, all := range leases {
			for _, l := range all {
				l.Release()
			}
		}
		time.Sleep(60 * s)
		synctest.Wait()
		if p.Len() != 0 || p.lanes.taken() != 0 {
			t.Errorf("%d sources and %d places are left, want none", p.Len(), p.lanes.taken())
		}
		for _, f := range sources {
			if opened, closed, most := f.counts(); opened != closed || most > 1 || f.now != 0 {
				t.Errorf("opened %d, closed %d, %d reads at once, %d go on", opened, closed, most, f.now)
			}
		}
	})
}
