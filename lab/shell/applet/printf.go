package applet

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// widest bounds the width and precision of one field, so that a script cannot ask for a gigabyte of blanks.
const widest = 4096

// printf prints arguments by a format, which is used again while arguments remain.
func printf(_ context.Context, c *Call) int {
	if len(c.Args) == 0 {
		return c.fail("give a FORMAT")
	}
	p := formatter{call: c, args: c.Args[1:]}
	for {
		before := len(p.args)
		if p.once(c.Args[0]) || len(p.args) == 0 || len(p.args) == before {
			return p.status
		}
	}
}

type formatter struct {
	call   *Call
	args   []string
	status int
}

// once prints the format one time; it says true when \c ended the output.
func (p *formatter) once(format string) bool {
	for format != "" {
		switch {
		case strings.HasPrefix(format, "%%"):
			p.call.print("%")
			format = format[2:]
		case format[0] == '%':
			var stop bool
			if format, stop = p.directive(format); stop {
				return true
			}
		case format[0] == '\\':
			text, size, stop := escape(format, false)
			p.call.print(text)
			if stop {
				return true
			}
			format = format[size:]
		default:
			end := strings.IndexAny(format, `%\`)
			if end < 0 {
				end = len(format)
			}
			p.call.print(format[:end])
			format = format[end:]
		}
	}
	return false
}

// directive prints one %… and gives the format after it.
func (p *formatter) directive(format string) (rest string, stop bool) {
	end := 1 + len(format[1:]) - len(strings.TrimLeft(format[1:], "-+ #0123456789.*hlLjzt"))
	if end == len(format) {
		p.status = p.call.fail("%s: invalid format", format)
		return "", true
	}
	flags := strings.NewReplacer("h", "", "l", "", "L", "", "j", "", "z", "", "t", "").Replace(format[1:end])
	for strings.Contains(flags, "*") {
		flags = strings.Replace(flags, "*", strconv.FormatInt(p.integer(p.next()), 10), 1)
	}
	if !bounded(flags) {
		p.status = p.call.fail("%s: a field is %d wide at most", format[:end+1], widest)
		return "", true
	}
	verb := format[end]
	switch verb {
	case 's':
		p.printf("%"+flags+"s", p.next())
	case 'b':
		text, ended := unescape(p.next(), true)
		p.printf("%"+flags+"s", text)
		stop = ended
	case 'c':
		_, size := utf8.DecodeRuneInString(p.peek())
		p.printf("%"+flags+"s", p.next()[:size])
	case 'd', 'i':
		p.printf("%"+flags+"d", p.integer(p.next()))
	case 'u':
		p.printf("%"+flags+"d", uint64(p.integer(p.next()))) //nolint:gosec // C's %u shows a negative number's bits
	case 'x', 'X', 'o':
		p.printf("%"+flags+string(verb), uint64(p.integer(p.next()))) //nolint:gosec // as C does
	case 'e', 'E', 'f', 'F', 'g', 'G':
		p.printf("%"+flags+string(verb), p.number(p.next()))
	default:
		p.status = p.call.fail("%%%c: invalid format", verb)
		return "", true
	}
	return format[end+1:], stop
}

// bounded looks at the numbers among a directive's flags.
func bounded(flags string) bool {
	for _, digits := range strings.FieldsFunc(flags, func(r rune) bool { return r < '0' || r > '9' }) {
		if n, err := strconv.Atoi(digits); err != nil || n > widest {
			return false
		}
	}
	return true
}

func (p *formatter) printf(format string, value any) {
	_, _ = fmt.Fprintf(p.call.out, format, value) // Do reports a lost reader
}

func (p *formatter) peek() string {
	if len(p.args) == 0 {
		return ""
	}
	return p.args[0]
}

func (p *formatter) next() string {
	word := p.peek()
	if len(p.args) > 0 {
		p.args = p.args[1:]
	}
	return word
}

// integer reads 12, 0x1f, 017 or 'a, the value of a letter.
func (p *formatter) integer(word string) int64 {
	if len(word) > 1 && (word[0] == '\'' || word[0] == '"') {
		r, _ := utf8.DecodeRuneInString(word[1:])
		return int64(r)
	}
	if word == "" {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(word), 0, 64)
	if err != nil {
		p.status = p.call.fail("invalid number '%s'", word)
	}
	return n
}

func (p *formatter) number(word string) float64 {
	if word == "" {
		return 0
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
	if err != nil {
		p.status = p.call.fail("invalid number '%s'", word)
	}
	return n
}

// unescape resolves every backslash of a text; stop says that \c ended it. In an argument of echo -e and %b, an octal
// number begins with a zero.
func unescape(text string, argument bool) (plain string, stop bool) {
	var b strings.Builder
	for text != "" {
		if text[0] != '\\' {
			b.WriteByte(text[0])
			text = text[1:]
			continue
		}
		piece, size, end := escape(text, argument)
		b.WriteString(piece)
		if end {
			return b.String(), true
		}
		text = text[size:]
	}
	return b.String(), false
}

// escape resolves the backslash at the start of text and says how many bytes it took.
func escape(text string, argument bool) (piece string, size int, stop bool) {
	if len(text) == 1 {
		return `\`, 1, false
	}
	if at := strings.IndexByte(`abfnrtv\e`, text[1]); at >= 0 {
		return "\a\b\f\n\r\t\v\\\x1b"[at : at+1], 2, false
	}
	switch {
	case text[1] == 'c':
		return "", 2, true
	case text[1] == 'x':
		return code(text, 2, 2, 16)
	case argument && text[1] == '0':
		return code(text, 2, 3, 8)
	case text[1] >= '0' && text[1] <= '7':
		return code(text, 1, 3, 8)
	case text[1] == '"' && !argument:
		return `"`, 2, false
	}
	return text[:2], 2, false
}

// code reads a byte's number of at most digits digits that begins at from.
func code(text string, from, digits, base int) (piece string, size int, stop bool) {
	end := from
	for end < len(text) && end < from+digits {
		if _, err := strconv.ParseUint(text[end:end+1], base, 8); err != nil {
			break
		}
		end++
	}
	if end == from {
		if base == 8 {
			return "\x00", end, false
		}
		return text[:end], end, false
	}
	n, _ := strconv.ParseUint(text[from:end], base, 16) // its digits were just checked
	return string([]byte{byte(n & 0xff)}), end, false
}
