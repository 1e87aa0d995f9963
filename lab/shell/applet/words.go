package applet

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

func yea(context.Context, *Call) int { return ok }

func no(context.Context, *Call) int { return failure }

func pwd(_ context.Context, c *Call) int {
	c.print(c.Dir, "\n")
	return ok
}

func clearScreen(_ context.Context, c *Call) int {
	c.print("\x1b[H\x1b[J")
	return ok
}

// echo knows -n, -e and -E, alone or together; any other word is text.
func echo(_ context.Context, c *Call) int {
	words, newline, escapes := c.Args, true, false
	for len(words) > 0 && len(words[0]) > 1 && words[0][0] == '-' && strings.Trim(words[0][1:], "neE") == "" {
		for _, letter := range words[0][1:] {
			switch letter {
			case 'n':
				newline = false
			case 'e':
				escapes = true
			case 'E':
				escapes = false
			}
		}
		words = words[1:]
	}
	text := strings.Join(words, " ")
	if escapes {
		unescaped, stop := unescape(text, true)
		c.print(unescaped)
		if stop {
			return ok
		}
	} else {
		c.print(text)
	}
	if newline {
		c.print("\n")
	}
	return ok
}

// yes repeats a line until nobody reads it.
func yes(ctx context.Context, c *Call) int {
	text := "y\n"
	if len(c.Args) > 0 {
		text = strings.Join(c.Args, " ") + "\n"
	}
	for ctx.Err() == nil {
		if _, err := c.out.WriteString(text); err != nil {
			break
		}
	}
	return ok
}

// seq prints numbers from first by step to last.
func seq(ctx context.Context, c *Call) int {
	// A negative number is no option: "seq 5 -1 1".
	words, wide, separator := c.Args, false, "\n"
	for len(words) > 0 && len(words[0]) > 1 && words[0][0] == '-' && !strings.ContainsAny(words[0][1:2], "0123456789.") {
		switch {
		case words[0] == "-w":
			wide = true
		case words[0] == "-s" && len(words) > 1:
			separator = words[1]
			words = words[1:]
		default:
			return c.fail("unrecognized option: %s", words[0][1:])
		}
		words = words[1:]
	}
	if len(words) < 1 || len(words) > 3 {
		return c.fail("give LAST, FIRST LAST or FIRST STEP LAST")
	}
	numbers, digits := make([]float64, len(words)), 0
	for i, word := range words {
		n, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return c.fail("invalid number '%s'", word)
		}
		numbers[i] = n
		if _, fraction, found := strings.Cut(word, "."); found {
			digits = max(digits, len(fraction))
		}
	}
	first, step, last := 1.0, 1.0, numbers[len(numbers)-1]
	if len(numbers) > 1 {
		first = numbers[0]
	}
	if len(numbers) > 2 {
		step = numbers[1]
	}
	if step == 0 {
		return c.fail("a step of zero never arrives")
	}
	return count(ctx, c, first, step, last, layout{digits, wide, separator})
}

// layout says how seq writes its numbers.
type layout struct {
	digits    int
	wide      bool
	separator string
}

func count(ctx context.Context, c *Call, first, step, last float64, l layout) int {
	width := 0
	if l.wide {
		for _, n := range []float64{first, last} {
			width = max(width, len(strconv.FormatFloat(n, 'f', l.digits, 64)))
		}
	}
	// The last number may be missed by the rounding of the steps before it.
	slack := step * 1e-9
	printed := false
	for i := 0; ctx.Err() == nil; i++ {
		n := first + float64(i)*step
		if (step > 0 && n > last+slack) || (step < 0 && n < last+slack) {
			break
		}
		if printed {
			c.print(l.separator)
		}
		printed = true
		if _, err := fmt.Fprintf(c.out, "%0*.*f", width, l.digits, n); err != nil {
			return ok
		}
	}
	if printed {
		c.print("\n")
	}
	return ok
}

func baseName(_ context.Context, c *Call) int {
	if len(c.Args) < 1 || len(c.Args) > 2 {
		return c.fail("give FILE [SUFFIX]")
	}
	base := path.Base(c.Args[0])
	if len(c.Args) == 2 && base != c.Args[1] {
		base = strings.TrimSuffix(base, c.Args[1])
	}
	c.print(base, "\n")
	return ok
}

func dirName(_ context.Context, c *Call) int {
	if len(c.Args) != 1 {
		return c.fail("give one FILE")
	}
	c.print(path.Dir(strings.TrimRight(c.Args[0], "/")), "\n")
	return ok
}

// env prints the exported variables, or runs a command with others.
func env(ctx context.Context, c *Call) int {
	o, words, fine := c.options("+iu:", "ignore-environment>i", "unset=>u")
	if !fine {
		return failure
	}
	var environ []string
	if !o.has("i") {
		environ = c.Environ()
	}
	for _, name := range o["u"] {
		environ = slices.DeleteFunc(environ, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	}
	for len(words) > 0 && strings.IndexByte(words[0], '=') > 0 {
		name, _, _ := strings.Cut(words[0], "=")
		environ = slices.DeleteFunc(environ, func(e string) bool { return strings.HasPrefix(e, name+"=") })
		environ = append(environ, words[0])
		words = words[1:]
	}
	if len(words) > 0 {
		_ = c.out.Flush() // nothing is in it
		inner := *c
		inner.Environ = func() []string { return slices.Clone(environ) }
		inner.Getenv = lookup(environ)
		return c.Run(ctx, inner, words)
	}
	for _, e := range environ {
		c.print(e, "\n")
	}
	return ok
}

func lookup(environ []string) func(string) string {
	return func(name string) string {
		for _, e := range environ {
			if value, found := strings.CutPrefix(e, name+"="); found {
				return value
			}
		}
		return ""
	}
}

func printenv(_ context.Context, c *Call) int {
	if len(c.Args) == 0 {
		for _, e := range c.Environ() {
			c.print(e, "\n")
		}
		return ok
	}
	status := ok
	for _, name := range c.Args {
		at := slices.IndexFunc(c.Environ(), func(e string) bool { return strings.HasPrefix(e, name+"=") })
		if at < 0 {
			status = failure
			continue
		}
		c.print(c.Getenv(name), "\n")
	}
	return status
}
