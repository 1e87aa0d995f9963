package applet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// sed edits lines by the commands s, p, d, q and =, each with a number, $, a /pattern/ or a range before it.
func sed(_ context.Context, c *Call) int {
	o, words, fine := c.options("nEre:i", "quiet>n", "silent>n", "expression=>e", "regexp-extended>E", "in-place>i")
	if !fine {
		return failure
	}
	scripts := o["e"]
	if len(scripts) == 0 {
		if len(words) == 0 {
			return c.fail("give a SCRIPT")
		}
		scripts, words = words[:1], words[1:]
	}
	p := script{d: dialect{extended: o.has("E") || o.has("r")}}
	edits, err := p.parse(strings.Join(scripts, "\n"))
	if err != nil {
		return c.fail("%v", err)
	}
	e := editor{edits: edits, quiet: o.has("n"), out: c.out}
	if o.has("i") {
		return c.inPlace(e, words)
	}
	return c.each(words, func(_ string, r *bufio.Reader) error { return e.run(r) })
}

// inPlace writes each file's edited text back to it.
func (c *Call) inPlace(e editor, names []string) int {
	if len(names) == 0 {
		return c.fail("-i needs a file")
	}
	return c.each(names, func(name string, r *bufio.Reader) error {
		var edited strings.Builder
		own := editor{edits: e.fresh(), quiet: e.quiet, out: bufio.NewWriter(&edited)}
		if err := own.run(r); err != nil && !errors.Is(err, errEnough) {
			return err
		}
		if _, err := r.WriteTo(own.out); err != nil { // what q left
			return err
		}
		if err := own.out.Flush(); err != nil {
			return err
		}
		file, err := c.host.Files.OpenFile(c.Dir, name, os.O_WRONLY|os.O_TRUNC, 0)
		if err != nil {
			return err
		}
		_, err = io.WriteString(file, edited.String())
		return errors.Join(err, file.Close())
	})
}

// address is where a command applies; the zero value applies everywhere.
type address struct {
	line int // -1 is the last line
	re   *regexp.Regexp
}

func (a address) given() bool { return a.line != 0 || a.re != nil }

func (a address) at(number int, line string, last bool) bool {
	switch {
	case a.re != nil:
		return a.re.MatchString(line)
	case a.line < 0:
		return last
	}
	return a.line == number
}

type edit struct {
	from, to address
	inside   bool // of the range
	negated  bool
	command  byte
	re       *regexp.Regexp // of s
	with     []replacement
	every    bool
	nth      int
	show     bool
}

// replacement is a piece of what s puts in: text, or a group of the match.
type replacement struct {
	text  string
	group int // -1 for text
}

type editor struct {
	edits  []*edit
	quiet  bool
	number int
	out    *bufio.Writer
}

// fresh copies the edits, so that a range that is open in one file is not in the next.
func (e editor) fresh() []*edit {
	edits := make([]*edit, len(e.edits))
	for i, at := range e.edits {
		own := *at
		edits[i] = &own
	}
	return edits
}

func (e *editor) run(r *bufio.Reader) error {
	in := lines{r}
	for {
		line, more, err := in.next()
		if err != nil || !more {
			return err
		}
		_, peek := r.Peek(1)
		e.number++
		keep, quit := e.apply(&line, errors.Is(peek, io.EOF))
		if keep && !e.quiet {
			if _, err := e.out.WriteString(line + "\n"); err != nil {
				return err
			}
		}
		if quit {
			return errEnough
		}
	}
}

func (e *editor) apply(line *string, last bool) (keep, quit bool) { //nolint:revive // $ is the last line
	for _, at := range e.edits {
		if at.applies(e.number, *line, last) == at.negated {
			continue
		}
		switch at.command {
		case 'd':
			return false, false
		case 'q':
			return true, true
		case 'p':
			_, _ = e.out.WriteString(*line + "\n") // Do reports a lost reader
		case '=':
			_, _ = fmt.Fprintln(e.out, e.number)
		case 's':
			if at.substitute(line) && at.show {
				_, _ = e.out.WriteString(*line + "\n")
			}
		}
	}
	return true, false
}

func (a *edit) applies(number int, line string, last bool) bool {
	switch {
	case !a.from.given():
		return true
	case !a.to.given():
		return a.from.at(number, line, last)
	case a.inside:
		a.inside = a.to.re != nil && !a.to.at(number, line, last) || a.to.line < 0 && !last || a.to.line > number
		return true
	case a.from.at(number, line, last):
		a.inside = a.to.re != nil || a.to.line < 0 && !last || a.to.line > number
		return true
	}
	return false
}

// substitute replaces matches in a line and says whether there was one.
func (a *edit) substitute(line *string) bool {
	var b strings.Builder
	end, done := 0, false
	for i, match := range a.re.FindAllStringSubmatchIndex(*line, -1) {
		if i+1 < a.nth {
			continue
		}
		done = true
		b.WriteString((*line)[end:match[0]])
		for _, piece := range a.with {
			switch {
			case piece.group < 0:
				b.WriteString(piece.text)
			case 2*piece.group+1 < len(match) && match[2*piece.group] >= 0:
				b.WriteString((*line)[match[2*piece.group]:match[2*piece.group+1]])
			}
		}
		end = match[1]
		if !a.every {
			break
		}
	}
	*line = b.String() + (*line)[end:]
	return done
}

