package engine_test

import (
	"bufio"
	"flag"
	"fmt"
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
//	signal  NAME perpod|object|external utilization=|average=|value= [cpu] [label=…] [activation=]
//	without RULE…
//	object  [cooldown=] [initial=] [created=] [idle=] [forced] [blocked-in] [blocked-out] [by-behavior]
//	pause   [at=]
//	fallback threshold= replicas= [behavior=static|current|higher|lower|formula]
//	formula NAME EXPRESSION, where an expression is VARIABLE [+|-|/|?? VARIABLE|NUMBER]
//	input   VARIABLE NAME
//	at      INSTANT [size=] [existing=] [asleep] [last-active=]
//	NAME: 3 pods use=300m request=200m age=10m readyfor=9m sample=0s window=30s [pending|failed|succeeded|deleting|missing|stray|unready|unbegun|norequest]
//	NAME = 45 [ready=3] [listed=3] [valid=30s] [active|inactive]
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
	for _, sig := range s.policy.Sensors() {
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
	case "object", "pause", "fallback", "formula", "input":
		return s.setObject(f, text)
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
	s.history, s.size = h, d.From
	if !s.refused {
		s.history, s.size = engine.Applied(s.policy, d, h), d.To
	}
	s.describe(d)
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
	if s.policy.Activation.On || s.policy.Pause.On {
		s.describeObject(d)
	} else {
		s.describeHPA(d)
	}
	if !d.Next.IsZero() {
		fmt.Fprintf(&s.out, "  again after %s\n", d.Next.Sub(d.At))
	}
}

func (s *script) describeHPA(d engine.Decision) {
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
		if v := engine.ScaledToZero(s.history); v.True {
			words = append(words, v.Reason)
		}
	}
	if len(words) > 0 {
		fmt.Fprintf(&s.out, "  says %s\n", strings.Join(words, ", "))
	}
}
