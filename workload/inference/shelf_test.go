package inference

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// shelf is a queue in memory, with the promises of SQS that matter to a worker.
type shelf struct {
	mu      sync.Mutex // guards all below
	letters []*letter
	changed chan struct{}
	refuse  map[string]error // what an act fails with, by its name
	acts    []string
	poll    time.Duration
}

type letter struct {
	id, body string
	until    time.Time // hidden until then
	received int
	gone     bool
	buried   bool
}

func newShelf(bodies ...string) *shelf {
	s := &shelf{changed: make(chan struct{}), refuse: map[string]error{}, poll: LongestPoll}
	for i, body := range bodies {
		s.letters = append(s.letters, &letter{id: fmt.Sprint("m", i), body: body})
	}
	return s
}

func (s *shelf) deny(act string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse[act] = err
}

// act notes what was done and gives why it is refused. It needs mu.
func (s *shelf) act(name, what string) error {
	s.acts = append(s.acts, strings.TrimSpace(name+" "+what))
	return s.refuse[name]
}

func (s *shelf) Receive(ctx context.Context, hide time.Duration) (*Message, error) {
	deadline := time.Now().Add(s.poll)
	for {
		s.mu.Lock()
		if err := s.refuse["receive"]; err != nil {
			s.mu.Unlock()
			return nil, err
		}
		next := deadline
		for _, l := range s.letters {
			switch {
			case l.gone:
			case l.until.After(time.Now()):
				if l.until.Before(next) {
					next = l.until
				}
			default:
				l.received++
				l.until = time.Now().Add(hide)
				_ = s.act("receive", l.id+" for "+hide.String())
				s.mu.Unlock()
				return &Message{ID: l.id, Receipt: fmt.Sprint(l.id, "/", l.received), Body: l.body, Received: l.received}, nil
			}
		}
		changed := s.changed
		s.mu.Unlock()
		if !time.Now().Before(deadline) {
			return nil, nil
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// held gives the letter of a reception that is still the latest and hidden. It needs mu.
func (s *shelf) held(m Message) (*letter, error) {
	for _, l := range s.letters {
		if l.id == m.ID && !l.gone && fmt.Sprint(l.id, "/", l.received) == m.Receipt {
			return l, nil
		}
	}
	return nil, ErrNotHeld
}

func (s *shelf) Hide(_ context.Context, m Message, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.act("hide", m.ID+" for "+d.String()); err != nil {
		return err
	}
	l, err := s.held(m)
	if err != nil {
		return err
	}
	l.until = time.Now().Add(d)
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

func (s *shelf) Delete(_ context.Context, m Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.act("delete", m.ID); err != nil {
		return err
	}
	l, err := s.held(m)
	if err == nil {
		l.gone = true
	}
	return err
}

func (s *shelf) Bury(_ context.Context, m Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.act("bury", m.ID); err != nil {
		return err
	}
	l, err := s.held(m)
	if err == nil {
		l.gone, l.buried = true, true
	}
	return err
}

// done gives what was done to the shelf so far.
func (s *shelf) done() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.acts...)
}

// mind is a model that takes its time. It is an http.RoundTripper, since virtual time knows no sockets.
type mind struct {
	mu      sync.Mutex // guards all below
	takes   time.Duration
	away    bool
	status  int
	body    string
	answers int
}

func (m *mind) set(change func(*mind)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

func (m *mind) RoundTrip(r *http.Request) (*http.Response, error) {
	m.mu.Lock()
	takes, away, status, body := m.takes, m.away, m.status, m.body
	m.mu.Unlock()
	if away {
		return nil, io.EOF
	}
	w := httptest.NewRecorder()
	if r.URL.Path == "/health" {
		return w.Result(), nil
	}
	select {
	case <-time.After(takes):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	m.set(func(m *mind) { m.answers++ })
	if status != 0 {
		w.WriteHeader(status)
	}
	if body == "" {
		body = `{"choices":[{"message":{"content":"yes"},"finish_reason":"stop"}],"usage":{"completion_tokens":1}}`
	}
	_, _ = w.WriteString(body)
	return w.Result(), nil
}

func ask(text string) string {
	raw, _ := json.Marshal(map[string]string{"id": text, "prompt": text})
	return string(raw)
}

// crew is a worker at work.
type crew struct {
	*Worker
	t     *testing.T
	stop  context.CancelFunc
	ended chan struct{}
}

func work(t *testing.T, s Settings, q Queue, m *mind) *crew {
	t.Helper()
	w, err := New(s, q, &Model{Client: &http.Client{Transport: m}, Endpoint: "http://localhost:8000", Name: "qwen3-4b-fp8"}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	c := &crew{Worker: w, t: t, stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		w.Run(ctx)
	}()
	return c
}

// end tells the worker to end and says how long it took.
func (c *crew) end() time.Duration {
	from := time.Now()
	c.stop()
	<-c.ended
	return time.Since(from)
}

// page gives what a page of the worker says.
func (c *crew) page(path string) (int, string) {
	w := httptest.NewRecorder()
	c.Pages().ServeHTTP(w, httptest.NewRequestWithContext(c.t.Context(), http.MethodGet, path, http.NoBody))
	return w.Code, w.Body.String()
}
