package trigger

import (
	"fmt"
	"slices"
	"strings"
)

// ConfigError is everything that is wrong with the settings of one trigger.
type ConfigError struct {
	Index  int
	Kind   string
	Faults []error // [*FieldError] where one setting is at fault
}

func (e *ConfigError) Error() string {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = f.Error()
	}
	return label(e.Index, e.Kind) + ": " + strings.Join(texts, "; ")
}

// Unwrap gives the single faults.
func (e *ConfigError) Unwrap() []error { return e.Faults }

// FieldError is what is wrong with one setting. It holds no value that came
// from the environment or the authentication, nor one of a secret setting.
type FieldError struct {
	Field string
	// Value is the quoted value, or where it came from where it is not to be read.
	Value string
	// Problem says what is wrong and what is wanted.
	Problem string
}

func (e *FieldError) Error() string {
	if e.Value == "" {
		return e.Field + " " + e.Problem
	}
	return fmt.Sprintf("%s %s: %s", e.Field, e.Value, e.Problem)
}

// longestShown bounds a value in an error; more is no help.
const longestShown = 100

// fault notes what is wrong with a setting that was given.
func (d *decoding) fault(s *setting, f found, problem string) {
	e := &FieldError{Field: f.name, Problem: problem}
	switch {
	case f.place == fromAuth:
		e.Value = "of the authentication"
	case f.place == fromEnv:
		e.Value = "of the container's environment"
	case s.Secret:
		e.Value = "(secret)"
	case len(f.text) > longestShown:
		e.Value = fmt.Sprintf("%q...", strings.ToValidUTF8(f.text[:longestShown], ""))
	default:
		e.Value = fmt.Sprintf("%q", f.text)
	}
	d.faults = append(d.faults, e)
}

// complain notes what a check of the struct found, unless it was said already:
// an embedded struct's check may run twice.
func (d *decoding) complain(err error) {
	if err == nil {
		return
	}
	if text := d.redact(err.Error()); text != err.Error() {
		err = redactedError(text)
	}
	same := func(e error) bool { return e.Error() == err.Error() }
	if !slices.ContainsFunc(d.faults, same) {
		d.faults = append(d.faults, err)
	}
}

// redactedError is the text of an error that repeated a secret.
type redactedError string

func (r redactedError) Error() string { return string(r) }

// shortest is the length from which a hidden value is cut out of a text
// wherever it stands; a shorter one only in quotes, or "a" would hide every a.
const shortest = 4

// redact cuts hidden values out of a text: a check is free to quote what it refuses.
func (d *decoding) redact(text string) string {
	for i, s := range d.kind.plan.settings {
		f := d.found[i]
		if f.place == "" || !f.isHidden(s) {
			continue
		}
		text = strings.ReplaceAll(text, fmt.Sprintf("%q", f.text), "(hidden)")
		if len(f.text) >= shortest {
			text = strings.ReplaceAll(text, f.text, "(hidden)")
		}
	}
	return text
}
