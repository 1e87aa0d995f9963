package engine_test

import (
	"bufio"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/engine"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata")

// TestScripts plays every testdata/*.txt. A script states a policy, then
// instants with what was measured; each is followed by the decision, indented
// by two spaces, which -update rewrites. A decision counts as carried out
// unless the line "refused" says otherwise.
//
//	policy  min= max= tolerance=DOWN[/UP] grace=CPU/READY burst=FACTOR,FLOOR,PERIOD
//	up      window= select=max|min|disabled limits=4/15s,100%/15s    (down alike)
//	signal  NAME perpod|object|external utilization=|average=|value= [cpu] [label=…]
//	without RULE…
//	at      INSTANT [size=] [existing=] [asleep]
//	NAME: 3 pods use=300m request=200m age=10m readyfor=9m sample=0s window=30s [pending|failed|succeeded|deleting|missing|stray|unready|unbegun|norequest]
//	NAME = 45 [ready=3] [listed=3] [valid=30s]
//	NAME missing REASON
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) < 25 {
		t.Fatalf("found %d scripts (%v), want at least 25", len(files), err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txt"), func(t *testing.T) {
			src, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			got, err := play(string(src))
			if err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			if *update {
				if err := os.WriteFile(f, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(src) {
				t.Errorf("%s: the decision is another one now; run with -update and read the diff\n%s", f, got)
			}
		})
	}
}

// midnight is the instant that scripts count from.
var midnight = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

type script struct {
	policy  engine.Policy
	decide  func(engine.Policy, engine.Observation, engine.History) (engine.Decision, engine.History)
	history engine.History
	size    int32
	seen    *engine.Observation
	pods    map[string][]engine.Pod
	refused bool
	out     strings.Builder
}

func play(src string) (string, error) {
	s := &script{decide: engine.Decide}
	sc := bufio.NewScanner(strings.NewReader(src))
	for line := 1; sc.Scan(); line++ {
		text := sc.Text()
		if strings.HasPrefix(text, "  ") {
			continue
		}
		if s.seen != nil && !s.reads(text) {
			s.answer()
		}
		fmt.Fprintln(&s.out, text)
		if text == "" || text[0] == '#' {
			continue
		}
		if err := s.line(text); err != nil {
			return "", fmt.Errorf("line %d: %q: %w", line, text, err)
		}
	}
	if s.seen != nil {
		s.answer()
	}
	return s.out.String(), sc.Err()
}

// reads says whether a line belongs to the instant before it.
func (s *script) reads(line string) bool {
	first, _, _ := strings.Cut(line, " ")
	if first == "refused" {
		return true
	}
	for _, sig := range s.policy.Signals {
		if sig.Name == strings.TrimSuffix(first, ":") {
			return true
		}
	}
	return false
}

func (s *script) line(text string) error {
	f := fields(text)
	switch f[0] {
	case "policy":
		return s.setPolicy(f[1:])
	case "up":
		return scaling(&s.policy.Up, f[1:])
	case "down":
		return scaling(&s.policy.Down, f[1:])
	case "signal":
		return s.addSignal(f[1:])
	case "without":
		return s.without(f[1:])
	case "refused":
		s.refused = true
		return nil
	case "at":
		return s.at(f[1:])
	default:
		return s.read(f, text)
	}
}