// script reads sed's commands.
type script struct {
	d    dialect
	text string
}

func (p *script) parse(text string) ([]*edit, error) {
	p.text = text
	var edits []*edit
	for {
		p.text = strings.TrimLeft(p.text, " \t\n;")
		if p.text == "" {
			return edits, nil
		}
		at, err := p.edit()
		if err != nil {
			return nil, err
		}
		edits = append(edits, at)
	}
}

func (p *script) edit() (*edit, error) {
	at := &edit{nth: 1}
	var err error
	if at.from, err = p.address(); err != nil {
		return nil, err
	}
	if rest, ranged := strings.CutPrefix(p.text, ","); ranged {
		p.text = strings.TrimLeft(rest, " ")
		if at.to, err = p.address(); err != nil {
			return nil, err
		}
		if !at.to.given() || !at.from.given() {
			return nil, errors.New("a range needs two ends")
		}
	}
	p.text = strings.TrimLeft(p.text, " ")
	if rest, negated := strings.CutPrefix(p.text, "!"); negated {
		at.negated, p.text = true, strings.TrimLeft(rest, " ")
	}
	if p.text == "" {
		return nil, errors.New("missing command")
	}
	at.command = p.text[0]
	p.text = p.text[1:]
	switch at.command {
	case 'p', 'd', 'q', '=':
	case 's':
		if err := p.substitution(at); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("unsupported command %c", at.command)
	}
	p.text = strings.TrimLeft(p.text, " \t")
	if p.text != "" && p.text[0] != ';' && p.text[0] != '\n' {
		return nil, fmt.Errorf("extra characters after command %c", at.command)
	}
	return at, nil
}

func (p *script) address() (address, error) {
	switch {
	case strings.HasPrefix(p.text, "$"):
		p.text = p.text[1:]
		return address{line: -1}, nil
	case strings.HasPrefix(p.text, "/"):
		pattern, err := p.until('/')
		if err != nil {
			return address{}, err
		}
		re, err := p.d.compile(pattern)
		return address{re: re}, err
	}
	digits := len(p.text) - len(strings.TrimLeft(p.text, "0123456789"))
	if digits == 0 {
		return address{}, nil
	}
	n, err := strconv.Atoi(p.text[:digits])
	p.text = p.text[digits:]
	if err == nil && n == 0 {
		err = errors.New("lines are counted from 1")
	}
	return address{line: n}, err
}

// until reads what stands between the delimiter at the start of the text and the next one that has no backslash.
func (p *script) until(delimiter byte) (string, error) {
	var b strings.Builder
	for i := 1; i < len(p.text); i++ {
		switch {
		case p.text[i] == delimiter:
			p.text = p.text[i+1:]
			return b.String(), nil
		case p.text[i] == '\\' && i+1 < len(p.text):
			i++
			if p.text[i] != delimiter {
				b.WriteByte('\\')
			}
		}
		b.WriteByte(p.text[i])
	}
	return "", fmt.Errorf("unterminated %c", delimiter)
}

func (p *script) substitution(at *edit) error {
	if p.text == "" {
		return errors.New("unterminated s")
	}
	delimiter := p.text[0]
	pattern, err := p.until(delimiter)
	if err != nil {
		return err
	}
	p.text = string(delimiter) + p.text // the middle one ends the pattern and begins the replacement
	with, err := p.until(delimiter)
	if err != nil {
		return err
	}
	at.with = replacements(with)
	d := p.d
	for p.text != "" && !strings.ContainsRune("; \t\n", rune(p.text[0])) {
		flag := p.text[0]
		p.text = p.text[1:]
		switch {
		case flag == 'g':
			at.every = true
		case flag == 'p':
			at.show = true
		case flag == 'i' || flag == 'I':
			d.fold = true
		case flag >= '1' && flag <= '9':
			at.nth = int(flag - '0')
		default:
			return fmt.Errorf("bad option %c in substitution", flag)
		}
	}
	at.re, err = d.compile(pattern)
	return err
}

// replacements reads text, & and \1.
func replacements(text string) []replacement {
	var pieces []replacement
	var plain strings.Builder
	group := func(n int) {
		pieces = append(pieces, replacement{plain.String(), -1}, replacement{"", n})
		plain.Reset()
	}
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '&':
			group(0)
		case text[i] == '\\' && i+1 < len(text):
			i++
			switch {
			case text[i] >= '0' && text[i] <= '9':
				group(int(text[i] - '0'))
			case text[i] == 'n':
				plain.WriteByte('\n')
			case text[i] == 't':
				plain.WriteByte('\t')
			default:
				plain.WriteByte(text[i])
			}
		default:
			plain.WriteByte(text[i])
		}
	}
	return append(pieces, replacement{plain.String(), -1})
}
