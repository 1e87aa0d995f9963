package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
)

// Export writes records as JSON, one a line. The names of the fields stay what
// they are; new ones may come.
func Export(w io.Writer, records ...Record) error {
	enc := json.NewEncoder(w)
	for _, r := range records {
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("export the record of %s at %s: %w", r.Workload, r.At.Format(time.RFC3339Nano), err)
		}
	}
	return nil
}

// Import reads what [Export] wrote.
func Import(r io.Reader) ([]Record, error) {
	var out []Record
	dec := json.NewDecoder(r)
	for {
		var rec Record
		switch err := dec.Decode(&rec); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("import record %d: %w", len(out)+1, err)
		}
		out = append(out, rec)
	}
}

// line is a record's form on the wire.
type line struct {
	Workload
	At          time.Time        `json:"at"`
	Since       time.Time        `json:"since,omitzero"`
	Alike       int              `json:"alike,omitempty"`
	Policy      policy           `json:"policy"`
	Observation observation      `json:"observation"`
	History     engine.History   `json:"history"`
	Decision    *engine.Decision `json:"decision,omitempty"`
	Outcome     loop.Outcome     `json:"outcome"`
	Freeze      string           `json:"freeze,omitempty"`
	Observe     bool             `json:"observe,omitempty"`
	Err         string           `json:"error,omitempty"`
	Unread      string           `json:"unread,omitempty"`
}

// MarshalJSON writes the record so that [Replay] can do without its process.
func (r Record) MarshalJSON() ([]byte, error) {
	l := line{
		Workload: r.Workload, At: r.At, Since: r.Since, Alike: r.Alike, Outcome: r.Outcome, Observe: r.Observe,
		Policy: policyLine(r.Policy), Observation: observationLine(r.Seen), History: r.Past,
		Freeze: r.Freeze, Err: said(r.Err), Unread: said(r.Unread),
	}
	if r.Outcome != loop.Unseen {
		l.Decision = &r.Decision
	}
	return json.Marshal(l)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Record) UnmarshalJSON(b []byte) error {
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		return err
	}
	p, err := l.Policy.engine()
	if err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	*r = Record{Workload: l.Workload, Since: l.Since, Alike: l.Alike, Record: loop.Record{
		At: l.At, Policy: p, Seen: l.Observation.engine(), Past: l.History, Outcome: l.Outcome, Observe: l.Observe,
		Freeze: l.Freeze, Err: saying(l.Err), Unread: saying(l.Unread),
	}}
	if l.Decision != nil {
		r.Decision = *l.Decision
	}
	return nil
}

func saying(s string) error {
	if s == "" {
		return nil
	}
	return errors.New(s)
}
