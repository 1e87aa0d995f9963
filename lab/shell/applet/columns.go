package applet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// span is one piece of a list such as "1,3-5,7-"; last 0 is the end of the line.
type span struct{ first, last int }

func spans(text string) ([]span, error) {
	var list []span
	for piece := range strings.SplitSeq(text, ",") {
		from, to, ranged := strings.Cut(piece, "-")
		s := span{1, 0}
		var err error
		if from != "" {
			s.first, err = strconv.Atoi(from)
		}
		if err == nil && to != "" {
			s.last, err = strconv.Atoi(to)
		}
		if !ranged {
			s.last = s.first
		}
		if err != nil || s.first < 1 || (s.last != 0 && s.last < s.first) || piece == "-" || piece == "" {
			return nil, fmt.Errorf("invalid list '%s'", text)
		}
		list = append(list, s)
	}
	return list, nil
}

func chosen(list []span, n int) bool {
	for _, s := range list {
		if n >= s.first && (s.last == 0 || n <= s.last) {
			return true
		}
	}
	return false
}

func cut(_ context.Context, c *Call) int {
	o, names, fine := c.options("b:c:f:d:sn")
	if !fine {
		return failure
	}
	for _, letter := range []string{"f", "c", "b"} {
		text, given := o.last(letter)
		if !given {
			continue
		}
		list, err := spans(text)
		if err != nil {
			return c.fail("%v", err)
		}
		delimiter, given := o.last("d")
		if !given {
			delimiter = "\t"
		}
		return c.eachLine(names, func(line string) error {
			if letter == "f" {
				c.cutFields(line, delimiter, list, o.has("s"))
			} else {
				c.cutLetters(line, letter == "b", list)
			}
			return nil
		})
	}
	return c.fail("expected a list of bytes, characters, or fields")
}

func (c *Call) cutFields(line, delimiter string, list []span, only bool) { //nolint:revive // cut -s
	fields := strings.Split(line, delimiter)
	if len(fields) == 1 {
		if !only {
			c.print(line, "\n")
		}
		return
	}
	var kept []string
	for i, field := range fields {
		if chosen(list, i+1) {
			kept = append(kept, field)
		}
	}
	c.print(strings.Join(kept, delimiter), "\n")
}

func (c *Call) cutLetters(line string, raw bool, list []span) { //nolint:revive // cut -b beside -c
	letters := strings.Split(line, "")
	if raw {
		letters = letters[:0]
		for i := range len(line) {
			letters = append(letters, line[i:i+1])
		}
	}
	for i, letter := range letters {
		if chosen(list, i+1) {
			c.print(letter)
		}
	}
	c.print("\n")
}

// translate is tr: it replaces, deletes or squeezes letters of standard input.
func translate(_ context.Context, c *Call) int {
	o, sets, fine := c.options("+cCds")
	if !fine {
		return failure
	}
	wanted := 2
	if o.has("d") != o.has("s") {
		wanted = 1
	}
	if len(sets) < wanted || len(sets) > 2 {
		return c.fail("give SET1 and, to replace, SET2")
	}
	from, err := letters(sets[0])
	if err != nil {
		return c.fail("%v", err)
	}
	var to []rune
	if len(sets) == 2 {
		if to, err = letters(sets[1]); err != nil {
			return c.fail("%v", err)
		}
	}
	t := translation{
		from: place(from), to: to, place: place(to), rest: o.has("c") || o.has("C"),
		remove: o.has("d"), squeeze: o.has("s"), only: len(sets) == 1,
	}
	return c.each(nil, func(_ string, r *bufio.Reader) error { return t.run(r, c.out) })
}

func place(set []rune) map[rune]int {
	places := make(map[rune]int, len(set))
	for i, r := range set {
		places[r] = i
	}
	return places
}

type translation struct {
	from, place map[rune]int
	to          []rune
	rest        bool // the set is all letters but those named
	remove      bool
	squeeze     bool
	only        bool // one set is given
}

func (t translation) run(r *bufio.Reader, w *bufio.Writer) error {
	last := rune(-1)
	for {
		letter, size, err := r.ReadRune()
		if err != nil {
			return ignoreEnd(err)
		}
		if letter == '\uFFFD' && size == 1 {
			return errors.New("input is not UTF-8")
		}
		letter, hit, kept := t.letter(letter)
		_, second := t.place[letter]
		if !kept || t.squeeze && letter == last && (t.only && hit || !t.only && second) {
			continue
		}
		last = letter
		if _, err := w.WriteRune(letter); err != nil {
			return err
		}
	}
}

// letter gives what becomes of one letter, whether it was in the first set, and whether anything is left of it.
func (t translation) letter(letter rune) (became rune, hit, kept bool) {
	at, in := t.from[letter]
	switch hit = in != t.rest; {
	case !hit || len(t.to) == 0 && !t.remove:
		return letter, hit, true
	case t.remove:
		return letter, true, false
	case t.rest:
		at = len(t.to) - 1
	}
	return t.to[min(at, len(t.to)-1)], true, true
}

