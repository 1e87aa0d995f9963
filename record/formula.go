package record

import (
	"errors"
	"fmt"
	"time"

	"github.com/furl-dev/furl/engine"
)

// FormulaText is the formula of a record that was read back: its text alone.
// [Record.Compile] puts one in its place that can compute.
type FormulaText string

// String returns the formula as the user wrote it.
func (f FormulaText) String() string { return string(f) }

var errTextOnly = errors.New("the formula was read from a record as text: compile it first, see record.Compile")

// Eval implements [engine.Formula] by failing.
func (f FormulaText) Eval(time.Time, map[string]float64) (float64, bool, error) {
	return 0, false, errTextOnly
}

// Compile replaces the text of a formula, if the record's policy has one, by
// what compile makes of it and the names of its variables.
func (r *Record) Compile(compile func(text string, variables []string) (engine.Formula, error)) error {
	c := &r.Policy.Composite
	if c.Formula == nil {
		return nil
	}
	names := make([]string, len(c.Inputs))
	for i := range c.Inputs {
		names[i] = c.Inputs[i].Variable
	}
	f, err := compile(c.Formula.String(), names)
	if err != nil {
		return fmt.Errorf("record of %s at %s: %w", r.Workload, r.At.Format(time.RFC3339Nano), err)
	}
	c.Formula = f
	return nil
}
