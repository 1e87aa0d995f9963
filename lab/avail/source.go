package avail

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/furl-dev/furl/lab/route/loopback"
)

const (
	// target is what one replica of a ScaledObject should have.
	target = 5
	// most is the largest size that the source asks for; few pods are made anew with each change.
	most = 6
	// step is how long a value stays, give or take half of it.
	step = 3 * time.Second
)

// value is what was told of a workload at an instant.
type value struct {
	at    time.Time
	right int32 // the size for it
}

// source tells how much work there is for each of some workloads, which is another amount every few seconds.
type source struct {
	url    string // a workload's name comes after it
	server *http.Server
	random *rand.Rand // of move

	mu   sync.Mutex // guards what follows
	now  map[string]int32
	told map[string][]value // in order of time
}

func newSource(ctx context.Context, objects int, seed uint64) (*source, error) {
	l, err := loopback.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen as the source of metrics-api triggers: %w", err)
	}
	s := &source{
		url: "http://" + l.Addr().String() + "/", now: map[string]int32{}, told: map[string][]value{},
		random: rand.New(rand.NewPCG(seed, 2)), //nolint:gosec // how much work there is is no secret
	}
	for i := range objects {
		s.now[objectName(i)] = 1
	}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(l) }() // ends at close
	return s, nil
}

func (s *source) close() error { return s.server.Close() }

// ServeHTTP answers {"value":N}.
func (s *source) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	of := strings.TrimPrefix(r.URL.Path, "/")
	s.mu.Lock()
	defer s.mu.Unlock()
	right := s.now[of]
	s.told[of] = append(s.told[of], value{time.Now(), right})
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"value":%d}`, right*target) // who hung up asks again
}

// move changes one value after the other until ctx ends, each to another one.
func (s *source) move(ctx context.Context) {
	pause := func(d time.Duration) error { return pause(ctx, d) }
	for i := 0; len(s.now) > 0; i++ {
		each := step / time.Duration(len(s.now))
		if pause(each/2+time.Duration(s.random.Int64N(int64(each)))) != nil {
			return
		}
		s.change(objectName(i % len(s.now)))
	}
}

func (s *source) change(of string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now[of] = (s.now[of]-1+1+s.random.Int32N(most-1))%most + 1
}

// want is the right size now.
func (s *source) want(of string) int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now[of]
}

// since are the sizes that were right for what was told of a workload between two instants.
func (s *source) since(of string, from, to time.Time) []int32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []int32
	for _, v := range s.told[of] {
		if !v.at.Before(from) && v.at.Before(to) {
			all = append(all, v.right)
		}
	}
	return all
}

// forget drops what was told before an instant.
func (s *source) forget(before time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for of, all := range s.told {
		i := 0
		for i < len(all) && all[i].at.Before(before) {
			i++
		}
		s.told[of] = append([]value(nil), all[i:]...)
	}
}
