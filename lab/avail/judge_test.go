package avail

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// logOf reads lines such as "3.5 first lease first" and "4 second scale moves-00 3", in seconds since an instant; a
// request takes 10 ms unless it says "4-5".
func logOf(t *testing.T, text string) []event {
	t.Helper()
	var lines strings.Builder
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		from, to, long := strings.Cut(f[0], "-")
		received := at(t, from)
		answered := received.Add(10 * time.Millisecond)
		if long {
			answered = at(t, to)
		}
		var ref string
		user, spec := operatorUser, "{}"
		if f[1] == "admin" {
			user = "admin"
		}
		code := 200
		switch f[2] {
		case "lease":
			ref = `{"resource":"leases","name":"furl"}`
			spec = fmt.Sprintf(`{"holderIdentity":%q,"leaseDurationSeconds":15}`, strings.TrimPrefix(f[3], "-"))
		case "scale", "refused":
			if f[2] == "refused" {
				code = 409
			}
			ref = fmt.Sprintf(`{"resource":"deployments","subresource":"scale","name":%q}`, f[3])
			spec = `{"replicas":` + f[4] + `}`
		case "status":
			ref = fmt.Sprintf(`{"resource":"scaledobjects","subresource":"status","name":%q}`, f[3])
		default:
			ref = fmt.Sprintf(`{"resource":%q}`, f[2])
		}
		fmt.Fprintf(&lines, `{"verb":"update","userAgent":"furl/%s","user":{"username":%q},"requestReceivedTimestamp":%q,"stageTimestamp":%q,"objectRef":%s,"responseStatus":{"code":%d},"requestObject":{"spec":%s}}`+"\n",
			f[1], user, received.Format(time.RFC3339Nano), answered.Format(time.RFC3339Nano), ref, code, spec)
	}
	all, err := read(strings.NewReader(lines.String()))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func at(t *testing.T, seconds string) time.Time {
	t.Helper()
	d, err := time.ParseDuration(seconds + "s")
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(d)
}

func TestJudge_finds_every_write_that_was_not_its_writers_to_make(t *testing.T) {
	tests := []struct {
		why            string
		log            string
		writes         int
		foreign, wrong []string // words of each
	}{
		{"the holder writes what is right", "0 first lease first\n1 first scale moves-00 3\n2 first status moves-00", 2, nil, nil},
		{"a standby writes a size", "0 first lease first\n1 second scale moves-00 3", 1, []string{"first holds the lease"}, nil},
		{"a standby writes a status", "0 first lease first\n1 second status moves-00", 1, []string{"first holds the lease"}, nil},
		{"that it was refused changes nothing", "0 first lease first\n1 second refused moves-00 3", 1, []string{"first holds the lease"}, nil},
		{"events and questions are everybody's", "0 first lease first\n1 second events\n2 second subjectaccessreviews", 0, nil, nil},
		{"one wakes up before another leads", "0 first lease first\n16 first scale moves-00 3", 1, []string{"its lease had run out"}, nil},
		{"one wakes up after another leads", "0 first lease first\n16 second lease second\n17 first scale moves-00 3\n18 second scale moves-00 3", 2, []string{"second holds the lease"}, nil},
		{"a write outlives the lease", "0 first lease first\n14-17 first scale moves-00 3\n16 second lease second", 1, []string{"while a write of another"}, nil},
		{"the lease was given back", "0 first lease first\n1 first lease -\n2 first scale moves-00 3", 1, []string{"nobody holds the lease"}, nil},
		{"it was another's to give back", "0 first lease first\n16 second lease second\n17 first lease -", 0, []string{"first released the lease of second"}, nil},
		{"a size of long ago", "0 first lease first\n1 first scale moves-00 5", 1, nil, []string{"to 5; right for what was told"}},
		{"it shrinks though its load grows", "0 first lease first\n1 first scale grows-00 4\n2 first scale grows-00 3", 2, nil, []string{"from 4 to 3"}},
		{"somebody else shrinks it", "0 first lease first\n1 first scale grows-00 4\n2 admin scale grows-00 1\n3 first scale grows-00 2", 2, nil, nil},
		{"what comes later is not looked at", "0 first lease first\n61 second scale moves-00 9", 0, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			v := judge(logOf(t, tt.log), &period{
				from: at(t, "0"), to: at(t, "60"), fresh: time.Second, told: func(string, time.Time, time.Time) []int32 { return []int32{2, 3} },
			})
			if v.writes != tt.writes {
				t.Errorf("%d writes, want %d", v.writes, tt.writes)
			}
			if !all(v.foreign, tt.foreign) || !all(v.wrong, tt.wrong) {
				t.Errorf("foreign %q, wrong %q, want words %q and %q", v.foreign, v.wrong, tt.foreign, tt.wrong)
			}
		})
	}
}

// all tells that each text has its words.
func all(texts, words []string) bool { return slices.EqualFunc(texts, words, strings.Contains) }

func TestHandover_begins_when_the_lease_runs_out(t *testing.T) {
	tests := []struct {
		why  string
		log  string
		want handover
	}{
		{
			"killed at 2.5", "0 first lease first\n2 first lease first\n2.2 first scale moves-00 3\n18 second lease second\n19 second scale moves-00 2\n20 second scale moves-00 3",
			handover{last: at(t, "2.2"), over: at(t, "17"), taken: at(t, "18"), first: at(t, "19")},
		},
		{
			"given back", "0 first lease first\n2.2 first scale moves-00 3\n3 first lease -\n3.5 second lease second\n4 second scale moves-00 2",
			handover{last: at(t, "2.2"), over: at(t, "3"), taken: at(t, "3.5"), first: at(t, "4")},
		},
		{"not yet", "0 first lease first\n2 first lease first", handover{over: at(t, "17")}},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			got := readHandover(logOf(t, tt.log), "first", "second", at(t, "2.5"))
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(handover{})); diff != "" {
				t.Errorf("handover (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReport_has_the_middle_and_the_most_of_each_kind(t *testing.T) {
	r := Report{Seed: 7, Runs: []Run{
		{Kind: Kill, Leader: "first", Taken: Span(time.Second), Decided: Span(2 * time.Second), Silent: Span(17 * time.Second), Writes: 3, Load: "1"},
		{Kind: Kill, Leader: "second", Taken: Span(2 * time.Second), Decided: Span(6 * time.Second), Silent: Span(18 * time.Second), Writes: 4, Wrong: []string{"x"}, Load: "1"},
	}}
	var table strings.Builder
	if err := r.Table(&table); err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(strings.Split(table.String(), "\n")[1])
	want := strings.Fields("kill 2 p50 1.00 s, max 2.00 s p50 2.00 s, max 6.00 s p50 17.00 s, max 18.00 s 7 0 1")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if err := r.Err(); err == nil || !strings.Contains(err.Error(), "6.00 s after the lease had run out") || !strings.Contains(err.Error(), "not right:\n  x") {
		t.Errorf("Err: %v, want the late size and the wrong one", err)
	}
	raw, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(raw), `"takenSeconds":1.00`) {
		t.Errorf("JSON: %s, %v", raw, err)
	}
}
