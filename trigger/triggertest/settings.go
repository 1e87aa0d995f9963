package triggertest

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/furl-dev/furl/trigger"
)

// nowhere is an address that settings may have and that nobody answers at.
const nowhere = "http://127.0.0.1:1"

// settings checks what is refused, and that the refusal says what.
func (s Suite) settings(t *testing.T, w *watch) {
	s.soundSettings(t)
	s.documented(t)
	for _, f := range s.Kind.Fields {
		t.Run("refuses/"+f.Name, func(t *testing.T) { s.refuses(t, w, f) })
	}
	for _, b := range s.Bad {
		t.Run("refuses/"+b.Why, func(t *testing.T) {
			in := s.input(nowhere)
			for key, value := range b.Change {
				set(in.Metadata, key, value)
			}
			_, err := s.Kind.Decode(in)
			w.note(err)
			if err == nil || !strings.Contains(err.Error(), b.Says) {
				t.Errorf("got %v, want an error that names %q", err, b.Says)
			}
		})
	}
}

func (s Suite) soundSettings(t *testing.T) {
	t.Helper()
	c, err := s.Kind.Decode(s.Input(nowhere))
	if err != nil {
		t.Fatalf("sound settings: %v", err)
	}
	if len(c.Warnings) > 0 {
		t.Errorf("sound settings warn: %q", c.Warnings)
	}
	if form := leak(c.Key, s.Secrets); form != "" {
		t.Errorf("the key has the secret %s", form)
	}
	again, err := s.Kind.Decode(s.Input(nowhere))
	if err != nil || again.Key != c.Key {
		t.Errorf("the same settings have key %s, then %s (%v)", c.Key, again.Key, err)
	}
	in := s.Input(nowhere)
	in.Auth, in.Env, in.Partial = nil, nil, true
	if _, err := s.Kind.Decode(in); err != nil {
		t.Errorf("at admission, where no secret is known: %v", err)
	}
}

// documented misses sentences.
func (s Suite) documented(t *testing.T) {
	t.Helper()
	if !strings.HasSuffix(s.Kind.Summary, ".") {
		t.Errorf("summary %q: want a sentence", s.Kind.Summary)
	}
	for _, f := range s.Kind.Fields {
		if f.Doc == "" {
			t.Errorf("setting %s has no doc tag", f.Name)
		}
	}
}

// refuses checks what follows from the tags of one setting.
func (s Suite) refuses(t *testing.T, w *watch, f trigger.Field) {
	if f.Required {
		in := s.input(nowhere)
		give(in, f, "")
		s.refused(t, w, in, f, "without it")
	}
	if f.Deprecated != "" {
		in := s.input(nowhere)
		give(in, f, "x")
		s.refused(t, w, in, f, "though it is not supported any more")
		return
	}
	if bad := nonsense(f); bad != "" {
		in := s.input(nowhere)
		give(in, f, bad)
		s.refused(t, w, in, f, "with "+bad)
	}
}

func (s Suite) refused(t *testing.T, w *watch, in trigger.Input, f trigger.Field, how string) {
	t.Helper()
	_, err := s.Kind.Decode(in)
	w.note(err)
	c, ok := errors.AsType[*trigger.ConfigError](err)
	if !ok || !slices.ContainsFunc(c.Faults, func(e error) bool { return names(e, f) }) {
		t.Errorf("%s: got %v, want an error that names %s", how, err, f.Name)
	}
}

func names(err error, f trigger.Field) bool {
	e, ok := errors.AsType[*trigger.FieldError](err)
	return ok && (e.Field == f.Name || slices.Contains(f.Aliases, e.Field))
}

// nonsense is a text that is no value of a setting; empty where any text is one.
func nonsense(f trigger.Field) string {
	switch {
	case len(f.Enum) > 0:
		return "no-such-choice"
	case f.Type == "int", f.Type == "float", f.Type == "bool", f.Type == "duration":
		return "no-" + f.Type
	}
	return ""
}

// give sets a setting at the first of its places and takes it away from the others.
func give(in trigger.Input, f trigger.Field, value string) {
	for _, name := range append([]string{f.Name}, f.Aliases...) {
		delete(in.Metadata, name)
		delete(in.Metadata, name+"FromEnv")
		delete(in.Auth, name)
	}
	switch {
	case value == "" || len(f.From) == 0:
	case slices.Contains(f.From, "meta"):
		in.Metadata[f.Name] = value
	case slices.Contains(f.From, "auth"):
		in.Auth[f.Name] = value
	default:
		in.Metadata[f.Name+"FromEnv"] = "FURL_TEST"
		in.Env["FURL_TEST"] = value
	}
}

func set(m map[string]string, key, value string) {
	if m[key] = value; value == "" {
		delete(m, key)
	}
}

// input is the suite's, with maps that may be changed.
func (s Suite) input(url string) trigger.Input {
	in := s.Input(url)
	in.Metadata, in.Auth, in.Env = filled(in.Metadata), filled(in.Auth), filled(in.Env)
	return in
}

func filled(m map[string]string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, m)
	return out
}
