package engine

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The deques answer as the list of everything that was ever wanted would.
func TestDequesEqualTheWholeList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Policy{
			Up:   Scaling{Window: time.Duration(rapid.IntRange(0, 40).Draw(t, "up")) * time.Second},
			Down: Scaling{Window: time.Duration(rapid.IntRange(0, 40).Draw(t, "down")) * time.Second},
		}
		if rapid.Bool().Draw(t, "legacy") {
			p.Burst, p.Up = Burst{Factor: 2}, Scaling{}
		}
		all := make([]Want, 0, 120)
		var h History
		at := time.Unix(0, 0)
		for range rapid.IntRange(1, 120).Draw(t, "decisions") {
			at = at.Add(time.Duration(rapid.IntRange(0, 6).Draw(t, "step")) * time.Second)
			now := Want{At: at, Replicas: rapid.Int32Range(0, 9).Draw(t, "wanted")}
			d := newDraft(&p, &Observation{At: at}, h, 0)
			low, high := now.Replicas, now.Replicas
			for _, w := range all {
				if d.counts(w, p.Up.Window) {
					low = min(low, w.Replicas)
				}
				if d.counts(w, p.Down.Window) {
					high = max(high, w.Replicas)
				}
			}
			if got := d.lowest(now.Replicas); got != low {
				t.Fatalf("lowest is %d, want %d of %v in %v", got, low, all, h.Low)
			}
			if got := d.highest(now.Replicas); got != high {
				t.Fatalf("highest is %d, want %d of %v in %v", got, high, all, h.High)
			}
			all = append(all, now)
			h = remember(&p, h, now)
		}
	})
}

// A full history forgets on the cautious side: shrinking comes no earlier and
// goes no deeper than with the whole list.
func TestFullHistoryIsCautious(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const window = time.Hour
		p := Policy{
			Up:   Scaling{Window: window},
			Down: Scaling{Window: window, Limits: []Limit{{Value: 1, Period: window}}},
		}
		all := make([]Want, 0, 600)
		resizes := make([]Resize, 0, 600)
		var h History
		at := time.Unix(0, 0)
		fall := rapid.Int32Range(0, 1).Draw(t, "fall")*2 - 1
		for i := range int32(600) {
			at = at.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "step")) * time.Second)
			all = append(all, Want{At: at, Replicas: 1000 + fall*i})
			h = remember(&p, h, all[i])
			resizes = append(resizes, Resize{At: at, Change: rapid.Int32Range(-3, 3).Draw(t, "change")})
			h.Resizes = pushResize(h.Resizes, resizes[i], at.Add(-window))
		}
		later := at.Add(time.Duration(rapid.IntRange(0, 3600).Draw(t, "later")) * time.Second)
		whole := newDraft(&p, &Observation{At: later}, History{Low: all, High: all, Resizes: resizes}, 0)
		kept := newDraft(&p, &Observation{At: later}, h, 0)
		if kept.highest(0) < whole.highest(0) {
			t.Fatalf("highest %d, with everything %d", kept.highest(0), whole.highest(0))
		}
		if kept.lowest(5000) > whole.lowest(5000) {
			t.Fatalf("lowest %d, with everything %d", kept.lowest(5000), whole.lowest(5000))
		}
		if kept.sizeBefore(window) < whole.sizeBefore(window) {
			t.Fatalf("size before %d, with everything %d", kept.sizeBefore(window), whole.sizeBefore(window))
		}
	})
}

// A full history still forgets: what was merged goes when its newest part does, give or take a few entries.
func TestFullHistoryForgets(t *testing.T) {
	const window = time.Hour
	p := Policy{Down: Scaling{Window: window}}
	var h History
	at := time.Unix(0, 0)
	for i := range int32(7200) {
		at = at.Add(time.Second)
		h = remember(&p, h, Want{At: at, Replicas: 1_000_000 - i})
	}
	got := newDraft(&p, &Observation{At: at}, h, 0).highest(0)
	oldest := int32(1_000_000 - 3600)
	if got < oldest || got > oldest+60 {
		t.Errorf("the highest of the last hour is %d, want %d or up to a minute's more", got, oldest)
	}
	if len(h.High) > longest {
		t.Errorf("%d entries are kept, want at most %d", len(h.High), longest)
	}
}

func TestPastSortsWhatItIsGiven(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	h := Past([]Want{{at(3), 5}, {at(1), 9}, {at(2), 4}}, []Resize{{at(9), 1}, {at(8), 2}})
	if len(h.High) != 2 || h.High[0].Replicas != 9 || h.High[1].Replicas != 5 {
		t.Errorf("high is %v, want 9 then 5", h.High)
	}
	if len(h.Low) != 2 || h.Low[0].Replicas != 4 || h.Low[1].Replicas != 5 {
		t.Errorf("low is %v, want 4 then 5", h.Low)
	}
	if !h.Seen || h.Resizes[0].Change != 2 {
		t.Errorf("seen is %v, resizes are %v", h.Seen, h.Resizes)
	}
}
