package inference

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWorker_hides_a_message_as_long_as_it_works_on_it(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, m := newShelf(ask("long")), &mind{takes: 70 * time.Second}
		c := work(t, Defaults(), q, m)
		time.Sleep(75 * time.Second)
		want := []string{"receive m0 for 1m0s", "hide m0 for 1m0s", "hide m0 for 1m0s", "hide m0 for 1m0s", "delete m0"}
		if diff := cmp.Diff(want, q.done()); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if _, text := c.page("/metrics"); !strings.Contains(text, "inference_answered_total 1\n") || !strings.Contains(text, "inference_in_flight 0\n") {
			t.Errorf("metrics:\n%s", text)
		}
		if took := c.end(); took > 2*time.Second {
			t.Errorf("an idle worker took %v to end", took)
		}
	})
}

func TestWorker_finishes_within_the_grace_and_gives_the_rest_back(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Defaults()
		s.Slots = 2
		q, m := newShelf(ask("a"), ask("b"), ask("c")), &mind{takes: 20 * time.Second}
		c := work(t, s, q, m)
		time.Sleep(5 * time.Second)
		m.set(func(m *mind) { m.takes = time.Hour })
		if _, text := c.page("/metrics"); !strings.Contains(text, "inference_in_flight 2\n") {
			t.Errorf("metrics:\n%s", text)
		}
		if took := c.end(); took != 15*time.Second {
			t.Errorf("took %v, want the 15s that the two had left", took)
		}
		c = work(t, s, q, m)
		time.Sleep(time.Second)
		if took := c.end(); took != 25*time.Second {
			t.Errorf("took %v, want the grace", took)
		}
		acts := q.done()
		if last := acts[len(acts)-1]; last != "hide m2 for 0s" {
			t.Errorf("did %q last, want the message given back", last)
		}
	})
}

func TestWorker_gives_back_what_was_on_its_way_when_it_was_told_to_end(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, m := newShelf(ask("late")), &mind{takes: time.Second}
		q.letters[0].until = time.Now().Add(5500 * time.Millisecond)
		c := work(t, Defaults(), q, m)
		time.Sleep(5 * time.Second)
		if took := c.end(); took != 500*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if diff := cmp.Diff([]string{"receive m0 for 1m0s", "hide m0 for 0s"}, q.done()); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

func TestWorker_leaves_a_message_to_come_again_that_could_not_be_answered(t *testing.T) {
	for _, test := range []struct {
		why, body string
		mind      *mind
		last      string
	}{
		{"the model says no", ask("x"), &mind{status: http.StatusBadRequest, body: "too long"}, "hide m0 for 10s"},
		{"an answer without words", ask("x"), &mind{body: `{"choices":[{"message":{}}]}`}, "hide m0 for 10s"},
		{"garbage from the model", ask("x"), &mind{body: `<html>`}, "hide m0 for 10s"},
		{"no JSON in the message", "hello", &mind{}, "hide m0 for 10s"},
		{"no prompt in the message", "{}", &mind{}, "hide m0 for 10s"},
		{"no answer in time", ask("x"), &mind{takes: time.Hour}, "hide m0 for 10s"},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := Defaults()
				s.PromptTimeout = 5 * time.Second
				q := newShelf(test.body)
				c := work(t, s, q, test.mind)
				time.Sleep(6 * time.Second)
				acts := q.done()
				if acts[len(acts)-1] != test.last {
					t.Errorf("did %q", acts)
				}
				if _, text := c.page("/metrics"); !strings.Contains(text, "inference_failed_total 1\n") {
					t.Errorf("metrics:\n%s", text)
				}
				c.end()
			})
		})
	}
}

func TestWorker_buries_what_was_received_too_often(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Defaults()
		s.MaxReceives = 2
		q := newShelf("poison")
		c := work(t, s, q, &mind{})
		time.Sleep(time.Minute)
		want := []string{"receive m0 for 1m0s", "hide m0 for 10s", "receive m0 for 1m0s", "hide m0 for 20s", "receive m0 for 1m0s", "bury m0"}
		if diff := cmp.Diff(want, q.done()); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		c.end()
	})
}

func TestWorker_gives_back_at_once_when_the_model_goes_away_and_waits_for_it(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, m := newShelf(ask("x")), &mind{takes: time.Second}
		c := work(t, Defaults(), q, m)
		m.set(func(m *mind) { m.status, m.body = http.StatusServiceUnavailable, "loading" })
		time.Sleep(500 * time.Millisecond)
		m.set(func(m *mind) { m.away = true }) // the answer that is under way is a 503
		time.Sleep(time.Minute)
		if diff := cmp.Diff([]string{"receive m0 for 1m0s", "hide m0 for 0s"}, q.done()); diff != "" {
			t.Errorf("while it is away: -want +got\n%s", diff)
		}
		if status, _ := c.page("/readyz"); status != http.StatusServiceUnavailable {
			t.Errorf("ready without a model: %d", status)
		}
		m.set(func(m *mind) { m.away, m.status, m.body = false, 0, "" })
		time.Sleep(4 * time.Second)
		if acts := q.done(); acts[len(acts)-1] != "delete m0" {
			t.Errorf("back again: did %q", acts)
		}
		if status, _ := c.page("/readyz"); status != http.StatusOK {
			t.Errorf("not ready with a model: %d", status)
		}
		c.end()
	})
}