// letters writes a set such as "a-z", "[:digit:]" or "\n" out.
func letters(set string) ([]rune, error) {
	classes := strings.NewReplacer(
		"[:alpha:]", "A-Za-z", "[:digit:]", "0-9", "[:alnum:]", "0-9A-Za-z", "[:upper:]", "A-Z", "[:lower:]", "a-z",
		"[:space:]", "\t-\r ", "[:blank:]", "\t ", "[:punct:]", `!-/:-@[-\`+"`{-~", "[:cntrl:]", "\x00-\x1f\x7f", "[:xdigit:]", "0-9A-Fa-f",
	)
	plain := []rune(classes.Replace(set))
	var out []rune
	for i := 0; i < len(plain); i++ {
		r := plain[i]
		if r == '\\' && i+1 < len(plain) {
			text, size, _ := escape(string(plain[i:]), false)
			if unescaped := []rune(text); len(unescaped) > 0 && size > 1 {
				r = unescaped[len(unescaped)-1]
			}
			i += size - 1
		}
		if i+2 < len(plain) && plain[i+1] == '-' {
			last := plain[i+2]
			if last < r || last-r > 1<<16 {
				return nil, fmt.Errorf("range '%c-%c' is in reverse order", r, last)
			}
			for ; r <= last; r++ {
				out = append(out, r)
			}
			i += 2
			continue
		}
		out = append(out, r)
	}
	return out, nil
}

// xargs runs a command with words read from standard input.
func xargs(ctx context.Context, c *Call) int {
	o, command, fine := c.options("+n:I:L:P:r0tx", "no-run-if-empty>r", "null>0", "max-args=>n", "replace=>I")
	if !fine {
		return failure
	}
	if len(command) == 0 {
		command = []string{"echo"}
	}
	limit := 1000 // words a run, well under what a system allows
	if text, given := o.last("n"); given {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return c.fail("invalid number '%s'", text)
		}
		limit = n
	}
	text, err := c.input()
	if err != nil {
		return c.fail("%s", reason(err))
	}
	mark, replacing := o.last("I")
	words, err := inputWords(text, o.has("0"), replacing)
	if err != nil {
		return c.fail("%v", err)
	}
	if replacing {
		return c.runAll(ctx, o, replaced(command, mark, words))
	}
	if len(words) == 0 && !o.has("r") {
		return c.runAll(ctx, o, [][]string{command})
	}
	return c.runAll(ctx, o, appended(command, words, limit))
}

// replaced gives a command line for each word, with the word in place of the mark.
func replaced(command []string, mark string, words []string) [][]string {
	list := make([][]string, 0, len(words))
	for _, word := range words {
		line := make([]string, len(command))
		for i, piece := range command {
			line[i] = strings.ReplaceAll(piece, mark, word)
		}
		list = append(list, line)
	}
	return list
}

// appended gives command lines of up to limit words after the command.
func appended(command, words []string, limit int) [][]string {
	var list [][]string
	for piece := range slices.Chunk(words, limit) {
		list = append(list, slices.Concat(command, piece))
	}
	return list
}

// runAll runs command lines one after the other, and gives the status of xargs for theirs.
func (c *Call) runAll(ctx context.Context, o options, list [][]string) int {
	status := ok
	for _, line := range list {
		if o.has("t") {
			fmt.Fprintln(c.Stderr, strings.Join(line, " "))
		}
		got := c.Run(ctx, *c, line)
		switch {
		case got == NotFound || got == NotRunnable || got == 255:
			return got
		case got != ok:
			status = 123
		}
		if ctx.Err() != nil {
			return failure
		}
	}
	return status
}

func (c *Call) input() (string, error) {
	file, err := c.open("-")
	if err != nil {
		return "", err
	}
	text, err := all(file)
	return string(text), err
}

// inputWords cuts xargs' input: at NUL, at line ends, or at blanks with quotes heeded.
func inputWords(text string, null, whole bool) ([]string, error) {
	switch {
	case null:
		return strings.FieldsFunc(text, func(r rune) bool { return r == 0 }), nil
	case whole:
		var words []string
		for line := range strings.Lines(text) {
			if line = strings.TrimLeft(strings.TrimSuffix(line, "\n"), " \t"); line != "" {
				words = append(words, line)
			}
		}
		return words, nil
	}
	var words []string
	var word strings.Builder
	var quote rune
	inWord, escaped := false, false
	for _, r := range text {
		switch {
		case escaped:
			escaped = false
			word.WriteRune(r)
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\\':
			escaped, inWord = true, true
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case strings.ContainsRune(" \t\n", r):
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			inWord = true
			word.WriteRune(r)
		}
	}
	if quote != 0 {
		return nil, errors.New("unterminated quote")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}
