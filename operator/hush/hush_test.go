package hush_test

import (
	"testing"
	"time"

	"github.com/furl-dev/furl/operator/hush"
)

func TestLog_lets_the_same_be_said_once_a_minute(t *testing.T) {
	begin := time.Unix(1_800_000_000, 0)
	topic := hush.Topic{Reason: "KEDAScalerFailed", Signal: "s0-queue"}
	var l hush.Log
	for _, c := range []struct {
		why     string
		after   time.Duration
		topic   hush.Topic
		message string
		forget  bool
		want    bool
	}{
		{"the first", 0, topic, "refused", false, true},
		{"the same", 59 * time.Second, topic, "refused", false, false},
		{"the same, after a minute", time.Minute, topic, "refused", false, true},
		{"other words, too soon", 70 * time.Second, topic, "timeout", false, false},
		{"other words", 75 * time.Second, topic, "timeout", false, true},
		{"another signal", 76 * time.Second, hush.Topic{Reason: topic.Reason, Signal: "s1-queue"}, "timeout", false, true},
		{"the same, after it had ended", 77 * time.Second, topic, "timeout", true, true},
	} {
		if c.forget {
			l.Forget(c.topic)
		}
		if got := l.MaySay(c.topic, c.message, begin.Add(c.after)); got != c.want {
			t.Errorf("%s: %v, want %v", c.why, got, c.want)
		}
	}
}
