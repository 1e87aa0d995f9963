package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/furl-dev/furl/lab/shell/applet"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// session is one run of sh: a script, or an interactive shell.
type session struct {
	sh          *Shell
	c           applet.Call
	self        *process
	runner      *interp.Runner
	name        string // $0
	interactive bool
	input       *lineReader // of an interactive shell or a script on standard input

	mu      sync.Mutex                  // guards what follows
	watches map[string]applet.Stopwatch // of commands that are timed
	shadows map[string]bool             // functions named as builtins of ours
}

// limits of a script, far above what a pod's script needs.
const maxScript = 4 << 20

// invocation is what sh was asked for.
type invocation struct {
	options []string // for set, such as -e
	script  string   // text of -c
	command bool     // -c was given
	file    string   // script file
	name    string   // $0
	params  []string
	prompt  bool // -i
}

// sh is the command of that name.
func (s *Shell) sh(ctx context.Context, c *applet.Call) int {
	in, err := invoked(c.Args)
	if err != nil {
		fmt.Fprintf(c.Stderr, "sh: %v\n", err)
		return 2
	}
	if in.file != "" {
		file, err := s.files.Open(c.Dir, in.file)
		if err != nil {
			fmt.Fprintf(c.Stderr, "sh: can't open '%s': %v\n", in.file, errors.Unwrap(err))
			return 2
		}
		text, err := io.ReadAll(io.LimitReader(file, maxScript))
		if err = errors.Join(err, file.Close()); err != nil {
			fmt.Fprintf(c.Stderr, "sh: can't read '%s': %v\n", in.file, err)
			return 2
		}
		in.script, in.command = string(text), true
	}
	parent := processOf(ctx)
	at := &session{
		sh: s, c: *c, name: in.name, interactive: !in.command && (in.prompt || terminal(c.Stdin)),
		watches: map[string]applet.Stopwatch{}, shadows: map[string]bool{},
	}
	at.self = s.adopt(ctx, parent, strings.Join(append([]string{c.Name}, c.Args...), " "))
	defer s.table.forget(at.self)
	if err := at.prepare(in); err != nil { //nolint:contextcheck // a script lives as long as its process
		fmt.Fprintf(c.Stderr, "sh: %v\n", err)
		return 2
	}
	s.push(at)
	defer s.pop(at)
	if in.command {
		return at.finish(ctx, at.script(in)) //nolint:contextcheck // as above
	}
	return at.finish(ctx, at.lines()) //nolint:contextcheck // as above
}

// adopt makes a process for a script: the program's own first process runs its only script itself.
func (s *Shell) adopt(ctx context.Context, parent *process, command string) *process {
	s.mu.Lock()
	first := parent != nil && s.single == parent
	if first {
		s.single = nil
	}
	s.mu.Unlock()
	if first {
		return parent
	}
	number := 0
	if parent != nil {
		number = parent.pid
	}
	return s.table.start(ctx, number, command, s.o.Now())
}

func invoked(args []string) (invocation, error) {
	in := invocation{name: "sh"}
	for len(args) > 0 && len(args[0]) > 1 && (args[0][0] == '-' || args[0][0] == '+') {
		word := args[0]
		args = args[1:]
		if word == "--" {
			break
		}
		for _, letter := range word[1:] {
			switch {
			case letter == 'c':
				in.command = true
			case letter == 'i':
				in.prompt = true
			case letter == 'o' && len(args) > 0:
				in.options = append(in.options, word[:1]+"o", args[0])
				args = args[1:]
			case strings.ContainsRune("aefnux", letter):
				in.options = append(in.options, word[:1]+string(letter))
			case strings.ContainsRune("lsv", letter): // a login shell, standard input, verbose: nothing to do
			default:
				return in, fmt.Errorf("illegal option -%c", letter)
			}
		}
	}
	switch {
	case in.command && len(args) == 0:
		return in, errors.New("-c requires an argument")
	case in.command:
		in.script, args = args[0], args[1:]
		if len(args) > 0 {
			in.name, args = args[0], args[1:]
		}
	case len(args) > 0:
		in.file, in.name, args = args[0], args[0], args[1:]
	}
	in.params = args
	return in, nil
}

// nowhere cannot be a folder on any system. The interpreter would make named pipes for process substitution in the
// folder for temporary files; here there is none.
const nowhere = "/dev/null/none"

