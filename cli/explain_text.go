package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/decisions/v1alpha1"
	"github.com/furl-dev/furl/loop"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/yaml"
)

func (e *explain) write(w io.Writer, d *v1alpha1.Decision, now time.Time) error {
	switch e.output {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(d)
	case "yaml":
		b, err := yaml.Marshal(d)
		if err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	}
	var b strings.Builder
	if e.history {
		e.writeHistory(&b, d, now)
	} else {
		e.writeRecord(&b, d.Namespace+"/"+d.Object, &d.Latest, now)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeRecord explains one decision.
func (e *explain) writeRecord(b *strings.Builder, title string, r *v1alpha1.Record, now time.Time) {
	fmt.Fprintf(b, "%s  %s  %s, %s ago\n", title, size(r, "size unknown"), r.Outcome, age(now, r.At.Time))
	if r.Alike > 1 {
		fmt.Fprintf(b, "  decided alike %d times since %s ago\n", r.Alike, age(now, r.Since.Time))
	}
	if r.Outcome == observed {
		fmt.Fprintf(b, "  not written: Furl only observes, by the annotation %s, by %s, or with --mode=observe\n", api.AnnotationMode, api.AnnotationAdopts)
	}
	if r.Freeze != "" {
		fmt.Fprintf(b, "  frozen, no size is written: %s\n", r.Freeze)
	}
	if r.Error != "" {
		fmt.Fprintf(b, "  error: %s\n", r.Error)
	}
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, s := range r.Steps {
		why := s.Sentence
		if s.Signal != "" {
			why = s.Signal + ": " + why
		}
		fmt.Fprintf(t, "  %s\t%s\t%s", s.Rule, sizes(s.Before, s.After), why)
		if e.output == "wide" && len(s.Args) > 0 {
			fmt.Fprintf(t, " [%s]", strings.Join(s.Args, " "))
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush() // into memory
	writeSignals(b, r.Signals, r.Steps)
	if r.Next != nil {
		fmt.Fprintf(b, "\nwithout new data this may change in %s\n", duration.HumanDuration(max(0, r.Next.Sub(now))))
	}
}

func writeSignals(b *strings.Builder, all []v1alpha1.Signal, steps []v1alpha1.Step) {
	if len(all) == 0 {
		return
	}
	b.WriteByte('\n')
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SIGNAL\tNOW\tTARGET\tASKS FOR")
	for i := range all {
		s := &all[i]
		asks := "-"
		if s.Replicas != nil {
			asks = fmt.Sprint(*s.Replicas)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", s.Name, measured(s, steps), wanted(s.Target), asks)
	}
	_ = t.Flush() // into memory
}

// measured is what a signal shows, in the unit of its target.
func measured(s *v1alpha1.Signal, steps []v1alpha1.Step) string {
	switch {
	case s.Missing != "":
		if slices.ContainsFunc(steps, func(t v1alpha1.Step) bool { return strings.Contains(t.Sentence, s.Missing) }) {
			return "missing" // why is told above
		}
		return "missing: " + s.Missing
	case s.Utilization != nil:
		return fmt.Sprintf("%d%%", *s.Utilization)
	case s.Target.Type == "Value":
		return quantity(s.Total)
	case s.Average != nil:
		return quantity(s.Average) + " a pod"
	default:
		return "-"
	}
}

func wanted(t v1alpha1.Target) string {
	switch {
	case t.Utilization != nil:
		return fmt.Sprintf("%d%%", *t.Utilization)
	case t.Type == "AverageValue":
		return quantity(t.Value) + " a pod"
	default:
		return quantity(t.Value)
	}
}

func quantity(q *resource.Quantity) string {
	if q == nil {
		return "-"
	}
	return q.String()
}

// writeHistory lists decisions, one a line; wide explains each.
func (e *explain) writeHistory(b *strings.Builder, d *v1alpha1.Decision, now time.Time) {
	if e.output == "wide" {
		for i := range d.History {
			if i > 0 {
				b.WriteByte('\n')
			}
			e.writeRecord(b, d.Namespace+"/"+d.Object, &d.History[i], now)
		}
		return
	}
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "AGE\tSIZE\tOUTCOME\tTIMES\tRULE\tWHY")
	for i := range d.History {
		r := &d.History[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%s\t%s\n",
			age(now, r.At.Time), size(r, "?"), r.Outcome, max(r.Alike, 1), cmp.Or(r.Rule, "-"), cmp.Or(r.Why, r.Error))
	}
	_ = t.Flush() // into memory
}

func age(now, at time.Time) string { return duration.HumanDuration(max(0, now.Sub(at))) }

// The outcomes that need a word more than their name.
const (
	observed = string(loop.Observed)
	unseen   = string(loop.Unseen)
)

// size is what a decision made of the size, or unknown where it could not be read.
func size(r *v1alpha1.Record, unknown string) string {
	if r.Outcome == unseen {
		return unknown
	}
	return sizes(r.From, r.To)
}

// sizes is "3 → 7", or the size alone where it stays.
func sizes(from, to int32) string {
	if from == to {
		return fmt.Sprint(to)
	}
	return fmt.Sprintf("%d → %d", from, to)
}
