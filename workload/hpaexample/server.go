// Package hpaexample is the web server of the walkthrough: every answer costs a known amount of CPU.
//
// It stands for registry.k8s.io/hpa-example, whose page takes a million square roots before it says "OK!". How long
// that takes depends on the machine; here the cost is a setting, so that a walkthrough gives the same counts everywhere.
package hpaexample

import (
	"fmt"
	"net/http"
	"time"
)

// Settings of a server. The zero value is not useful; Defaults is.
type Settings struct {
	Work    time.Duration // CPU time of one answer, as its thread's clock counts it; zero answers at once
	Workers int           // answers worked on at the same time, as Apache's MaxRequestWorkers
	Queue   int           // requests that may wait for a worker, as Apache's ListenBacklog; more are refused with 503
}

// Defaults behave as the original image does: php on Apache's prefork workers takes about 20 ms for its million roots.
func Defaults() Settings {
	return Settings{Work: 20 * time.Millisecond, Workers: 16, Queue: 511}
}

// Server answers every GET with "OK!" after its work, and /healthz at once.
type Server struct {
	burn    func(time.Duration) error
	work    time.Duration
	workers chan struct{} // a place for each answer that is worked on
	places  chan struct{} // a place for each request that is worked on or waits
}

// New checks the settings and gives a handler.
func New(s Settings) (*Server, error) {
	switch {
	case s.Work < 0:
		return nil, fmt.Errorf("work of one answer is %v: give zero or more", s.Work)
	case s.Workers < 1:
		return nil, fmt.Errorf("number of workers is %d: give at least 1", s.Workers)
	case s.Queue < 0:
		return nil, fmt.Errorf("length of the queue is %d: give zero or more", s.Queue)
	}
	return &Server{
		burn:    Burn,
		work:    s.Work,
		workers: make(chan struct{}, s.Workers),
		places:  make(chan struct{}, s.Workers+s.Queue),
	}, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET is answered", http.StatusMethodNotAllowed)
	case r.URL.Path == "/healthz":
		answer(w, "ok\n")
	default:
		s.page(w, r)
	}
}

func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "the queue is full", http.StatusServiceUnavailable)
		return
	}
	select {
	case s.workers <- struct{}{}:
		defer func() { <-s.workers }()
	case <-r.Context().Done(): // the client went away while it waited
		return
	}
	if err := s.burn(s.work); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, "OK!")
}

func answer(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(body)) // a client that went away needs no answer
}
