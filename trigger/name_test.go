package trigger_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/furl-dev/furl/trigger"
	"pgregory.net/rapid"
)

func TestMetricName_keeps_what_an_external_scaler_calls_its_metric(t *testing.T) {
	if got := trigger.MetricName(3, "orders.open"); got != "s3-orders.open" {
		t.Errorf("got %q", got)
	}
}

func TestNormalize(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"cron-Etc/UTC-00xxThu", "cron-Etc-UTC-00xxThu"},
		{"http://a.b:1/(c)%d", "http---a-b-1--c--d"},
		{"already-fine_1", "already-fine_1"},
	} {
		if got := trigger.Normalize(tc.in); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestNormalize_leaves_nothing_to_replace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		n := trigger.Normalize(s)
		if trigger.Normalize(n) != n || strings.ContainsAny(n, "/.:%()") || utf8.RuneCountInString(n) != utf8.RuneCountInString(s) {
			t.Fatalf("%q became %q", s, n)
		}
	})
}

func TestNearest_finds_a_name_with_one_letter_wrong(t *testing.T) {
	names := []string{"queueURL", "activationQueueLength", "awsRegion", "scaleOnDelayed"}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom(names).Draw(t, "name")
		at := rapid.IntRange(0, len(name)-1).Draw(t, "at")
		typed := map[string]string{
			"left out":    name[:at] + name[at+1:],
			"doubled":     name[:at] + name[at:at+1] + name[at:],
			"replaced":    name[:at] + "#" + name[at+1:],
			"in capitals": strings.ToUpper(name),
		}
		for how, word := range typed {
			if got := trigger.Nearest(word, names); got != name {
				t.Fatalf("%s, %s: got %q", name, how, got)
			}
		}
	})
	for _, word := range []string{"", "x", "serverAddress", strings.Repeat("queueURL", 100)} {
		if got := trigger.Nearest(word, names); got != "" {
			t.Errorf("%q is taken for %s", word, got)
		}
	}
}

func TestRetryAfter_is_found_inside(t *testing.T) {
	inner := errors.New("busy")
	err := fmt.Errorf("read: %w", &trigger.Throttled{After: time.Minute, Err: inner})
	if d, ok := trigger.RetryAfter(err); d != time.Minute || !ok || !errors.Is(err, inner) {
		t.Errorf("got %s, %v", d, ok)
	}
	if _, ok := trigger.RetryAfter(inner); ok {
		t.Error("an error that asks for nothing was found to")
	}
}
