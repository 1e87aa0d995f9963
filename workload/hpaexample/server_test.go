package hpaexample

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"
)

func get(t *testing.T, s *Server, method, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, http.NoBody))
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, string(body)
}

func newServer(t *testing.T, s Settings) *Server {
	t.Helper()
	server, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func TestServer_answers_as_the_original(t *testing.T) {
	s := newServer(t, Settings{Workers: 1})
	tests := []struct {
		method, path string
		code         int
		body         string
	}{
		{"GET", "/", 200, "OK!"},
		{"GET", "/any/page?x=1", 200, "OK!"},
		{"GET", "/healthz", 200, "ok\n"},
		{"POST", "/", 405, "only GET is answered\n"},
	}
	for _, test := range tests {
		code, body := get(t, s, test.method, test.path)
		if code != test.code || body != test.body {
			t.Errorf("%s %s: %d %q, want %d %q", test.method, test.path, code, body, test.code, test.body)
		}
	}
}

func TestServer_burns_its_work_for_each_page_and_none_for_health(t *testing.T) {
	s := newServer(t, Settings{Work: 7 * time.Millisecond, Workers: 1})
	var burnt time.Duration
	s.burn = func(d time.Duration) error { burnt += d; return nil }
	for range 3 {
		get(t, s, "GET", "/")
	}
	get(t, s, "GET", "/healthz")
	if burnt != 21*time.Millisecond {
		t.Errorf("burnt %v, want 21ms", burnt)
	}
}

func TestServer_says_when_it_cannot_measure(t *testing.T) {
	s := newServer(t, Settings{Workers: 1})
	s.burn = func(time.Duration) error { return errors.New("no clock") }
	if code, body := get(t, s, "GET", "/"); code != 500 || body != "no clock\n" {
		t.Errorf("got %d %q", code, body)
	}
}

func TestServer_bounds_what_it_works_on_and_what_waits(t *testing.T) {
	s := newServer(t, Settings{Workers: 2, Queue: 1})
	working, finish := make(chan struct{}), make(chan struct{})
	s.burn = func(time.Duration) error { working <- struct{}{}; <-finish; return nil }
	codes := make(chan int, 3)
	ask := func() { code, _ := get(t, s, "GET", "/"); codes <- code }
	go ask()
	go ask()
	<-working
	<-working
	go ask() // waits: both workers are busy
	for len(s.places) < 3 {
		runtime.Gosched()
	}
	if code, _ := get(t, s, "GET", "/"); code != http.StatusServiceUnavailable {
		t.Errorf("a request beyond the queue got %d, want 503", code)
	}
	if code, _ := get(t, s, "GET", "/healthz"); code != http.StatusOK {
		t.Errorf("health behind a full queue got %d, want 200", code)
	}
	select {
	case <-working:
		t.Error("a third request was worked on beside the two workers")
	default:
	}
	close(finish)
	<-working
	for range 3 {
		if code := <-codes; code != http.StatusOK {
			t.Errorf("a request within the bounds got %d, want 200", code)
		}
	}
}

func TestServer_forgets_a_client_that_left_the_queue(t *testing.T) {
	s := newServer(t, Settings{Workers: 1, Queue: 1})
	s.workers <- struct{}{} // the one worker is busy
	ctx, leave := context.WithCancel(t.Context())
	leave()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/", http.NoBody))
	if len(s.places) != 0 || w.Body.Len() != 0 {
		t.Errorf("%d places are held, %d bytes written; want none", len(s.places), w.Body.Len())
	}
}

func TestNew_refuses_settings_without_meaning(t *testing.T) {
	for _, s := range []Settings{{Work: -1, Workers: 1}, {}, {Workers: 1, Queue: -1}} {
		if _, err := New(s); err == nil {
			t.Errorf("%+v was accepted", s)
		}
	}
}

func TestBurn_uses_the_cpu_time_it_is_given(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const work = 30 * time.Millisecond
	before, err := threadTime()
	if err != nil {
		t.Fatal(err)
	}
	if err := Burn(work); err != nil {
		t.Fatal(err)
	}
	after, err := threadTime()
	if err != nil {
		t.Fatal(err)
	}
	if used := after - before; used < work || used > work+5*time.Millisecond {
		t.Errorf("used %v of CPU, want %v and at most 5ms more", used, work)
	}
}

func BenchmarkBurn_20ms(b *testing.B) {
	for b.Loop() {
		if err := Burn(20 * time.Millisecond); err != nil {
			b.Fatal(err)
		}
	}
}