func TestWorker_drops_a_message_that_somebody_else_may_have(t *testing.T) {
	for _, test := range []struct {
		why   string
		err   error
		after time.Duration
	}{
		{"the queue says so", ErrNotHeld, 20 * time.Second},
		{"it cannot be hidden any longer", errors.New("connection refused"), 55 * time.Second}, // of 60, to be on the safe side
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, m := newShelf(ask("x")), &mind{takes: time.Hour}
				q.deny("hide", test.err)
				s := Defaults()
				s.PromptTimeout = 2 * time.Hour
				c := work(t, s, q, m)
				time.Sleep(test.after - time.Second)
				if _, text := c.page("/metrics"); !strings.Contains(text, "inference_in_flight 1\n") {
					t.Errorf("dropped too soon:\n%s", text)
				}
				q.deny("receive", errors.New("no more"))
				time.Sleep(2 * time.Second)
				_, text := c.page("/metrics")
				if !strings.Contains(text, "inference_in_flight 0\n") || !strings.Contains(text, "inference_lost_total 1\n") {
					t.Errorf("not dropped:\n%s", text)
				}
				for _, act := range q.done() {
					if strings.HasPrefix(act, "delete") || act == "hide m0 for 0s" {
						t.Errorf("did %q", q.done())
					}
				}
				c.end()
			})
		})
	}
}

func TestWorker_that_may_not_change_visibilities_hides_for_a_whole_prompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, m := newShelf(ask("a"), ask("b")), &mind{takes: 30 * time.Second}
		q.deny("hide", ErrDenied)
		c := work(t, Defaults(), q, m)
		time.Sleep(65 * time.Second)
		want := []string{"receive m0 for 1m0s", "hide m0 for 1m0s", "delete m0", "receive m1 for 5m5s", "delete m1"}
		if diff := cmp.Diff(want, q.done()); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		c.end()
	})
}

func TestWorker_tries_to_delete_as_long_as_the_message_is_its_own(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, m := newShelf(ask("x")), &mind{takes: time.Second}
		q.deny("delete", errors.New("connection refused"))
		c := work(t, Defaults(), q, m)
		time.Sleep(20 * time.Second)
		q.deny("delete", nil)
		took := c.end()
		if acts := q.done(); acts[len(acts)-1] != "delete m0" || !q.letters[0].gone || q.letters[0].received != 1 || took > 2*time.Second {
			t.Errorf("%v: did %d things, %q last", took, len(acts), acts[len(acts)-1])
		}
	})
}

func TestWorker_backs_off_from_a_queue_that_fails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, m := newShelf(ask("x")), &mind{}
		q.deny("receive", errors.New("no such host"))
		c := work(t, Defaults(), q, m)
		time.Sleep(10 * time.Second)
		q.deny("receive", nil)
		time.Sleep(30 * time.Second)
		c.end()
		if !q.letters[0].gone {
			t.Errorf("did %q", q.done())
		}
	})
}

func TestWorker_says_drained_when_it_has_ended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, m := newShelf(ask("x")), &mind{takes: 10 * time.Second}
		c := work(t, Defaults(), q, m)
		time.Sleep(time.Second)
		type answer struct {
			status int
			after  time.Duration
		}
		drained := make(chan answer, 1)
		from := time.Now()
		go func() {
			status, _ := c.page("/drained")
			drained <- answer{status, time.Since(from)}
		}()
		c.end()
		if diff := cmp.Diff(answer{http.StatusOK, 9 * time.Second}, <-drained, cmp.AllowUnexported(answer{})); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if status, _ := c.page("/healthz"); status != http.StatusOK {
			t.Errorf("healthz: %d", status)
		}
	})
}

func TestSettings_Check_names_what_is_wrong(t *testing.T) {
	if err := Defaults().Check(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	bad := Settings{Slots: 0, Visibility: 13 * time.Hour, PromptTimeout: -1, Grace: -1, Settle: -1, RetryDelay: -1, MaxReceives: -1}
	err := bad.Check()
	for _, word := range []string{"concurrency", "visibility", "prompt timeout", "grace", "settle", "retry delay", "receive limit"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not name the %s", err, word)
		}
	}
}

func TestReadCompletion_takes_what_a_model_thought_where_it_said_nothing(t *testing.T) {
	for body, want := range map[string]string{
		`{"choices":[{"message":{"content":"said","reasoning_content":"thought"}}]}`: "said",
		`{"choices":[{"message":{"content":null,"reasoning_content":"thought"}}]}`:   "thought",
		`{"choices":[{"message":{"reasoning":"newer thought"}}]}`:                    "newer thought",
	} {
		if got, err := readCompletion([]byte(body)); err != nil || got.text != want {
			t.Errorf("%s gave %q, %v", body, got.text, err)
		}
	}
	if _, err := readCompletion([]byte(`{"choices":[]}`)); err == nil {
		t.Error("no choices are an answer")
	}
}
