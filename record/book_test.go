package record_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/record"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func hpa(name string) record.Workload {
	return record.Workload{Namespace: "shop", Kind: "hpa", Name: name}
}

// resize is a record of a change at so many seconds; from == to is none.
func resize(seconds int, from, to int32) loop.Record {
	at := epoch().Add(time.Duration(seconds) * time.Second)
	r := loop.Record{At: at, Decision: engine.Decision{At: at, From: from, To: to}, Outcome: loop.Unchanged}
	r.Decision.Steps = []engine.Step{{Rule: engine.RuleMeasure, Case: engine.CaseUtilization, Signal: "cpu", After: to}}
	if from != to {
		r.Outcome = loop.Scaled
	}
	return r
}

// sizes are the records as from>to, the newest first.
func sizes(records []record.Record) (out []string) {
	for _, r := range records {
		out = append(out, fmt.Sprintf("%d>%d", r.Decision.From, r.Decision.To))
	}
	return out
}

func TestBook_answers_with_the_newest_first(t *testing.T) {
	b := record.NewBook(1 << 20)
	for i := range int32(5) {
		b.Keep(hpa("web"), resize(int(i)*10, i, i+1))
	}
	for _, c := range []struct {
		why   string
		query record.Query
		want  []string
	}{
		{"all", record.Query{}, []string{"4>5", "3>4", "2>3", "1>2", "0>1"}},
		{"limited", record.Query{Limit: 2}, []string{"4>5", "3>4"}},
		{"since an instant, itself included", record.Query{Since: epoch().Add(30 * time.Second)}, []string{"4>5", "3>4"}},
		{"both", record.Query{Limit: 1, Since: epoch()}, []string{"4>5"}},
	} {
		if diff := cmp.Diff(c.want, sizes(b.History(hpa("web"), c.query))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.why, diff)
		}
	}
	if r, ok := b.Latest(hpa("web")); !ok || r.Decision.To != 5 {
		t.Errorf("latest: %v %v", r.Decision, ok)
	}
	if _, ok := b.Latest(hpa("other")); ok || b.History(hpa("other"), record.Query{}) != nil {
		t.Error("a workload that was never recorded has records")
	}
}

func TestBook_joins_decisions_that_repeat_for_the_same_reasons(t *testing.T) {
	b := record.NewBook(1 << 20)
	b.Keep(hpa("web"), resize(0, 1, 3))
	for i := 1; i <= 100; i++ {
		b.Keep(hpa("web"), resize(i*10, 3, 3))
	}
	other := resize(1010, 3, 3)
	other.Decision.Steps[0].Rule = engine.RuleTolerance
	b.Keep(hpa("web"), other)
	got := b.History(hpa("web"), record.Query{})
	if diff := cmp.Diff([]string{"3>3", "3>3", "1>3"}, sizes(got)); diff != "" {
		t.Fatalf("records (-want +got):\n%s", diff)
	}
	if r := got[1]; r.Alike != 100 || !r.Since.Equal(epoch().Add(10*time.Second)) || !r.At.Equal(epoch().Add(1000*time.Second)) {
		t.Errorf("%d alike from %s to %s, want 100 from 10s to 1000s", r.Alike, r.Since, r.At)
	}
}

func TestBook_never_joins_changes(t *testing.T) {
	b := record.NewBook(1 << 20)
	for i := range 3 {
		b.Keep(hpa("web"), resize(i, 1, 3)) // such as in observe mode: wanted each time, never written
	}
	if n := len(b.History(hpa("web"), record.Query{})); n != 3 {
		t.Errorf("%d records, want 3", n)
	}
}

func TestBook_lets_the_oldest_go_but_never_the_latest_or_the_last_change(t *testing.T) {
	b := record.NewBook(10_000)
	b.Keep(hpa("quiet"), resize(0, 1, 4))
	b.Keep(hpa("quiet"), resize(1, 4, 4))
	for i := range int32(1000) {
		b.Keep(hpa("busy"), resize(int(i)+2, i, i+1))
	}
	if diff := cmp.Diff([]string{"4>4", "1>4"}, sizes(b.History(hpa("quiet"), record.Query{}))); diff != "" {
		t.Errorf("the quiet workload (-want +got):\n%s", diff)
	}
	busy := sizes(b.History(hpa("busy"), record.Query{}))
	if len(busy) < 2 || len(busy) > 30 || busy[0] != "999>1000" {
		t.Errorf("the busy workload has %d records, the newest %s", len(busy), busy[0])
	}
	if n := b.Bytes(); n > 10_000 {
		t.Errorf("%d bytes, budget 10000", n)
	}
	b.Keep(hpa("quiet"), resize(2000, 4, 2))
	if diff := cmp.Diff([]string{"4>2"}, sizes(b.History(hpa("quiet"), record.Query{}))); diff != "" {
		t.Errorf("what was held is let go for a newer change (-want +got):\n%s", diff)
	}
}

