package triggertest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/triggertest"
	"github.com/furl-dev/furl/trigger/web"
)

// broken is the gauge with one promise not kept.
type broken struct {
	*source
	how string
	env trigger.Env
	end chan struct{}
}

func (b *broken) Read(ctx context.Context) (trigger.Sample, error) {
	switch b.how {
	case "follows a stranger":
		return b.careless(ctx, 1<<20)
	case "takes any size":
		return b.careless(ctx, 1<<40)
	}
	s, err := b.source.Read(ctx)
	switch b.how {
	case "returns late":
		<-time.After(200 * time.Millisecond)
	case "quotes its token":
		if err != nil {
			err = fmt.Errorf("with token %s: %w", b.Token, err)
		}
	case "logs its token":
		b.env.Log.WarnContext(ctx, "read", "token", b.Token)
	case "forgets when to come back":
		if err != nil {
			err = errors.New(err.Error())
		}
	case "takes nothing for zero":
		err = nil
	case "shapes by its target":
		s.Value = min(s.Value, b.Target*8)
	}
	return s, err
}

func (b *broken) Close() error {
	if b.how == "closes once" {
		close(b.end)
	}
	return nil
}

// careless asks as http.Client does by itself.
func (b *broken) careless(ctx context.Context, size int64) (trigger.Sample, error) {
	r, err := web.Request(ctx, http.MethodGet, b.URL, http.NoBody)
	if err != nil {
		return trigger.Sample{}, err
	}
	r.Header.Set("X-Token", b.Token)
	answer, err := b.env.HTTP.Do(r)
	if err != nil {
		return trigger.Sample{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, size))
	n, errNumber := strconv.ParseFloat(strings.TrimSpace(string(body)), 64)
	if err != nil || errNumber != nil || answer.StatusCode != http.StatusOK {
		return trigger.Sample{}, errors.New("no number")
	}
	return trigger.Sample{At: b.now(), Value: n}, nil
}

// ways lists what may be broken, and what the suite says of it.
func ways() map[string]string {
	return map[string]string{
		"follows a stranger":        "a stranger was sent the secret",
		"takes any size":            "of an answer that does not end",
		"returns late":              "took longer than 100ms",
		"quotes its token":          "has the secret",
		"logs its token":            "has the secret",
		"forgets when to come back": "RetryAfter",
		"takes nothing for zero":    "got a sample, want an error",
		"shapes by its target":      "want 42",
		"leaves a goroutine":        "goroutines are left",
		"closes once":               "close of closed channel",
	}
}

// TestRun_finds_a_promise_that_is_not_kept runs suites that have to fail, each
// in a process of its own.
func TestRun_finds_a_promise_that_is_not_kept(t *testing.T) {
	for how, says := range ways() {
		t.Run(how, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBroken$")
			cmd.Env = append(os.Environ(), "TRIGGERTEST_BROKEN="+how)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), says) {
				t.Errorf("a source that %s: %v, want a failure that says %q:\n%s", how, err, says, out)
			}
		})
	}
}

// TestBroken is the suite of the other process.
func TestBroken(t *testing.T) {
	how := os.Getenv("TRIGGERTEST_BROKEN")
	if how == "" {
		return // not that process: TestRun_finds_a_promise_that_is_not_kept starts it
	}
	k := trigger.Define("broken", "Breaks a promise.", func(ctx context.Context, g gauge, e trigger.Env) (trigger.Source, error) {
		if how == "leaves a goroutine" {
			go func() { select {} }()
		}
		s := &source{g, web.New(e.HTTP, e.Now), e.Now}
		return &broken{s, how, e, make(chan struct{})}, ctx.Err()
	})
	triggertest.Run(t, triggertest.Suite{Kind: k, Input: settings, Want: 42, Secrets: []string{token}, Good: guarded()})
}
