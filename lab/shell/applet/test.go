package applet

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/furl-dev/furl/lab/shell/confine"
	"golang.org/x/term"
)

// test evaluates a condition: 0 is true, 1 is false, 2 is a mistake in it.
func test(_ context.Context, c *Call) int {
	words := c.Args
	if c.Name == "[" {
		if len(words) == 0 || words[len(words)-1] != "]" {
			c.fail("missing ]")
			return usage
		}
		words = words[:len(words)-1]
	}
	if len(words) == 0 {
		return failure
	}
	e := condition{call: c, words: words}
	truth := e.or()
	if e.mistake == "" && len(e.words) > 0 {
		e.mistake = e.words[0] + ": unknown operand"
	}
	if e.mistake != "" {
		c.fail("%s", e.mistake)
		return usage
	}
	if truth {
		return ok
	}
	return failure
}

// condition is a recursive descent over the words of a test: or, and, not, primary.
type condition struct {
	call    *Call
	words   []string
	mistake string
}

func (e *condition) take() string {
	if len(e.words) == 0 {
		e.mistake = "argument expected"
		return ""
	}
	word := e.words[0]
	e.words = e.words[1:]
	return word
}

func (e *condition) is(word string) bool {
	if len(e.words) == 0 || e.words[0] != word {
		return false
	}
	e.words = e.words[1:]
	return true
}

func (e *condition) or() bool {
	truth := e.and()
	for e.mistake == "" && e.is("-o") {
		right := e.and()
		truth = truth || right
	}
	return truth
}

func (e *condition) and() bool {
	truth := e.not()
	for e.mistake == "" && e.is("-a") {
		right := e.not()
		truth = truth && right
	}
	return truth
}

func (e *condition) not() bool {
	// "!" before an operator is a word: [ ! = x ].
	if len(e.words) > 1 && e.words[0] == "!" && (len(e.words) < 3 || !binary(e.words[1])) {
		e.words = e.words[1:]
		return !e.not()
	}
	return e.primary()
}

func (e *condition) primary() bool {
	switch {
	case len(e.words) >= 3 && binary(e.words[1]):
		left, operator, right := e.take(), e.take(), e.take()
		return e.compare(left, operator, right)
	case len(e.words) >= 3 && e.words[0] == "(":
		e.take()
		truth := e.or()
		if !e.is(")") && e.mistake == "" {
			e.mistake = "closing paren expected"
		}
		return truth
	case len(e.words) >= 2 && len(e.words[0]) == 2 && e.words[0][0] == '-' && strings.Contains("bcdefghknprstuwxzLOGS", e.words[0][1:]):
		operator, word := e.take(), e.take()
		return e.unary(operator[1], word)
	}
	return e.take() != ""
}

func binary(word string) bool {
	switch word {
	case "=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef":
		return true
	}
	return false
}

func (e *condition) compare(left, operator, right string) bool {
	switch operator {
	case "=", "==":
		return left == right
	case "!=":
		return left != right
	case "<":
		return left < right
	case ">":
		return left > right
	case "-nt", "-ot", "-ef":
		return e.compareFiles(left, operator, right)
	}
	a, b := e.integer(left), e.integer(right)
	switch operator {
	case "-eq":
		return a == b
	case "-ne":
		return a != b
	case "-lt":
		return a < b
	case "-le":
		return a <= b
	case "-gt":
		return a > b
	}
	return a >= b
}

func (e *condition) integer(word string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(word), 10, 64)
	if err != nil {
		e.mistake = fmt.Sprintf("%s: bad number", word)
	}
	return n
}

func (e *condition) compareFiles(left, operator, right string) bool {
	a, errA := e.stat(left)
	b, errB := e.stat(right)
	switch operator {
	case "-ef":
		return errA == nil && errB == nil && os.SameFile(a, b)
	case "-ot":
		a, errA, b, errB = b, errB, a, errA
	}
	return errA == nil && (errB != nil || a.ModTime().After(b.ModTime()))
}

func (e *condition) stat(name string) (fs.FileInfo, error) {
	return e.call.host.Files.Stat(e.call.Dir, name)
}

func (e *condition) unary(operator byte, word string) bool {
	switch operator {
	case 'n':
		return word != ""
	case 'z':
		return word == ""
	case 't':
		return e.terminal(word)
	case 'h', 'L':
		at, err := e.call.host.Files.Lstat(e.call.Dir, word)
		return err == nil && at.Mode()&fs.ModeSymlink != 0
	}
	at, err := e.stat(word)
	return err == nil && holds(operator, at)
}

// holds answers what is asked of a file that is there.
func holds(operator byte, at fs.FileInfo) bool {
	mode := at.Mode()
	switch operator {
	case 'f':
		return mode.IsRegular()
	case 'd':
		return mode.IsDir()
	case 's':
		return at.Size() > 0
	case 'r':
		return confine.Allowed(at, 4)
	case 'w':
		return confine.Allowed(at, 2)
	case 'x':
		return confine.Allowed(at, 1)
	case 'c':
		return mode&fs.ModeCharDevice != 0
	case 'b':
		return mode&fs.ModeDevice != 0 && mode&fs.ModeCharDevice == 0
	case 'p':
		return mode&fs.ModeNamedPipe != 0
	case 'S':
		return mode&fs.ModeSocket != 0
	case 'u':
		return mode&fs.ModeSetuid != 0
	case 'g':
		return mode&fs.ModeSetgid != 0
	case 'k':
		return mode&fs.ModeSticky != 0
	case 'O', 'G':
		return confine.Owned(at, operator == 'G')
	}
	return true // -e
}

func (e *condition) terminal(word string) bool {
	var stream any
	switch e.integer(word) {
	case 0:
		stream = e.call.Stdin
	case 1:
		stream = e.call.Stdout
	case 2:
		stream = e.call.Stderr
	}
	file, isFile := stream.(*os.File)
	return isFile && file != nil && term.IsTerminal(int(file.Fd()))
}
