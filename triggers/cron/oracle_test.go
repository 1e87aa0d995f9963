package cron

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	robfig "github.com/robfig/cron/v3" // KEDA's parser and clock
	"pgregory.net/rapid"
)

// zones are those in which KEDA's clock is right: where the clock changes by half an
// hour it is not, see TestNext_on_the_day_of_half_an_hour.
var zones = []string{"Etc/UTC", "Asia/Kolkata", "America/New_York", "Europe/Berlin", "Australia/Adelaide", "America/Santiago"}

func zone(t interface {
	Helper()
	Fatal(args ...any)
}, name string,
) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func keda() robfig.Parser {
	return robfig.NewParser(robfig.Minute | robfig.Hour | robfig.Dom | robfig.Month | robfig.Dow)
}

// field draws one field of a schedule between two numbers.
func field(t *rapid.T, name string, low, high int) string {
	n := rapid.IntRange(low, high)
	switch rapid.IntRange(0, 4).Draw(t, name) {
	case 0:
		return "*"
	case 1:
		return fmt.Sprintf("*/%d", rapid.IntRange(1, high).Draw(t, name))
	case 2:
		from := n.Draw(t, name)
		return fmt.Sprintf("%d-%d/%d", from, rapid.IntRange(from, high).Draw(t, name), rapid.IntRange(1, 7).Draw(t, name))
	case 3:
		return fmt.Sprintf("%d,%d", n.Draw(t, name), n.Draw(t, name))
	}
	return fmt.Sprint(n.Draw(t, name))
}

// hours keeps to those that no zone of the test skips or repeats.
func drawSchedule(t *rapid.T) string {
	hours := fmt.Sprintf("%d-%d", rapid.IntRange(4, 12).Draw(t, "from"), rapid.IntRange(12, 22).Draw(t, "to"))
	return strings.Join([]string{
		field(t, "minute", 0, 59), hours, field(t, "day", 1, 31), field(t, "month", 1, 12), field(t, "weekday", 0, 6),
	}, " ")
}

func TestNext_is_the_next_instant_that_KEDAs_clock_has(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := drawSchedule(rt)
		theirs, err := keda().Parse(text)
		if err != nil {
			rt.Fatal(err)
		}
		z := zone(t, rapid.SampledFrom(zones).Draw(rt, "zone"))
		after := time.Unix(rapid.Int64Range(1700000000, 1900000000).Draw(rt, "after"), 0).In(z)
		want := theirs.Next(after)
		ours, err := parse(text)
		if want.IsZero() {
			return // no such day within their five years
		}
		if err != nil {
			rt.Fatalf("%q: %v", text, err)
		}
		if got := ours.next(after, z).at; !got.Equal(want) {
			rt.Fatalf("%q after %s: %s, want %s", text, after, got.In(z), want)
		}
	})
}

func TestWindow_is_open_when_KEDAs_is(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		start, end := drawSchedule(rt), drawSchedule(rt)
		z := zone(t, rapid.SampledFrom(zones).Draw(rt, "zone"))
		now := time.Unix(rapid.Int64Range(1700000000, 1900000000).Draw(rt, "now"), 0).In(z)
		w, err := config{Start: start, End: end, Timezone: z.String()}.window()
		s, e := mustKEDA(rt, start).Next(now), mustKEDA(rt, end).Next(now)
		if err != nil || s.IsZero() || e.IsZero() {
			return // never opens or never closes: refused, see the other tests
		}
		open, until := w.at(now)
		if want := !s.Before(e); open != want {
			rt.Fatalf("from %q to %q at %s: open %v, want %v", start, end, now, open, want)
		}
		want := s
		if open {
			want = e
		}
		if !until.Equal(want) {
			rt.Fatalf("from %q to %q at %s: until %s, want %s", start, end, now, until, want)
		}
	})
}

// KEDA's clock walks from midnight in whole hours, so that a clock set back by half
// an hour leaves it at half past for the rest of the day.
func TestNext_on_the_day_of_half_an_hour(t *testing.T) {
	howe := zone(t, "Australia/Lord_Howe")
	ours, err := parse("* 4-12 7 4 *")
	if err != nil {
		t.Fatal(err)
	}
	after := time.Date(2024, time.January, 31, 12, 59, 0, 0, howe)
	want := time.Date(2024, time.April, 7, 4, 0, 0, 0, howe)
	if got := ours.next(after, howe).at; !got.Equal(want) {
		t.Errorf("next %s, want %s", got.In(howe), want)
	}
	if theirs := mustKEDA(t, "* 4-12 7 4 *").Next(after); !theirs.Equal(want.Add(30 * time.Minute)) {
		t.Errorf("KEDA's next is %s: is its clock mended? Then the zone belongs among those above", theirs)
	}
}

func mustKEDA(t interface{ Fatal(args ...any) }, text string) robfig.Schedule {
	s, err := keda().Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// FuzzParse holds what is accepted, and what it means, against KEDA's parser.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"0 6 * * *", "*/5 * * * *", "0 1-23/2 * jan-MAR,dec sun", "? ? ? ? ?", "0,30 8 1,15 * 1-5", "5/10 0 31 2 *", "60 0 * * *", "0 0 * * 7",
		"1-0 * * * *", "*-5 * * * *", "1,,2 * * * *", ", * * * *", "+5 0 * * *", "-5 0 * * *", "1/99999999999 * * * *", "CRON_TZ=Asia/Tokyo 0 6 * * *", "TZ=UTC",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ours, err := parse(text)
		if strings.Contains(text, "TZ=") {
			return // theirs panics on some of these
		}
		theirs, theirErr := keda().Parse(text)
		at := time.Unix(1700000000+rand.Int64N(1e8), 0).UTC()
		if theirErr == nil && theirs.Next(at).IsZero() {
			return // never comes
		}
		if (err == nil) != (theirErr == nil) {
			t.Fatalf("%q: %v, KEDA: %v", text, err, theirErr)
		}
		if err != nil {
			return
		}
		if got, want := ours.next(at, time.UTC).at, theirs.Next(at); !got.Equal(want) {
			t.Fatalf("%q after %s: %s, want %s", text, at, got, want)
		}
	})
}
