// Package ending makes Close of a source end the Read that is under way.
package ending

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/furl-dev/furl/trigger"
)

// ErrClosed is what a Read says whose source is closed.
var ErrClosed = errors.New("the source is closed")

// source is another, whose reads end with it.
type source struct {
	trigger.Source
	timeout time.Duration

	mu     sync.Mutex // guards the fields below
	closed bool
	cancel context.CancelCauseFunc // of the read under way, else nil
}

// Wrap returns a source whose Read ends, with [ErrClosed], when it is closed. A
// timeout above zero is how long a read may take, for whoever bounds it.
func Wrap(s trigger.Source, timeout time.Duration) trigger.Source {
	return &source{Source: s, timeout: timeout}
}

// Timeout is what the trigger's user allows a read; zero where nothing is said.
func (s *source) Timeout() time.Duration { return s.timeout }

// Read reads once.
func (s *source) Read(ctx context.Context) (trigger.Sample, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !s.begin(cancel) {
		return trigger.Sample{}, ErrClosed
	}
	defer s.begin(nil)
	sample, err := s.Source.Read(ctx)
	if err != nil && errors.Is(context.Cause(ctx), ErrClosed) {
		err = ErrClosed
	}
	return sample, err
}

// begin notes what ends the read under way; nil where none is.
func (s *source) begin(cancel context.CancelCauseFunc) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancel = cancel
	return !s.closed
}

// Close ends the read under way and closes the source, the first time.
func (s *source) Close() error {
	if !s.end() {
		return nil
	}
	return s.Source.Close()
}

func (s *source) end() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		s.cancel(ErrClosed)
	}
	first := !s.closed
	s.closed = true
	return first
}
