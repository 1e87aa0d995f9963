package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/web"
	"github.com/furl-dev/furl/triggers/internal/webauth"
)

type source struct {
	config  config
	account *webauth.Account
	write   []func(*http.Request) error // headers, then the signature over them
	release func()
	now     func() time.Time
}

// Read asks for the query's value at this instant.
func (s *source) Read(ctx context.Context) (trigger.Sample, error) {
	now := s.now()
	answer, err := s.account.Get(ctx, s.config.question(now), s.write...)
	if err != nil {
		return trigger.Sample{}, explain(err)
	}
	n, err := value(answer.Body)
	if errors.Is(err, errEmpty) && s.config.IgnoreNull {
		return trigger.Sample{At: now}, nil // the user's word: no value means 0
	}
	if err != nil {
		return trigger.Sample{}, fmt.Errorf("query %.100q: %w", s.config.Query, err)
	}
	return trigger.Sample{At: now, Value: n}, nil
}

// Close gives the clients back.
func (s *source) Close() error {
	s.release()
	return s.account.Close()
}

// explain adds what the server has against the query.
func explain(err error) error {
	refusal, ok := errors.AsType[*web.StatusError](err)
	if !ok || refusal.Status != http.StatusBadRequest && refusal.Status != http.StatusUnprocessableEntity {
		return err
	}
	var a answer
	if json.Unmarshal(refusal.Body, &a) != nil || a.Error == "" {
		return err
	}
	return fmt.Errorf("%w: look at query: %.300s", err, a.Error)
}