// fields splits at spaces outside double quotes.
func fields(text string) []string {
	quoted := false
	return strings.FieldsFunc(text, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
}

func (s *script) setPolicy(f []string) (err error) {
	s.policy.Grace = engine.Grace{CPUInitialization: 5 * time.Minute, InitialReadiness: 30 * time.Second}
	for _, w := range f {
		k, v, _ := strings.Cut(w, "=")
		a, b, both := strings.Cut(v, "/")
		switch k {
		case "min":
			s.policy.Min = size(v)
		case "max":
			s.policy.Max = size(v)
		case "tolerance":
			s.policy.Tolerance.Down, err = strconv.ParseFloat(a, 64)
			s.policy.Tolerance.Up = s.policy.Tolerance.Down
			if both {
				s.policy.Tolerance.Up, err = strconv.ParseFloat(b, 64)
			}
		case "grace":
			s.policy.Grace = engine.Grace{CPUInitialization: duration(a), InitialReadiness: duration(b)}
		case "burst":
			p := strings.Split(v, ",")
			s.policy.Burst.Factor, err = strconv.ParseFloat(p[0], 64)
			s.policy.Burst.Floor, s.policy.Burst.Period = size(p[1]), duration(p[2])
		default:
			return fmt.Errorf("%q is unknown", w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func scaling(s *engine.Scaling, f []string) error {
	*s = engine.Scaling{}
	for _, w := range f {
		k, v, _ := strings.Cut(w, "=")
		switch k {
		case "window":
			s.Window = duration(v)
		case "select":
			s.Select = map[string]engine.Select{"max": engine.SelectMax, "min": engine.SelectMin, "disabled": engine.SelectDisabled}[v]
		case "limits":
			for l := range strings.SplitSeq(v, ",") {
				n, period, _ := strings.Cut(l, "/")
				n, percent := strings.CutSuffix(n, "%")
				s.Limits = append(s.Limits, engine.Limit{Percent: percent, Value: size(n), Period: duration(period)})
			}
		default:
			return fmt.Errorf("%q is unknown", w)
		}
	}
	return nil
}

func (s *script) addSignal(f []string) error {
	sig := engine.Signal{Name: f[0]}
	for _, w := range f[1:] {
		k, v, _ := strings.Cut(w, "=")
		switch k {
		case "perpod":
			sig.Kind = engine.PerPod
		case "object":
			sig.Kind = engine.Object
		case "external":
			sig.Kind = engine.External
		case "utilization":
			sig.Target = engine.Target{Kind: engine.Utilization, Value: int64(size(v))}
		case "average":
			sig.Target = engine.Target{Kind: engine.AverageValue, Value: int64(quantity(v))}
		case "value":
			sig.Target = engine.Target{Kind: engine.Value, Value: int64(quantity(v))}
		case "cpu":
			sig.CPU = true
		case "label":
			sig.Label = strings.Trim(v, `"`)
		case "fault":
			sig.Fault = strings.Trim(v, `"`)
		default:
			return fmt.Errorf("%q is unknown", w)
		}
	}
	s.policy.Signals = append(s.policy.Signals, sig)
	return nil
}

func (s *script) without(names []string) error {
	rules := make([]engine.Rule, len(names))
	for i, n := range names {
		var err error
		if rules[i], err = engine.ParseRule(n); err != nil {
			return err
		}
	}
	s.decide = engine.Without(rules...)
	return nil
}

func (s *script) at(f []string) error {
	s.seen = &engine.Observation{At: midnight.Add(duration(f[0])), Replicas: engine.Replicas{Spec: s.size, Status: s.size}}
	s.pods, s.refused = map[string][]engine.Pod{}, false
	for _, w := range f[1:] {
		k, v, _ := strings.Cut(w, "=")
		switch k {
		case "size":
			s.seen.Replicas = engine.Replicas{Spec: size(v), Status: size(v)}
		case "existing":
			s.seen.Replicas.Status = size(v)
		case "asleep":
			s.history.Asleep = true
		default:
			return fmt.Errorf("%q is unknown", w)
		}
	}
	return nil
}

func (s *script) read(f []string, text string) error {
	name, pods := strings.CutSuffix(f[0], ":")
	switch {
	case s.seen == nil:
		return fmt.Errorf("%s is read before any instant", name)
	case pods:
		return s.readPods(name, f[1:])
	case f[1] == "missing":
		_, why, _ := strings.Cut(text, " missing ")
		s.seen.Readings = append(s.seen.Readings, engine.Reading{Signal: name, Missing: why})
		return nil
	}
	r := engine.Reading{
		Signal: name, Value: quantity(f[2]), At: s.seen.At,
		ReadyPods: s.seen.Replicas.Spec, Listed: s.seen.Replicas.Spec,
	}
	for _, w := range f[3:] {
		switch k, v, _ := strings.Cut(w, "="); k {
		case "ready":
			r.ReadyPods = size(v)
		case "listed":
			r.Listed = size(v)
		case "valid":
			r.ValidUntil = s.seen.At.Add(duration(v))
		default:
			return fmt.Errorf("%q is unknown", w)
		}
	}
	s.seen.Readings = append(s.seen.Readings, r)
	return nil
}

func (s *script) readPods(name string, f []string) error {
	at := s.seen.At
	p := engine.Pod{
		Readiness: engine.Ready, Begun: true, Measured: true, At: at, Window: 30 * time.Second,
		Started: at.Add(-time.Hour), ReadySince: at.Add(-time.Hour),
	}
	for _, w := range f[2:] {
		if err := podWord(&p, w, at); err != nil {
			return err
		}
	}
	if s.pods[name] == nil {
		s.pods[name] = []engine.Pod{}
	}
	for range size(f[0]) {
		p.Name = fmt.Sprintf("%s-%d", name, len(s.pods[name]))
		if p.NoRequest != "" {
			p.NoRequest = "missing request for cpu in container app of Pod " + p.Name
		}
		s.pods[name] = append(s.pods[name], p)
	}
	for i := range s.seen.Readings {
		if s.seen.Readings[i].Signal == name {
			return nil
		}
	}
	s.seen.Readings = append(s.seen.Readings, engine.Reading{Signal: name, At: at})
	return nil
}

func podWord(p *engine.Pod, w string, at time.Time) error {
	k, v, _ := strings.Cut(w, "=")
	switch k {
	case "use":
		p.Value = int64(quantity(v))
	case "request":
		p.Request = int64(quantity(v))
	case "age":
		p.Started = at.Add(-duration(v))
		p.ReadySince = p.Started
	case "since":
		p.ReadySince = at.Add(-duration(v))
	case "sample":
		p.At = at.Add(-duration(v))
	case "window":
		p.Window = duration(v)
	case "pending":
		p.Phase, p.Measured = engine.Pending, false
	case "failed":
		p.Phase = engine.Failed
	case "succeeded":
		p.Phase = engine.Succeeded
	case "deleting":
		p.Deleting = true
	case "missing":
		p.Measured = false
	case "stray":
		p.Stray = true
	case "unready":
		p.Readiness = engine.NotReady
	case "unknown":
		p.Readiness = engine.ReadinessUnknown
	case "unbegun":
		p.Begun = false
	case "norequest":
		p.NoRequest = "yes"
	default:
		return fmt.Errorf("%q is unknown", w)
	}
	return nil
}

// answer decides and writes the decision down.
func (s *script) answer() {
	for i := range s.seen.Readings {
		r := &s.seen.Readings[i]
		for _, sig := range s.policy.Signals {
			if pods, ok := s.pods[r.Signal]; ok && sig.Name == r.Signal {
				r.Usage = engine.Group(pods, s.seen.At, sig, s.policy.Grace)
			}
		}
	}
	d, h := s.decide(s.policy, *s.seen, s.history)
	s.describe(d)
	s.history, s.size = h, d.From
	if !s.refused {
		s.history, s.size = engine.Applied(s.policy, d, h), d.To
	}
	s.seen = nil
}

func (s *script) describe(d engine.Decision) {
	held := ""
	if d.Held {
		held = ", held"
	}
	fmt.Fprintf(&s.out, "  %d -> %d%s\n", d.From, d.To, held)
	for _, st := range d.Steps {
		fmt.Fprintf(&s.out, "  %s\n", st)
	}
	var words []string
	if v, ok := d.AbleToScale(); ok {
		words = append(words, v.Reason)
	}
	if v, ok := d.ScalingLimited(); ok {
		words = append(words, v.Reason)
	}
	if v, ok := d.ScalingActive(); ok {
		words = append(words, v.Reason)
	}
	if d.To != d.From {
		words = append(words, strconv.Quote(d.Reason()))
	}
	if len(words) > 0 {
		fmt.Fprintf(&s.out, "  says %s\n", strings.Join(words, ", "))
	}
	if !d.Next.IsZero() {
		fmt.Fprintf(&s.out, "  again after %s\n", d.Next.Sub(d.At))
	}
}

// The values in scripts are ours: a wrong one is a broken script.

func size(s string) int32 {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		panic(err)
	}
	return int32(n)
}

func duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		panic(err)
	}
	return d
}

// quantity reads 300m, 5, 2Ki, NaN in milli-units.
func quantity(s string) float64 {
	n, isMilli := strings.CutSuffix(s, "m")
	n, isKi := strings.CutSuffix(n, "Ki")
	f, err := strconv.ParseFloat(n, 64)
	switch {
	case err != nil:
		panic(err)
	case isMilli || math.IsNaN(f) || math.IsInf(f, 0):
		return f
	case isKi:
		return f * 1024 * 1000
	default:
		return f * 1000
	}
}
