package applet

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// dialect says how a regular expression is written.
type dialect struct {
	extended bool // grep -E, sed -E: ( ) { } + ? | are special without a backslash
	fixed    bool // grep -F: nothing is special
	fold     bool // letters match whatever their case
	word     bool // grep -w: the match is a whole word
	line     bool // grep -x: the match is a whole line
}

// compile turns a POSIX expression into one of Go's, which takes linear time for any pattern. Back references are the
// one thing that cannot be had that way.
func (d dialect) compile(pattern string) (*regexp.Regexp, error) {
	text := regexp.QuoteMeta(pattern)
	if !d.fixed {
		var err error
		if text, err = translatePattern(pattern, d.extended); err != nil {
			return nil, err
		}
	}
	if d.word {
		text = `\b(?:` + text + `)\b`
	}
	if d.line {
		text = `^(?:` + text + `)$`
	}
	if d.fold {
		text = "(?i)" + text
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("bad regex '%s': %w", pattern, err)
	}
	re.Longest()
	return re, nil
}

func translatePattern(pattern string, extended bool) (string, error) { //nolint:revive // the two dialects of POSIX
	var b strings.Builder
	fresh := true // at the start of an expression, where * is a letter
	for i := 0; i < len(pattern); {
		switch letter := pattern[i]; letter {
		case '[':
			set, size := bracket(pattern[i:])
			b.WriteString(set)
			i += size
			fresh = false
			continue
		case '\\':
			if i+1 == len(pattern) {
				return "", errors.New("trailing backslash")
			}
			piece, err := escaped(pattern[i+1], extended)
			if err != nil {
				return "", err
			}
			b.WriteString(piece)
			fresh = piece == "(" || piece == "|"
			i += 2
			continue
		case '*':
			if fresh && !extended {
				b.WriteByte('\\')
			}
			b.WriteByte('*')
		case '(', ')', '{', '}', '+', '?', '|':
			if !extended {
				b.WriteByte('\\')
			}
			b.WriteByte(letter)
		default:
			b.WriteByte(letter)
		}
		fresh = fresh && pattern[i] == '^'
		i++
	}
	return b.String(), nil
}

// escaped gives what a backslash and a letter mean.
func escaped(letter byte, extended bool) (string, error) {
	switch {
	case strings.IndexByte("(){}+?|", letter) >= 0 && !extended:
		return string(letter), nil
	case letter == '<' || letter == '>':
		return `\b`, nil
	case letter >= '1' && letter <= '9':
		return "", fmt.Errorf(`back reference \%c: not to be had in this shell`, letter)
	case strings.IndexByte("wWsSbBdDnt", letter) >= 0:
		return `\` + string(letter), nil
	}
	return regexp.QuoteMeta(string(letter)), nil
}

// bracket copies a set such as [^]a-z[:digit:]\] and says how long it was; an open one is a letter.
func bracket(pattern string) (set string, size int) {
	i := 1
	for i < len(pattern) && (pattern[i] == '^' && i == 1 || pattern[i] == ']' && (i == 1 || i == 2 && pattern[1] == '^')) {
		i++
	}
	for i < len(pattern) && pattern[i] != ']' {
		if end := strings.Index(pattern[i:], ":]"); strings.HasPrefix(pattern[i:], "[:") && end > 0 {
			i += end + 1
		}
		i++
	}
	if i >= len(pattern) {
		return `\[`, 1
	}
	return strings.ReplaceAll(pattern[:i+1], `\`, `\\`), i + 1
}
