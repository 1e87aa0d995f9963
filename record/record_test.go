package record_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/record"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func epoch() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC) }

func cpu() engine.Policy {
	return engine.Policy{
		Min: 1, Max: 10, Tolerance: engine.Tolerance{Up: 0.1, Down: 0.1},
		Signals: []engine.Signal{{Name: "cpu", Label: "cpu", Target: engine.Target{Kind: engine.Utilization, Value: 50}}},
		Down:    engine.Scaling{Window: 5 * time.Minute, Limits: []engine.Limit{{Percent: true, Value: 10, Period: time.Minute}}},
		Up:      engine.Scaling{Limits: []engine.Limit{{Value: 4, Period: 15 * time.Second}}},
	}
}

// decide is one turn of a loop at so many seconds, with each pod at percent.
func decide(seconds, replicas int32, percent int64, past engine.History) (loop.Record, engine.History) {
	at := epoch().Add(time.Duration(seconds) * time.Second)
	o := engine.Observation{At: at, Replicas: engine.Replicas{Spec: replicas, Status: replicas}, Readings: []engine.Reading{{
		Signal: "cpu", At: at,
		Usage: engine.Usage{Ready: engine.Tally{Pods: replicas, Value: int64(replicas) * percent * 2, Requests: int64(replicas) * 200}, Listed: replicas},
	}}}
	d, h := engine.Decide(cpu(), o, past)
	r := loop.Record{At: at, Policy: cpu(), Seen: o, Past: past, Decision: d, Outcome: loop.Unchanged}
	if d.From != d.To {
		r.Outcome = loop.Scaled
		h = engine.Applied(cpu(), d, h)
	}
	return r, h
}

// Over random loads, what is exported and imported again replays to the very
// decision that was made.
func TestReplay_gives_the_decision_again_bit_for_bit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var (
			h       engine.History
			at      int32
			size    = rapid.Int32Range(0, 12).Draw(t, "size")
			turns   = rapid.IntRange(1, 20).Draw(t, "turns")
			records = make([]record.Record, 0, turns)
		)
		for range turns {
			at += rapid.Int32Range(1, 120).Draw(t, "after")
			r, next := decide(at, size, rapid.Int64Range(0, 500).Draw(t, "percent"), h)
			if rapid.Bool().Draw(t, "lost") {
				r.Seen.Readings[0] = engine.Reading{Signal: "cpu", Missing: "the source is down", Value: math.NaN()}
				r.Decision, next = engine.Decide(r.Policy, r.Seen, r.Past)
			}
			records = append(records, record.Record{Workload: hpa("web"), Record: r})
			size, h = r.Decision.To, next
		}
		var file bytes.Buffer
		if err := record.Export(&file, records...); err != nil {
			t.Fatal(err)
		}
		back, err := record.Import(&file)
		if err != nil || len(back) != len(records) {
			t.Fatalf("Import: %d of %d records, %v", len(back), len(records), err)
		}
		for i, r := range back {
			got, err := record.Replay(r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(records[i].Decision, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("record %d replays to another decision (-was +got):\n%s", i, diff)
			}
		}
	})
}

func TestReplay_refuses_a_record_without_a_decision(t *testing.T) {
	gone := errors.New("no such deployment")
	_, err := record.Replay(record.Record{Workload: hpa("web"), Record: loop.Record{Outcome: loop.Unseen, Err: gone}})
	if !errors.Is(err, gone) {
		t.Errorf("Replay: %v, want the reason", err)
	}
}

// fill gives every field below v a value that is not its zero, so that one
// that the wire forgets shows.
func fill(v reflect.Value, n *int64) {
	*n++
	switch v.Kind() { //nolint:exhaustive // the rest panics
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(epoch().Add(time.Duration(*n) * time.Second)))
			return
		}
		for _, field := range v.Fields() {
			fill(field, n)
		}
	case reflect.Interface: // engine.Formula
		v.Set(reflect.ValueOf(record.FormulaText(fmt.Sprint("formula ", *n))))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64, reflect.Int:
		v.SetInt(*n)
	case reflect.Uint8:
		v.SetUint(1 + uint64(*n%2))
	case reflect.Float64:
		v.SetFloat(float64(*n) + 0.1)
	default:
		panic("fill does not know " + v.Type().String())
	}
}

func TestExport_loses_no_field(t *testing.T) {
	var n int64
	r := record.Record{Workload: hpa("web"), Since: epoch(), Alike: 3}
	for _, part := range []any{&r.Policy, &r.Seen, &r.Past, &r.Decision} {
		fill(reflect.ValueOf(part).Elem(), &n)
	}
	r.At, r.Outcome, r.Err, r.Unread = epoch(), loop.Failed, errors.New("conflict"), errors.New("ambiguous selector")
	r.Seen.Readings[0].Value = math.Inf(1)
	var file bytes.Buffer
	if err := record.Export(&file, r); err != nil {
		t.Fatal(err)
	}
	text := file.String()
	back, err := record.Import(&file)
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	sameText := cmp.Comparer(func(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
	if diff := cmp.Diff(r, back[0], sameText); diff != "" {
		t.Errorf("differs after a round trip (-was +got):\n%s", diff)
	}
}

func TestExport_keeps_its_names(t *testing.T) {
	r, _ := decide(0, 2, 200, engine.History{})
	var file bytes.Buffer
	if err := record.Export(&file, record.Record{Workload: hpa("web"), Record: r, Since: r.At, Alike: 1}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"namespace":"shop","kind":"hpa","name":"web","at":"2026-01-02T03:04:05.000000006Z"`,
		`"policy":{"min":1,"max":10,"signals":[{"name":"cpu","label":"cpu","kind":"PerPod","target":{"kind":"Utilization","value":50}}],"tolerance":{"up":0.1,"down":0.1}`,
		`"down":{"window":"5m0s","select":"Max","limits":[{"percent":true,"value":10,"period":"1m0s"}]}`,
		`"observation":{"at":"2026-01-02T03:04:05.000000006Z","replicas":{"spec":2,"status":2},"readings":[{"signal":"cpu","usage":{"ready":{"pods":2,"value":800,"requests":400}`,
		`"history":{`, `"decision":{`, `"outcome":"scaled"`,
	} {
		if !strings.Contains(file.String(), want) {
			t.Errorf("no %s in\n%s", want, file.String())
		}
	}
}

func FuzzImport_never_panics_and_is_stable(f *testing.F) {
	r, _ := decide(0, 2, 200, engine.History{})
	var file bytes.Buffer
	if err := record.Export(&file, record.Record{Workload: hpa("web"), Record: r}); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		records, err := record.Import(bytes.NewReader(b))
		if err != nil {
			return
		}
		var once, twice bytes.Buffer
		if record.Export(&once, records...) != nil {
			return // an instant beyond the year 9999
		}
		again, err := record.Import(bytes.NewReader(once.Bytes()))
		if err != nil {
			t.Fatalf("what was exported is not imported: %v", err)
		}
		if err := record.Export(&twice, again...); err != nil || !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Fatalf("two exports differ: %v\n%s\n%s", err, once.Bytes(), twice.Bytes())
		}
	})
}
