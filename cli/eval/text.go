package eval

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/furl-dev/furl/engine"
	"sigs.k8s.io/yaml"
)

// Write renders the report as text, json or yaml.
func (r Report) Write(w io.Writer, format string) error {
	switch format {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	case "yaml":
		b, err := yaml.Marshal(r)
		if err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	case "text", "":
		_, err := io.WriteString(w, r.text())
		return err
	default:
		return fmt.Errorf("output format %q is unknown; want text, json or yaml", format)
	}
}

func (r Report) text() string {
	var b strings.Builder
	for _, w := range r.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	for i, d := range r.Decisions {
		if i > 0 {
			b.WriteByte('\n')
		}
		d.text(&b)
	}
	if r.Expectations > 0 {
		fmt.Fprintf(&b, "\n%d of %d expectations hold\n", r.Expectations-len(r.Failures), r.Expectations)
	}
	for _, f := range r.Failures {
		fmt.Fprintf(&b, "  ✗ %s\n", f)
	}
	return b.String()
}

// text writes one decision: a headline, and a line for each step with what it
// made of the number.
func (d Decision) text(b *strings.Builder) {
	fmt.Fprintf(b, "%s  %s  after %s%s\n", cmp.Or(d.HPA, d.ScaledObject), move(d.From, d.To), d.After, held(d.Held))
	rule, size := 0, 0
	steps := d.telling()
	for _, s := range steps {
		rule, size = max(rule, len(s.Rule)), max(size, len(move(s.Before, s.After)))
	}
	for _, s := range steps {
		m := move(s.Before, s.After)
		pad := strings.Repeat(" ", size-len(m))
		fmt.Fprintf(b, "  %-*s  %s%s  %s\n", rule, s.Rule, m, pad, s.Text)
	}
	if len(d.Conditions) > 0 {
		fmt.Fprintf(b, "  conditions: %s\n", d.said())
	}
	if d.Event != "" {
		fmt.Fprintf(b, "  event %s\n", d.Event)
	}
	if d.Next != "" {
		fmt.Fprintf(b, "  without new data this may change after %s\n", d.Next)
	}
}

// said lists the conditions: Active ScalerActive, Ready ScaledObjectReady.
func (d Decision) said() string {
	words := make([]string, 0, len(d.Conditions))
	for _, name := range slices.Sorted(maps.Keys(d.Conditions)) {
		words = append(words, name+" "+d.Conditions[name])
	}
	return strings.Join(words, ", ")
}

// telling leaves out the step that picks one proposal out of one.
func (d Decision) telling() []Step {
	measured := 0
	for _, s := range d.Steps {
		if s.Rule == engine.RuleMeasure.String() {
			measured++
		}
	}
	return slices.DeleteFunc(slices.Clone(d.Steps), func(s Step) bool {
		return measured == 1 && s.Rule == engine.RulePick.String()
	})
}

func held(yes bool) string { //nolint:revive // flag-parameter: renders the flag itself
	if yes {
		return ", held"
	}
	return ""
}

// move is "3 → 7", or the size alone where it stays.
func move(from, to int32) string {
	if from == to {
		return fmt.Sprintf("%d", to)
	}
	return fmt.Sprintf("%d → %d", from, to)
}
