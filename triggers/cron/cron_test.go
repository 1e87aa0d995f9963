package cron

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/evidence"
	"github.com/furl-dev/furl/trigger/triggertest"
	"github.com/google/go-cmp/cmp"
)

func at(t *testing.T, z *time.Location, text string) time.Time {
	t.Helper()
	when, err := time.ParseInLocation("2006-01-02 15:04:05", text, z)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

func read(t *testing.T, metadata map[string]string, now time.Time) trigger.Sample {
	t.Helper()
	c, err := Kind().Decode(trigger.Input{Metadata: metadata})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Open(t.Context(), trigger.Env{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	sample, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sample
}

func TestSource_keeps_what_every_trigger_promises(t *testing.T) {
	triggertest.Run(t, triggertest.Suite{
		Kind: Kind(), Want: 3, Evidence: evidence.Alone,
		Input: func(string) trigger.Input {
			return trigger.Input{Metadata: map[string]string{"timezone": "Europe/Berlin", "start": "0 6 * * *", "end": "0 20 * * *", "desiredReplicas": "3"}}
		},
		Bad: []triggertest.Bad{
			{Why: "no time zone", Change: map[string]string{"timezone": "Mars/Olympus"}, Says: "timezone"},
			{Why: "no schedule", Change: map[string]string{"start": "at six"}, Says: "start"},
		},
	})
}

func TestRead_says_when_the_answer_changes(t *testing.T) {
	india := zone(t, "Asia/Kolkata")
	office := map[string]string{"timezone": "Asia/Kolkata", "start": "0 6 * * *", "end": "0 20 * * *", "desiredReplicas": "10"}
	yes, no := true, false
	for _, tc := range []struct {
		why, now, until string
		value           float64
		active          *bool
	}{
		{"a second before it opens", "2026-03-02 05:59:59", "2026-03-02 06:00:00", 0, &no},
		{"the second it opens", "2026-03-02 06:00:00", "2026-03-02 20:00:00", 10, &yes},
		{"a second before it closes", "2026-03-02 19:59:59", "2026-03-02 20:00:00", 10, &yes},
		{"the second it closes", "2026-03-02 20:00:00", "2026-03-03 06:00:00", 0, &no},
	} {
		now := at(t, india, tc.now)
		want := trigger.Sample{At: now, Value: tc.value, Active: tc.active, Until: at(t, india, tc.until)}
		if diff := cmp.Diff(want, read(t, office, now)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tc.why, diff)
		}
	}
}

// TestWindow_keeps_its_promise_when_clocks_change has what KEDA gets wrong: there, a
// start that the clocks skip leaves the window open since the end before, for a whole day.
func TestWindow_keeps_its_promise_when_clocks_change(t *testing.T) {
	for _, tc := range []struct {
		why, zone, start, end string
		open                  map[string]bool
	}{
		{
			"a start in the missing hour comes when it would have ended",
			"America/New_York", "30 2 * * *", "0 8 * * *",
			map[string]bool{
				"2026-03-07 12:00:00": false, "2026-03-08 01:59:59": false, "2026-03-08 03:00:00": true,
				"2026-03-08 07:59:59": true, "2026-03-08 08:00:00": false, "2026-03-09 02:30:00": true,
			},
		},
		{
			"an end in the missing hour too",
			"Europe/Berlin", "0 22 * * *", "30 2 * * *",
			map[string]bool{"2026-03-28 22:00:00": true, "2026-03-29 01:59:59": true, "2026-03-29 03:00:00": false, "2026-03-29 22:00:00": true},
		},
		{
			"a window inside the missing hour does not open",
			"Europe/Berlin", "10 2 * * *", "50 2 * * *",
			map[string]bool{"2026-03-28 02:10:00": true, "2026-03-29 01:59:59": false, "2026-03-29 03:00:00": false, "2026-03-29 12:00:00": false, "2026-03-30 02:10:00": true},
		},
		{
			"windows of each hour go on",
			"America/New_York", "0,30 * * * *", "15,45 * * * *",
			map[string]bool{"2026-03-08 01:50:00": false, "2026-03-08 03:00:00": true, "2026-03-08 03:15:00": false, "2026-03-08 03:30:00": true},
		},
		{
			"a midnight that does not exist",
			"America/Santiago", "0 0 * * *", "0 6 * * *",
			map[string]bool{"2026-09-05 23:59:59": false, "2026-09-06 01:00:00": true, "2026-09-06 06:00:00": false},
		},
		{
			"half an hour that is missing",
			"Australia/Lord_Howe", "15 2 * * *", "0 4 * * *",
			map[string]bool{"2026-10-04 01:59:59": false, "2026-10-04 02:30:00": true, "2026-10-04 04:00:00": false},
		},
	} {
		z := zone(t, tc.zone)
		w, err := config{Start: tc.start, End: tc.end, Timezone: tc.zone}.window()
		if err != nil {
			t.Fatal(err)
		}
		for now, want := range tc.open {
			if open, _ := w.at(at(t, z, now)); open != want {
				t.Errorf("%s: at %s open is %v, want %v", tc.why, now, open, want)
			}
		}
	}
}

func TestNext_counts_an_hour_that_comes_twice_twice(t *testing.T) {
	z := zone(t, "America/New_York")
	s, err := parse("30 1 * * *")
	if err != nil {
		t.Fatal(err)
	}
	before := at(t, z, "2026-11-01 00:00:00")
	first := s.next(before, z).at
	second := s.next(first, z).at
	if first.Sub(before) != 90*time.Minute || second.Sub(first) != time.Hour {
		t.Errorf("01:30 comes after %s and again after %s, want 1h30m0s and 1h0m0s", first.Sub(before), second.Sub(first))
	}
}

func TestDecode_refuses_what_would_never_work(t *testing.T) {
	good := map[string]string{"timezone": "Europe/Berlin", "start": "0 6 * * *", "end": "0 20 * * *", "desiredReplicas": "3"}
	for _, tc := range []struct{ key, value, want string }{
		{"start", "0 6 * *", "5 fields"},
		{"start", "0 24 * * *", "from 0 to 23"},
		{"end", "0 0 30 2 *", "no such day ever comes"},
		{"end", "0 0 31 4,6 *", "no such day ever comes"},
		{"end", "0 6 * * *", "differs"},
		{"timezone", "Mars/Olympus", "IANA"},
		{"desiredReplicas", "0", "at least 1"},
		{"desiredReplicas", "-1", "at least 1"},
		{"start", "TZ=Nowhere 0 6 * * *", "IANA"},
		{"start", "TZ=UTC", "5 fields"},
	} {
		metadata := maps.Clone(good)
		metadata[tc.key] = tc.value
		_, err := Kind().Decode(trigger.Input{Metadata: metadata})
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), tc.key) {
			t.Errorf("%s %q: error %v, want one that names %s and says %q", tc.key, tc.value, err, tc.key, tc.want)
		}
	}
}

func TestNext_finds_the_rarest_day(t *testing.T) {
	s, err := parse("0 0 29 2 *")
	if err != nil {
		t.Fatal(err)
	}
	got := s.next(at(t, time.UTC, "2096-03-01 00:00:00"), time.UTC).at
	if want := at(t, time.UTC, "2104-02-29 00:00:00"); !got.Equal(want) {
		t.Errorf("the 29th of February after 2096 is %s, want %s", got, want)
	}
}

func BenchmarkRead(b *testing.B) {
	w, err := config{Start: "0 6 * * 1-5", End: "0 20 * * 1-5", Timezone: "Europe/Berlin"}.window()
	if err != nil {
		b.Fatal(err)
	}
	now := time.Unix(1780000000, 0)
	for b.Loop() {
		w.at(now)
	}
}
