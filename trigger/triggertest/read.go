package triggertest

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
)

// patience bounds a read that is not meant to hang.
const patience = 20 * time.Second

// reads checks the value, and that it does not depend on the target: sources
// are shared between users who want different ones.
func (s Suite) reads(t *testing.T, w *watch) {
	url := s.good(t)
	s.gives(t, w, s.Input(url))
	for _, f := range s.Kind.Fields {
		if f.Role != "target" || f.Type == "string" {
			continue
		}
		in := s.input(url)
		give(in, f, "12345")
		mine, err := s.Kind.Decode(s.Input(url))
		if err != nil {
			t.Fatal(err)
		}
		other, err := s.Kind.Decode(in)
		if err != nil {
			t.Fatalf("with %s 12345: %v", f.Name, err)
		}
		if mine.Key == other.Key {
			s.gives(t, w, in)
		}
	}
}

// gives reads twice and compares.
func (s Suite) gives(t *testing.T, w *watch, in trigger.Input) {
	t.Helper()
	c, err := s.Kind.Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	source, err := s.openConfig(t.Context(), t, w, c)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		sample, err := source.Read(ctx)
		cancel()
		w.note(err)
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		if sample.Value != s.Want || sample.At.IsZero() {
			t.Errorf("read %v at %v, want %v at an instant", sample.Value, sample.At, s.Want)
		}
	}
}

// good is the address of a server that answers; nobody's where none is asked.
func (s Suite) good(t *testing.T) string {
	t.Helper()
	switch {
	case s.Start != nil:
		return s.Start(t)
	case s.Good != nil:
		server := httptest.NewServer(s.Good)
		t.Cleanup(server.Close)
		return server.URL
	}
	return nowhere
}

// fails opens and reads, and wants one of them to give an error.
func (s Suite) fails(t *testing.T, w *watch, url string) error {
	t.Helper()
	source, err := s.open(t.Context(), t, w, url)
	if err == nil {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err = source.Read(ctx)
	}
	w.note(err)
	if err == nil {
		t.Error("got a sample, want an error")
	}
	return err
}

const (
	// prompt is how soon a read returns once its context has ended.
	prompt = 100 * time.Millisecond
	// tries is how often a busy machine may be late.
	tries = 5
)

// cancels reads from a server that hangs, and ends the read's context.
// arrived is told of each question that came in.
func (s Suite) cancels(t *testing.T, w *watch, url string, arrived <-chan struct{}) {
	for range tries {
		if s.returnsPromptly(t, w, url, arrived) {
			return
		}
		if t.Failed() {
			return
		}
	}
	t.Errorf("a read took longer than %s to return after its context had ended, %d times", prompt, tries)
}

func (s Suite) returnsPromptly(t *testing.T, w *watch, url string, arrived <-chan struct{}) bool {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { // ends with ctx, or the test fails below
		source, err := s.open(ctx, t, w, url)
		if err == nil {
			_, err = source.Read(ctx)
		}
		ended <- err
	}()
	soon, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	select {
	case <-arrived:
	case err := <-ended:
		t.Errorf("the read returned %v before the server had anything to say", err)
		return true
	case <-soon.Done():
		t.Error("no question reached the server")
	}
	cancel()
	return s.endsSoon(t, w, ended)
}

func (s Suite) endsSoon(t *testing.T, w *watch, ended <-chan error) bool {
	soon, stop := context.WithTimeout(t.Context(), prompt)
	defer stop()
	select {
	case err := <-ended:
		w.note(err)
		if err == nil {
			t.Error("got a sample from a server that hangs")
		}
		return true
	case <-soon.Done():
	}
	late, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	select {
	case err := <-ended:
		w.note(err)
	case <-late.Done():
		t.Errorf("a read did not return within %s after its context had ended", patience)
	}
	return false
}