func TestBook_forgets_a_workload(t *testing.T) {
	b := record.NewBook(1 << 20)
	b.Keep(hpa("web"), resize(0, 1, 2))
	b.Keep(hpa("api"), resize(0, 1, 2))
	b.Forget(hpa("web"))
	b.Forget(hpa("never"))
	if all := b.LatestOf(""); len(all) != 1 || all[0].Name != "api" {
		t.Errorf("left: %v", all)
	}
	b.Forget(hpa("api"))
	if n := b.Bytes(); n != 0 {
		t.Errorf("%d bytes left of nothing", n)
	}
}

func TestBook_keeps_no_reference_to_what_the_loop_uses_again(t *testing.T) {
	b := record.NewBook(1 << 20)
	r := resize(0, 1, 2)
	r.Seen.Readings = []engine.Reading{{Signal: "cpu"}}
	if err := b.Recorder(hpa("web")).Record(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.Seen.Readings[0].Signal, r.Decision.Steps[0].Note = "spoiled", "spoiled"
	got, _ := b.Latest(hpa("web"))
	if got.Seen.Readings[0].Signal != "cpu" || got.Decision.Steps[0].Note != "" {
		t.Errorf("the record changed: %v %v", got.Seen.Readings, got.Decision.Steps)
	}
}

// Under any sequence of decisions the book stays within its budget, unless
// only held records are left, and every workload keeps its latest record and
// its last change.
func TestBook_holds_its_promises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		budget := rapid.Int64Range(0, 20_000).Draw(t, "budget")
		b := record.NewBook(budget)
		size, change := map[string]int32{}, map[string]string{}
		for i := range rapid.IntRange(1, 60).Draw(t, "turns") {
			w := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "workload")
			from, to := size[w], rapid.Int32Range(0, 2).Draw(t, "to")
			b.Keep(hpa(w), resize(i, from, to))
			if size[w] = to; from != to {
				change[w] = fmt.Sprintf("%d>%d", from, to)
			}
			total := 0
			for w := range size {
				records := sizes(b.History(hpa(w), record.Query{}))
				total += len(records)
				if len(records) == 0 || records[0][2:] != fmt.Sprint(size[w]) {
					t.Fatalf("%s: latest of %v, want a size of %d", w, records, size[w])
				}
				if c, ok := change[w]; ok && !slices.Contains(records, c) {
					t.Fatalf("%s: last change %s is not in %v", w, c, records)
				}
			}
			if b.Bytes() > budget && total > 2*len(size) {
				t.Fatalf("%d bytes in %d records of %d workloads, budget %d", b.Bytes(), total, len(size), budget)
			}
		}
	})
}

func TestBook_is_read_while_it_is_written(t *testing.T) {
	b := record.NewBook(50_000)
	var all sync.WaitGroup
	for _, w := range []string{"a", "b"} {
		all.Go(func() {
			for i := range int32(500) {
				b.Keep(hpa(w), resize(int(i), i%7, i%5))
			}
		})
		all.Go(func() {
			for range 500 {
				b.History(hpa(w), record.Query{Limit: 5})
				b.LatestOf("shop")
			}
		})
	}
	all.Wait()
	if n := len(b.LatestOf("shop")); n != 2 {
		t.Errorf("%d workloads, want 2", n)
	}
}

// Keeping a decision that repeats the one before, as most do.
func BenchmarkBook_keep_a_quiet_decision(b *testing.B) {
	book := record.NewBook(record.DefaultBudget)
	r, _ := decide(0, 2, 50, engine.History{Seen: true})
	b.ReportAllocs()
	for b.Loop() {
		book.Keep(hpa("web"), r)
	}
}
