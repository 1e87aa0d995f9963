package bench

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/furl-dev/furl/lab/route/loopback"
)

// Source is a service that tells how much work there is for each of many workloads, as metrics-api triggers ask for it.
type Source struct {
	URL    string // a workload's name comes after it
	server *http.Server

	mu       sync.Mutex // guards what follows
	values   map[string]int
	answered map[string]time.Time // when a workload's present value was first told
	asked    map[string]int       // answers by workload since the last forget
	complete [2]time.Time         // when as many were asked for as are awaited: those with work, and all
	awaited  [2]int
	reads    [2]int // answers of zero, and of more
}

// NewSource serves on a free port of this machine.
func NewSource(ctx context.Context) (*Source, error) {
	l, err := loopback.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen as the source of metrics-api triggers: %w", err)
	}
	s := &Source{URL: "http://" + l.Addr().String() + "/", values: map[string]int{}}
	s.forget(0)
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(l) }() // ends at Close
	return s, nil
}

// Close ends it.
func (s *Source) Close() error { return s.server.Close() }

// ServeHTTP answers {"value":N}.
func (s *Source) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	of := strings.TrimPrefix(r.URL.Path, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.values[of]
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"value":%d}`, v) // who hung up asks again
	s.reads[min(v, 1)]++
	now := time.Now()
	if s.answered[of].IsZero() {
		s.answered[of] = now
	}
	if s.asked[of]++; s.asked[of] > 1 {
		return
	}
	if v > 0 {
		s.count(working, now)
	}
	s.count(everybody, now)
}

// Whose first reads are awaited.
const (
	working = iota
	everybody
)

// count notes that one more was asked for, and when it is the last.
func (s *Source) count(of int, now time.Time) {
	if s.awaited[of]--; s.awaited[of] == 0 {
		s.complete[of] = now
	}
}

// set gives a workload another value.
func (s *Source) set(of string, value int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[of] = value
	delete(s.answered, of)
}

// told is when the present value of a workload was first told; zero for not yet.
func (s *Source) told(of string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answered[of]
}

// forget begins to count anew who was asked for, until all that are awaited were.
func (s *Source) forget(awaited int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.answered, s.complete, s.awaited = map[string]int{}, map[string]time.Time{}, [2]time.Time{}, [2]int{0, awaited}
	for _, v := range s.values {
		if v > 0 {
			s.awaited[working]++
		}
	}
}

// allAsked is when the last of those with work, and the last of all awaited, was asked for the first time; zero for not yet.
func (s *Source) allAsked() (busy, all time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.complete[working], s.complete[everybody]
}

// answers is how often zero was told so far, and how often more.
func (s *Source) answers() (idle, active int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads[0], s.reads[1]
}
