package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// figure is one benchmark, or one case of it: what its runs measured, by unit.
type figure struct {
	name   string // without Benchmark, with the case: Steady/pods=10
	units  []string
	values map[string][]float64
}

// parse reads what `go test -bench` prints: a name, a count, and pairs of a
// value and its unit. What a benchmark logs comes between its name and the
// rest; all else is skipped.
func parse(out string) []figure {
	var found []figure
	name := ""
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) > 0 && strings.HasPrefix(f[0], "Benchmark") {
			name, f = caseOf(f[0]), f[1:]
		}
		if name == "" || !measured(f) {
			continue
		}
		i := slices.IndexFunc(found, func(x figure) bool { return x.name == name })
		if i < 0 {
			i = len(found)
			found = append(found, figure{name: name, values: map[string][]float64{}})
		}
		found[i].add(f[1:])
		name = ""
	}
	return found
}

// measured tells whether words are a count and pairs, the time first.
func measured(words []string) bool {
	if len(words) < 3 || len(words)%2 == 0 || words[2] != "ns/op" {
		return false
	}
	_, err := strconv.Atoi(words[0])
	return err == nil
}

// caseOf is the name without Benchmark and the number of CPUs at its end.
func caseOf(word string) string {
	name := strings.TrimPrefix(word, "Benchmark")
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		if _, err := strconv.Atoi(name[i+1:]); err == nil {
			return name[:i]
		}
	}
	return name
}

func (f *figure) add(pairs []string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		v, err := strconv.ParseFloat(pairs[i], 64)
		if err != nil {
			continue
		}
		unit := pairs[i+1]
		if !slices.Contains(f.units, unit) {
			f.units = append(f.units, unit)
		}
		f.values[unit] = append(f.values[unit], v)
	}
}

// show prints a package's figures below what they are.
func show(w io.Writer, g *group, figures []figure) error {
	if len(figures) == 0 {
		return nil
	}
	fmt.Fprintf(w, "%s %s\n", g.folder, g.sentence)
	for _, b := range g.benchmarks {
		told := false
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for i := range figures {
			f := &figures[i]
			name, variant, _ := strings.Cut(f.name, "/")
			if name != b.name {
				continue
			}
			if !told {
				fmt.Fprintf(w, "  %s\n", b.sentence)
				told = true
			}
			fmt.Fprintf(t, "    %s%s\n", variant, f.text())
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}

// text is the median of each unit, each in a column of its own; of the time
// also the least and the most.
func (f *figure) text() string {
	var b strings.Builder
	for _, unit := range f.units {
		v := slices.Sorted(slices.Values(f.values[unit]))
		b.WriteByte('\t')
		b.WriteString(in(unit, v[len(v)/2]))
		if unit == "ns/op" && len(v) > 1 {
			fmt.Fprintf(&b, " (%s to %s)", in(unit, v[0]), in(unit, v[len(v)-1]))
		}
	}
	return b.String()
}

// in is a value in its unit as people read it.
func in(unit string, v float64) string {
	switch unit {
	case "ns/op":
		if v < 100 {
			return fmt.Sprintf("%.3gns", v)
		}
		return short(time.Duration(v)).String()
	case "B/op":
		return fmt.Sprintf("%.0f B", v)
	case "allocs/op":
		return fmt.Sprintf("%.0f allocs", v)
	default:
		return fmt.Sprintf("%.4g %s", v, unit)
	}
}

// short is d with three digits.
func short(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}
