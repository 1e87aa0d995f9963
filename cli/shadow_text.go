package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/yaml"
)

// writeShadows prints the comparisons, in the words of people or of programs.
func writeShadows(w io.Writer, format string, all []compared) error {
	if format == "text" {
		var b strings.Builder
		for i := range all {
			if i > 0 {
				b.WriteByte('\n')
			}
			writeShadow(&b, &all[i])
		}
		_, err := io.WriteString(w, b.String())
		return err
	}
	raw, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if format == outputYAML {
		if raw, err = yaml.JSONToYAML(raw); err != nil {
			return err
		}
		_, err = w.Write(raw)
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", raw)
	return err
}

func writeShadow(b *strings.Builder, c *compared) {
	fmt.Fprintf(b, "%s/%s", c.Namespace, c.Object)
	if c.Owner != "" {
		fmt.Fprintf(b, ", scaled by %s", c.Owner)
	}
	fmt.Fprintf(b, ", watched for %s\n", duration.HumanDuration(c.now.Sub(c.From)))
	if len(c.Moves) == 0 {
		fmt.Fprintf(b, "  neither wanted another size than %d\n", c.observed[len(c.observed)-1].From)
		return
	}
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  TIME\tFURL\tOWNER\tDIFFERENCE\tWHY")
	for i := range c.Moves {
		m := &c.Moves[i]
		why := m.Why
		if m.Says != "" {
			why += "; the owner says " + m.Says
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", m.At.UTC().Format(time.TimeOnly), sizes(m.Size, m.Furl), sizes(m.Size, m.Owner), difference(m), why)
	}
	_ = t.Flush() // into memory
	fmt.Fprintf(b, "  %s\n", c.Sum)
}

// difference says in two words how a move compares.
func difference(m *move) string {
	switch {
	case m.Verdict != same:
		return string(m.Verdict)
	case m.Lead > 0:
		return fmt.Sprintf("same, Furl %s earlier", seconds(m.Lead))
	default:
		return "same"
	}
}

// String says how the moves compare, in one line.
func (s summary) String() string {
	out := fmt.Sprintf("%d the same", s.Same)
	if s.MedianLead > 0 {
		out += fmt.Sprintf(" (Furl %s earlier in the median)", seconds(s.MedianLead))
	}
	out += fmt.Sprintf(", %d differ", s.Differs)
	if s.Waiting > 0 {
		out += fmt.Sprintf(", %d just begun", s.Waiting)
	}
	return out
}

func seconds(n float64) time.Duration {
	return time.Duration(n * float64(time.Second)).Round(100 * time.Millisecond)
}
