package delivery

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/workload/inference"
)

// TestWorkers_lose_and_double_nothing_when_eight_of_ten_are_told_to_end is the scale-in of the walkthrough: prompts of
// 20 to 60 s, pods with 30 s to end, twenty times over.
func TestWorkers_lose_and_double_nothing_when_eight_of_ten_are_told_to_end(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("run ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newScene(t, seed)
				s.send(60, 20*time.Second, 60*time.Second)
				for range 10 {
					s.start(inference.Defaults())
				}
				// All have loaded their models by now and work; some are between two messages.
				time.Sleep(30*time.Second + time.Duration(s.random.Int64N(int64(time.Minute))))
				if _, busy := s.counts(); busy != "10" {
					t.Fatalf("%s pods are busy, want 10", busy)
				}
				for _, p := range s.pods[:8] {
					p.stop()
				}
				for i, p := range s.pods[:8] {
					<-p.ended
					if p.took > 29*time.Second {
						t.Errorf("pod %d took %v to end, and is killed after 30s", i, p.took)
					}
				}
				s.drain(time.Hour)
				s.end()
				if lost, doubled := s.check(); lost != 0 || doubled != 0 {
					t.Errorf("%d messages lost, %d answered twice", lost, doubled)
				}
				if s.count("lost")+s.count("answered_but_not_deleted")+s.count("not_answered") != 0 {
					t.Errorf("events %v", s.events)
				}
			})
		})
	}
}

// TestWorkers_lose_nothing_when_some_are_killed: what a killed worker held comes again after a visibility timeout.
func TestWorkers_lose_nothing_when_some_are_killed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, 1)
		s.send(40, 20*time.Second, 60*time.Second)
		for range 10 {
			s.start(inference.Defaults())
		}
		time.Sleep(40 * time.Second)
		before := s.received(t)
		for _, p := range s.pods[:5] {
			p.kill(errKilled)
			<-p.ended
		}
		if _, inFlight := s.counts(); inFlight != "10" {
			t.Errorf("%s messages are in flight, want 10: five are hidden although nobody works on them", inFlight)
		}
		s.drain(time.Hour)
		s.end()
		lost, doubled := s.check()
		redelivered := s.received(t) - len(s.answered)
		t.Logf("5 of 10 killed after %d receptions: %d messages redelivered, %d lost, %d answered twice", before, redelivered, lost, doubled)
		if lost != 0 || doubled != 0 || redelivered != 5 {
			t.Errorf("%d lost, %d doubled, %d redelivered; want 0, 0, 5", lost, doubled, redelivered)
		}
	})
}

// TestWorkers_answer_what_takes_longer_than_a_visibility_timeout once, since they hide it anew.
func TestWorkers_answer_what_takes_longer_than_a_visibility_timeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, 2)
		s.send(3, 3*time.Minute, 4*time.Minute)
		for range 5 { // more than there are messages: the idle ones would take what appears again
			s.start(inference.Defaults())
		}
		s.drain(10 * time.Minute)
		s.end()
		if lost, doubled := s.check(); lost != 0 || doubled != 0 || s.count("answered") != 3 {
			t.Errorf("%d lost, %d doubled, events %v", lost, doubled, s.events)
		}
	})
}

// TestWorkers_drain_fifty_messages is the walkthrough's drain: 50 messages, ten pods, short prompts.
func TestWorkers_drain_fifty_messages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, 3)
		s.send(50, time.Second, 3*time.Second)
		for range 10 {
			s.start(inference.Defaults())
		}
		from := time.Now()
		s.drain(5 * time.Minute)
		if took := time.Since(from); took > 40*time.Second {
			t.Errorf("drained in %v, want less than 40s: 8s to load and some answers each", took)
		}
		s.end()
		for _, p := range s.pods {
			if p.took > 2*time.Second {
				t.Errorf("an idle pod took %v to end, want a second", p.took)
			}
		}
		if lost, doubled := s.check(); lost != 0 || doubled != 0 {
			t.Errorf("%d lost, %d doubled", lost, doubled)
		}
	})
}
