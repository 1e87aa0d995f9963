package bench

import (
	"os"
	"testing"
	"time"

	"github.com/furl-dev/furl/resource"
	"github.com/google/go-cmp/cmp"
)

func TestProcess_reads_what_the_system_tells(t *testing.T) {
	const stat = "4711 (furl (two) x) S 1 4711 4711 0 -1 4194560 9 0 0 0 1234 66 0 0 20 0 9 0 360050 1 2 3"
	began, cpu, err := parseStat([]byte(stat))
	if err != nil || began != time.Hour+500*time.Millisecond || cpu != 13*time.Second {
		t.Errorf("began %s, used %s, error %v; want 1h0m0.5s and 13s", began, cpu, err)
	}
	for _, wrong := range []string{"", "4711 (furl) S 1 2", "4711 (furl) S 1 4711 4711 0 -1 4194560 9 0 0 0 many 66 0 0 20 0 9 0 1 1"} {
		if _, _, err := parseStat([]byte(wrong)); err == nil {
			t.Errorf("%q is read without an error", wrong)
		}
	}
	if n, err := rssAnon("Name:\tfurl\nVmRSS:\t  9000 kB\nRssAnon:\t    2048 kB\n"); n != 2<<20 || err != nil {
		t.Errorf("%d bytes, error %v; want 2 MiB", n, err)
	}
	for _, wrong := range []string{"Name:\tfurl\n", "RssAnon:\t much kB\n"} {
		if _, err := rssAnon(wrong); err == nil {
			t.Errorf("%q is read without an error", wrong)
		}
	}
	now := time.Now()
	self := process(os.Getpid())
	spent, err := self.spent()
	if err != nil || spent.rssAnon <= 0 {
		t.Errorf("this process: %+v, error %v", spent, err)
	}
	if began, err := self.started(now); err != nil || began.After(now) || began.Before(now.Add(-time.Hour)) {
		t.Errorf("this process began at %s, error %v; it is %s", began, err, now)
	}
}

func TestReplicas_count_a_minute_of_an_HPA(t *testing.T) {
	half := 30 * time.Second
	cost := costOf("leader", spent{cpu: 3 * time.Second}, spent{cpu: 4 * time.Second, rssAnon: 50 << 20}, half)
	if diff := cmp.Diff(Cost{Who: "leader", CPU: 2, RssAnon: 50 << 20}, cost); diff != "" {
		t.Error(diff)
	}
	r := Replicas{
		Span: half, Objects: 100, Of: []Cost{cost}, Load: "0.50",
		Requests: Requests{"update horizontalpodautoscalers/status": 40, "update leases": 15, "watch pods": 2},
	}
	want := `window of 30s, load average 0.50: leader 2.00 CPU-s a minute, 50 MiB RssAnon; 0.84 requests an HPA and minute
  writes: 40 (40 update horizontalpodautoscalers/status); reads of the API: 0; others: 17 (15 update leases, 2 watch pods)`
	if got := r.String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestFlips_take_the_first_write_after_each(t *testing.T) {
	const every = 15 * time.Second
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	turn := resource.Turn("sim-1", every, from)
	all := []flipped{{name: "web", at: turn.Add(-2 * time.Second), nodes: []string{"sim-1"}}}
	written := map[string][]scaleWrite{"web": {{at: turn.Add(-3 * time.Second)}, {at: turn.Add(30 * time.Millisecond)}, {at: turn.Add(time.Minute)}}}
	got, err := answers(all, written, every)
	want := Flips{Since: []time.Duration{2030 * time.Millisecond}, Sampled: []time.Duration{30 * time.Millisecond}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, %s", err, diff)
	}
	all[0].at = turn.Add(2 * time.Minute)
	if _, err := answers(all, written, every); err == nil {
		t.Error("a workload without a write since gives no error")
	}
}

func TestSinceTurn_goes_by_the_node_that_was_read_last(t *testing.T) {
	const every = 15 * time.Second
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	nodes := []string{"sim-1", "sim-2", "sim-3"}
	for i := range 150 {
		at := from.Add(time.Duration(i) * 100 * time.Millisecond)
		want := every
		for _, n := range nodes {
			for turn := resource.Turn(n, every, at.Add(-every)); !turn.After(at); turn = turn.Add(every) {
				want = min(want, at.Sub(turn))
			}
		}
		if got := sinceTurn(nodes, every, at); got != want {
			t.Errorf("at %s: %s, want %s", at, got, want)
		}
	}
}
