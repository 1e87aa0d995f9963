// Package triggertest holds a trigger to what every trigger promises, against
// servers that answer, fail, flood, hang, lie and send elsewhere.
package triggertest

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"runtime/pprof"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/evidence"
)

// Suite says what is special about one trigger; [Run] does the rest.
type Suite struct {
	Kind trigger.Kind
	// Input gives sound settings, with every setting that is required, for a
	// server at a URL (http://127.0.0.1:1234), or for what Start returns.
	Input func(url string) trigger.Input
	// Good answers as the real server does. A source that asks over something
	// else than HTTP has Start instead; one that asks nobody has neither.
	Good http.Handler
	// Start runs a good server of another protocol until the test ends, and
	// gives its address. Servers that hang or talk garbage are then tried at
	// addresses made by Address from HOST:PORT.
	Start   func(t *testing.T) string
	Address func(hostport string) string
	// Want is the value that Good gives.
	Want float64
	// Evidence says how near the good server is to the real one. It counts
	// once the suite has passed.
	Evidence evidence.Level
	// Secrets stand in the settings of Input and may be in no error, no log
	// line, and no request to another host than the one that was asked.
	Secrets []string
	// Bad has settings that are refused beyond those that follow from the
	// tags: values of the metadata to set, or to remove where empty.
	Bad []Bad
	// Cluster is for sources that ask one.
	Cluster trigger.Cluster
	// Now is the instant at which all happens; zero is [Noon].
	Now time.Time
}

// Bad is a change of the metadata that makes it unsound.
type Bad struct {
	Why    string
	Change map[string]string
	// Says is what the error has to name, such as the setting.
	Says string
}

// Noon is when suites happen that name no instant.
func Noon() time.Time { return time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC) }

// Run runs all that applies to the trigger.
func Run(t *testing.T, s Suite) {
	t.Helper()
	if s.Now.IsZero() {
		s.Now = Noon()
	}
	w := &watch{}
	// The label is inherited by every goroutine that starts below.
	pprof.Do(t.Context(), pprof.Labels(label, t.Name()), func(context.Context) { s.all(t, w) }) //nolint:contextcheck // each test has its own
	w.search(t, s.Secrets)
	noGoroutineLeft(t)
	if s.Evidence != "" && !t.Failed() {
		Evidence(t, s.Kind.Name, s.Evidence)
	}
}

func (s Suite) all(t *testing.T, w *watch) {
	t.Run("settings", func(t *testing.T) { s.settings(t, w) })
	if s.Kind.Resource {
		return
	}
	t.Run("reads", func(t *testing.T) { s.reads(t, w) })
	switch {
	case s.Good != nil:
		t.Run("http", func(t *testing.T) { s.overHTTP(t, w) })
	case s.Start != nil:
		t.Run("network", func(t *testing.T) { s.overNetwork(t, w) })
	}
}

// open opens a source for a server; it is closed, twice, when the test ends.
func (s Suite) open(ctx context.Context, t *testing.T, w *watch, url string) (trigger.Source, error) {
	t.Helper()
	c, err := s.Kind.Decode(s.Input(url))
	if err != nil {
		return nil, err
	}
	return s.openConfig(ctx, t, w, c)
}

func (s Suite) openConfig(ctx context.Context, t *testing.T, w *watch, c trigger.Config) (trigger.Source, error) {
	t.Helper()
	transport := &http.Transport{}
	source, err := c.Open(ctx, trigger.Env{
		HTTP: &http.Client{Transport: transport}, Log: slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Now: func() time.Time { return s.Now }, Cluster: s.Cluster,
	})
	if err != nil {
		w.note(err)
		transport.CloseIdleConnections()
		return nil, err
	}
	t.Cleanup(func() {
		for range 2 {
			if err := source.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
		transport.CloseIdleConnections()
	})
	return source, nil
}

// watch keeps what a source said: in its log, and in its errors.
type watch struct {
	mu   sync.Mutex // guards said
	said bytes.Buffer
}

// Write takes a log line.
func (w *watch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said.Write(p)
}

func (w *watch) note(err error) {
	if err != nil {
		_, _ = w.Write([]byte(err.Error() + "\n")) // a buffer
	}
}

func (w *watch) search(t *testing.T, secrets []string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for line := range bytes.Lines(w.said.Bytes()) {
		if form := leak(string(line), secrets); form != "" {
			t.Errorf("an error or log line has the secret %s: %s", form, line)
		}
	}
}