// prepare makes the interpreter, with every door to the host replaced by ours.
func (at *session) prepare(in invocation) error {
	environ := at.c.Environ()
	temporary := at.c.Getenv("TMPDIR")
	environ = slices.DeleteFunc(environ, func(e string) bool { return strings.HasPrefix(e, "TMPDIR=") })
	options := []interp.RunnerOption{
		interp.Env(expand.ListEnviron(append(environ, "TMPDIR="+nowhere)...)),
		interp.Dir("/"),
		interp.StdIO(at.c.Stdin, at.c.Stdout, at.c.Stderr),
		interp.CallHandler(at.call),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return at.exec }),
		interp.OpenHandler(at.open),
		interp.StatHandler(at.stat),
		interp.AccessHandler(at.access),
		interp.ReadDirHandler2(at.readDir),
		interp.Params(append(append(in.options, "--"), in.params...)...),
		interp.Interactive(true), // aliases work in scripts of ash
	}
	if at.c.Stdin == nil {
		options[2] = interp.StdIO(nil, at.c.Stdout, at.c.Stderr)
	}
	runner, err := interp.New(options...)
	if err != nil {
		return err
	}
	at.runner = runner
	runner.Reset()
	start := fmt.Sprintf("%s=%d; unset TMPDIR; cd %s; unset OLDPWD", pidVariable, at.self.pid, quote(at.c.Dir))
	if temporary != "" {
		start += "; export TMPDIR=" + quote(temporary)
	}
	file, err := syntax.NewParser().Parse(strings.NewReader(start), "sh")
	if err != nil {
		return err
	}
	if err := at.runner.Run(at.self.life(), file); err != nil && !isStatus(err) {
		return err
	}
	return nil
}

func isStatus(err error) bool {
	var status interp.ExitStatus
	return errors.As(err, &status)
}

// quote writes a word so that a script reads it as it is.
func quote(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// script runs a whole text.
func (at *session) script(in invocation) int {
	file, err := at.parse(in.script, at.name)
	if err != nil {
		return at.syntaxError(err)
	}
	return at.run(file)
}

func (at *session) syntaxError(err error) int {
	fmt.Fprintf(at.c.Stderr, "sh: syntax error: %v\n", err)
	return 2
}

// run runs parsed code and gives $?.
func (at *session) run(file *syntax.File) int {
	err := at.runner.Run(at.self.life(), file)
	var status interp.ExitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case at.self.isDropped():
		return 130
	case at.self.why() != nil:
		return at.self.statusOr(1)
	}
	fmt.Fprintf(at.c.Stderr, "sh: %v\n", err)
	return 1
}

// finish runs the traps that are due, and that of EXIT unless a signal ended the script. It gives the script's status.
func (at *session) finish(ctx context.Context, status int) int {
	for at.self.why() == nil {
		action, due := at.self.due()
		if !due {
			break
		}
		at.action(action, status) //nolint:contextcheck // as above
	}
	killed := at.self.killed()
	status = at.self.statusOr(status)
	action, trapped := at.self.trapped("EXIT")
	if trapped && action != "" && !killed {
		at.self.trap("EXIT", "", false)
		at.self.revive(context.WithoutCancel(ctx))
		at.action(action, status) //nolint:contextcheck // as above
		status = at.self.statusOr(status)
	}
	at.sh.table.finish(at.self, status)
	return status
}

// parse reads a script, rewrites it and notes its functions.
func (at *session) parse(source, name string) (*syntax.File, error) {
	file, err := parse(source, name)
	if err == nil {
		at.note(file)
	}
	return file, err
}

// note remembers which of our builtins a script has functions for.
func (at *session) note(file *syntax.File) {
	at.mu.Lock()
	defer at.mu.Unlock()
	syntax.Walk(file, func(node syntax.Node) bool {
		if f, is := node.(*syntax.FuncDecl); is && f.Name != nil {
			if name, ours := strings.CutPrefix(f.Name.Value, ownName("")); ours {
				at.shadows[name] = true
			}
		}
		return true
	})
}

// action runs the text of a trap outside any command.
func (at *session) action(text string, status int) {
	file, err := at.parse(text, at.name)
	if err != nil {
		at.syntaxError(err)
		return
	}
	frame := append([]*syntax.Stmt{call(trapOnWord, strconv.Itoa(status))}, file.Stmts...)
	at.run(&syntax.File{Name: at.name, Stmts: append(frame, call(trapOffWord))})
}

func terminal(f *os.File) bool {
	if f == nil {
		return false
	}
	at, err := f.Stat()
	return err == nil && at.Mode()&os.ModeCharDevice != 0 && isTerminal(f)
}
