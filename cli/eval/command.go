package eval

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
)

// Command is one call of furl eval, as its flags say.
type Command struct {
	// Files are paths; "-" is the standard input.
	Files []string
	// Output is text, json or yaml.
	Output string
	// Without names rules that shall not speak.
	Without []string
	// Defaults stand in for the flags of the controller.
	Defaults policy.Defaults
}

// ErrUnmet says that the input was evaluated and some expectation does not hold.
var ErrUnmet = errors.New("expectations do not hold")

// Run evaluates and prints. It fails with [ErrUnmet] when an expectation does
// not hold, and otherwise only for what it cannot use.
func (c Command) Run(ctx context.Context, in io.Reader, out io.Writer) error {
	o := Options{Defaults: c.Defaults, Decide: engine.Decide}
	if rules, err := c.rules(); err != nil {
		return err
	} else if len(rules) > 0 {
		o.Decide = engine.Without(rules...)
	}
	files, err := c.open(in)
	if err != nil {
		return err
	}
	r, err := Run(ctx, files, o)
	if err != nil {
		return err
	}
	if err := r.Write(out, c.Output); err != nil {
		return err
	}
	if n := len(r.Failures); n > 0 {
		return fmt.Errorf("%d of %d %w", n, r.Expectations, ErrUnmet)
	}
	return nil
}

func (c Command) rules() ([]engine.Rule, error) {
	var rules []engine.Rule
	for _, name := range c.Without {
		r, err := engine.ParseRule(name)
		if err != nil {
			return nil, fmt.Errorf("--without: %w", err)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

func (c Command) open(in io.Reader) ([]File, error) {
	if len(c.Files) == 0 {
		return nil, errors.New("no input; name files with -f, such as -f hpa.yaml -f observation.yaml")
	}
	var files []File
	for _, name := range c.Files {
		f, err := readFile(name, in)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

func readFile(name string, in io.Reader) (File, error) {
	from := in
	if name != "-" {
		f, err := os.Open(name) //nolint:gosec // the path is the user's own
		if err != nil {
			return File{}, err
		}
		defer func() { _ = f.Close() }()
		from = f
	}
	b, err := io.ReadAll(io.LimitReader(from, MaxBytes+1))
	if err != nil {
		return File{}, fmt.Errorf("read %s: %w", name, err)
	}
	if len(b) > MaxBytes {
		return File{}, fmt.Errorf("read %s: more than %d MiB", name, MaxBytes>>20)
	}
	return File{Name: name, Text: b}, nil
}
