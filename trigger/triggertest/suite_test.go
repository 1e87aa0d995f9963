package triggertest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/triggertest"
	"github.com/furl-dev/furl/trigger/web"
)

// gauge is a trigger as small as one can be: it reads a number from a URL.
type gauge struct {
	URL    string        `cfg:"url,from=meta;env" doc:"where the number is"`
	Target float64       `cfg:"target,default=5,role=target" doc:"the number for one replica"`
	Kind   string        `cfg:"kind,enum=a;b,default=a" doc:"a choice"`
	Every  time.Duration `cfg:"every,optional" doc:"a span"`
	Old    string        `cfg:"old,deprecated=write url" doc:"formerly the URL"`
	Token  string        `cfg:"token,from=auth,secret" doc:"token of the server"`
}

func (g gauge) Validate() error {
	if g.URL == "http://" {
		return fmt.Errorf("url %q: want a host", g.URL)
	}
	return nil
}

type source struct {
	gauge
	client web.Client
	now    func() time.Time
}

func open(ctx context.Context, g gauge, e trigger.Env) (trigger.Source, error) {
	e.Log.DebugContext(ctx, "opened", "kind", g.Kind)
	return &source{g, web.New(e.HTTP, e.Now), e.Now}, nil
}

func (s *source) Read(ctx context.Context) (trigger.Sample, error) {
	answer, err := s.client.Get(ctx, s.URL, func(r *http.Request) error {
		r.Header.Set("X-Token", s.Token)
		return nil
	})
	if err != nil {
		return trigger.Sample{}, err
	}
	n, err := strconv.ParseFloat(string(answer.Body), 64)
	if err != nil {
		return trigger.Sample{}, errors.New("the answer is no number")
	}
	return trigger.Sample{At: s.now(), Value: n}, nil
}

func (*source) Close() error { return nil }

const token = "t0ken-of+the/test"

func kind() trigger.Kind { return trigger.Define("gauge", "Reads a number from a URL.", open) }

func settings(url string) trigger.Input {
	return trigger.Input{Metadata: map[string]string{"url": url}, Auth: map[string]string{"token": token}}
}

func TestRun_holds_for_a_source_over_http(t *testing.T) {
	triggertest.Run(t, triggertest.Suite{
		Kind: kind(), Input: settings, Want: 42, Secrets: []string{token},
		Good: guarded(),
		Bad:  []triggertest.Bad{{Why: "a_url_without_a_host", Change: map[string]string{"url": "http://"}, Says: "url"}},
	})
}

// guarded says 42 to whoever has the token.
func guarded() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Token") != token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, "42")
	})
}
