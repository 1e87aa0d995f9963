package avail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Span is a time in seconds, in tables and in JSON.
type Span time.Duration

// String has hundredths of a second.
func (s Span) String() string { return s.text() + " s" }

func (s Span) text() string { return strconv.FormatFloat(time.Duration(s).Seconds(), 'f', 2, 64) }

// MarshalJSON implements json.Marshaler.
func (s Span) MarshalJSON() ([]byte, error) { return []byte(s.text()), nil }

// Plan is what to do to the cluster.
type Plan struct {
	Runs   int
	Kinds  []string // in turns
	Faults []string // each once
}

// Report is what came of it.
type Report struct {
	Seed   uint64  `json:"seed"`
	Runs   []Run   `json:"runs"`
	Faults []Fault `json:"faults,omitempty"`
}

// Carry out a plan: as many runs of each kind, in a random order, and then the faults.
func (h *Harness) Carry(ctx context.Context, p Plan) (Report, error) {
	out := Report{Seed: h.Seed}
	h.say("seed %d; %d ScaledObjects whose load moves each %s, and %d HPAs whose load grows", h.Seed, h.ScaledObjects, step, h.HPAs)
	for i, kind := range p.order(h.random) {
		r, err := h.Lose(ctx, kind)
		if err != nil {
			return out, fmt.Errorf("run %d, %s: %w", i+1, kind, err)
		}
		h.say("%2d of %d  %s", i+1, p.Runs, &r)
		out.Runs = append(out.Runs, r)
	}
	for _, kind := range p.Faults {
		f, err := h.Break(ctx, kind)
		if err != nil {
			return out, fmt.Errorf("fault %s: %w", kind, err)
		}
		h.say("%s", &f)
		out.Faults = append(out.Faults, f)
	}
	return out, nil
}

// order mixes the kinds.
func (p Plan) order(random *rand.Rand) []string {
	all := make([]string, 0, p.Runs)
	for i := range p.Runs {
		all = append(all, p.Kinds[i%len(p.Kinds)])
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// Err joins what no run may show.
func (r *Report) Err() error {
	all := make([]error, 0, len(r.Runs)+len(r.Faults))
	for i := range r.Runs {
		all = append(all, r.Runs[i].Err())
	}
	for i := range r.Faults {
		all = append(all, r.Faults[i].Err())
	}
	return errors.Join(all...)
}

// JSON writes it for programs.
func (r *Report) JSON(to io.Writer) error {
	e := json.NewEncoder(to)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Table writes it for people: a line a kind, with p50 and max.
func (r *Report) Table(to io.Writer) error {
	t := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "KIND\tRUNS\tLEASE TAKEN AFTER IT RAN OUT\tFIRST SIZE AFTER IT RAN OUT\tWITHOUT A SIZE\tWRITES\tBY OTHERS\tWRONG SIZES")
	var kinds []string
	of := map[string][]Run{}
	for _, one := range r.Runs {
		if of[one.Kind] == nil {
			kinds = append(kinds, one.Kind)
		}
		of[one.Kind] = append(of[one.Kind], one)
	}
	slices.Sort(kinds)
	for _, kind := range kinds {
		row(t, kind, of[kind])
	}
	if len(kinds) > 1 {
		row(t, "all", r.Runs)
	}
	for _, f := range r.Faults {
		_, _ = fmt.Fprintf(t, "%s for %s\t1\t-\t%s after it ended\tall right after %s\t%d\t%d\t%d\n", f.Kind, f.Lasted, f.Written, f.Right, f.Writes, len(f.Foreign), len(f.Wrong))
	}
	return t.Flush()
}

func row(to io.Writer, kind string, runs []Run) {
	writes, foreign, wrong := 0, 0, 0
	for i := range runs {
		writes, foreign, wrong = writes+runs[i].Writes, foreign+len(runs[i].Foreign), wrong+len(runs[i].Wrong)
	}
	spread := func(of func(*Run) Span) string {
		all := make([]Span, 0, len(runs))
		for i := range runs {
			all = append(all, of(&runs[i]))
		}
		slices.Sort(all)
		return fmt.Sprintf("p50 %s, max %s", all[(len(all)-1)/2], all[len(all)-1])
	}
	_, _ = fmt.Fprintln(to, strings.Join([]string{ // the writer fails at Flush
		kind, strconv.Itoa(len(runs)),
		spread(func(r *Run) Span { return r.Taken }), spread(func(r *Run) Span { return r.Decided }), spread(func(r *Run) Span { return r.Silent }),
		strconv.Itoa(writes), strconv.Itoa(foreign), strconv.Itoa(wrong),
	}, "\t"))
}
