package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	decisions "github.com/furl-dev/furl/api/decisions/v1alpha1"
)

// Decision is one record of Furl, as far as the demo shows it.
type Decision struct {
	At       time.Time
	From, To int32
	Why      []string // the sentences of its steps, in order
}

// decisionsOf asks decisions.furl.dev for the latest decisions about an object, such as hpa.php-apache.
func (s *show) decisionsOf(ctx context.Context, namespace, object string) ([]Decision, error) {
	raw, err := s.client.CoreV1().RESTClient().Get().
		AbsPath("/apis/decisions.furl.dev/v1alpha1/namespaces", namespace, "decisions", object, "history").
		Param("limit", "20").DoRaw(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask decisions.furl.dev about %s: %w", object, err)
	}
	var d decisions.Decision
	if err := json.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("decode the decisions: %w", err)
	}
	made := make([]Decision, 0, len(d.History)+1)
	// The oldest first, as notes are kept.
	for _, r := range slices.Backward(d.History) {
		made = append(made, decision(r))
	}
	return append(made, decision(d.Latest)), nil
}

func decision(r decisions.Record) Decision {
	d := Decision{At: r.At.Time, From: r.From, To: r.To}
	for _, s := range r.Steps {
		// One signal is nothing to pick from.
		if s.Rule == "pick" && len(r.Signals) == 1 {
			continue
		}
		d.Why = append(d.Why, strings.TrimPrefix(s.Signal+": ", ": ")+s.Sentence)
	}
	return d
}
