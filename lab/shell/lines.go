package shell

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"mvdan.cc/sh/v3/syntax"
)

// lineReader gives a script from standard input a line at a time and never reads ahead: what follows a command belongs
// to the command if it reads.
type lineReader struct {
	file *os.File
	last byte

	mu          sync.Mutex // guards what follows
	waiting     bool       // for the next line, from before its prompt until it runs
	interrupted bool
}

var errInterrupted = errors.New("interrupted at the prompt")

// Read implements io.Reader for the parser; a last line without its end is given one.
func (l *lineReader) Read(p []byte) (int, error) {
	if l.file == nil || len(p) == 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) {
		got, err := l.file.Read(p[n : n+1])
		n += got
		if got > 0 {
			l.last = p[n-1]
		}
		switch {
		case got > 0 && l.last == '\n':
			return n, nil
		case err == nil:
			continue
		case l.taken():
			return 0, errInterrupted
		case errors.Is(err, io.EOF) && l.last != '\n' && l.last != 0 && n < len(p):
			p[n], l.last = '\n', '\n'
			return n + 1, nil
		}
		return n, err
	}
	return n, nil
}

// wait begins the wait for a line: from now on Ctrl-C is about what is typed.
func (l *lineReader) wait() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = true
}

// end ends the wait, for there is a line to run, unless Ctrl-C came in between.
func (l *lineReader) end() (interrupted bool) {
	l.mu.Lock()
	l.waiting = false
	l.mu.Unlock()
	return l.taken()
}

// interrupt ends the wait for a line, whether it is read already or will be, and says whether there was one.
func (l *lineReader) interrupt() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.waiting {
		return false
	}
	l.interrupted = l.file.SetReadDeadline(time.Unix(1, 0)) == nil
	return true
}

// taken says whether the wait that just ended was interrupted, and makes the file readable again.
func (l *lineReader) taken() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.interrupted {
		return false
	}
	l.interrupted = false
	_ = l.file.SetReadDeadline(time.Time{}) // it had one a moment ago
	return true
}

// interrupt is Ctrl-C in an interactive shell: it ends the line that runs, or the line that is typed.
func (at *session) interrupt() {
	if !at.input.interrupt() {
		at.self.drop()
	}
}

// lines runs what standard input gives, line after line, with prompts when somebody types.
func (at *session) lines() int {
	at.input = &lineReader{file: at.c.Stdin}
	status := 0
	for {
		parser := syntax.NewParser()
		at.input.wait()
		at.prompt("PS1")
		next := false
		for stmts, err := range parser.InteractiveSeq(at.input) {
			if errors.Is(err, errInterrupted) {
				fmt.Fprintln(at.c.Stdout)
				next = true
				break
			}
			if err != nil {
				status = at.syntaxError(err)
				next = at.interactive
				break
			}
			if parser.Incomplete() {
				at.prompt("PS2")
				continue
			}
			var ended bool
			if status, ended = at.line(slices.Clone(stmts)); ended {
				return status
			}
			at.input.wait()
			at.prompt("PS1")
		}
		if !next {
			break
		}
	}
	if at.interactive {
		fmt.Fprintln(at.c.Stdout)
	}
	return status
}

// dropped begins a new line on the screen, with the status of one that Ctrl-C ended.
func (at *session) dropped() int {
	fmt.Fprintln(at.c.Stdout)
	return at.run(&syntax.File{Name: at.name, Stmts: []*syntax.Stmt{call(statusWord, "130")}})
}

// line runs one line; ended says that it was the last.
func (at *session) line(stmts []*syntax.Stmt) (status int, ended bool) {
	if at.input.end() {
		return at.dropped(), false
	}
	file := &syntax.File{Name: at.name, Stmts: stmts}
	if err := rewrite(file); err != nil {
		return at.syntaxError(err), !at.interactive
	}
	at.note(file)
	status = at.run(file)
	if at.self.isDropped() {
		at.self.resume()
		return at.dropped(), false
	}
	return status, at.runner.Exited() || at.self.why() != nil
}

// prompt invites to type, in an interactive shell.
func (at *session) prompt(variable string) {
	if !at.interactive {
		return
	}
	text := at.runner.Vars[variable].String()
	if variable == "PS2" {
		fmt.Fprint(at.c.Stdout, cmp.Or(text, "> "))
		return
	}
	mark := "$"
	if os.Getuid() == 0 {
		mark = "#"
	}
	text = cmp.Or(text, `\w \$ `)
	fmt.Fprint(at.c.Stdout, strings.NewReplacer(`\w`, at.runner.Dir, `\$`, mark, `\h`, at.c.Getenv("HOSTNAME"), `\u`, "root").Replace(text))
}
