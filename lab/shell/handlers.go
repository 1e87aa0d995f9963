package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/furl-dev/furl/lab/shell/applet"
	"github.com/furl-dev/furl/lab/shell/confine"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// errDropped unwinds a line of an interactive shell after Ctrl-C.
var errDropped = errors.New("interrupted")

// process says in which process code runs: a background one, or the script itself.
func (at *session) process(env expand.Environ) *process {
	if pid, err := strconv.Atoi(env.Get(jobVariable).String()); err == nil {
		if p := at.sh.table.find(pid); p != nil && p != at.self {
			return p
		}
	}
	return at.self
}

// call sees every simple command before the interpreter does. It ends what was killed, runs traps that are due, and
// puts our commands where the interpreter's own would not do.
func (at *session) call(ctx context.Context, args []string) ([]string, error) {
	if args[0] == doneWord {
		return args, nil
	}
	hc := interp.HandlerCtx(ctx)
	p := at.process(hc.Env)
	if p.isDropped() {
		return nil, errDropped
	}
	if why := p.why(); why != nil {
		return nil, why
	}
	if action, due := p.due(); due {
		return at.interpose(action, hc.LastExitStatus, args), nil
	}
	direct := false
	for len(args) > 1 && (args[0] == "command" || args[0] == "builtin") {
		if args[1] == "-p" && len(args) > 2 { // with the usual PATH, which is the only one here
			args = args[1:]
		}
		if strings.HasPrefix(args[1], "-") {
			break
		}
		args, direct = args[1:], true
	}
	if !direct && at.shadowed(args[0]) {
		return []string{"eval", fmt.Sprintf("if declare -f %[1]s >/dev/null; then %[1]s %[2]s; else %[3]s %[4]s %[2]s; fi",
			ownName(args[0]), quoted(args[1:]), ownWord, quote(args[0]))}, nil
	}
	return at.replace(p, hc, args)
}

// interpose runs a trap's action, and then the command it came before. The action writes where the shell does, not
// where the command's redirections lead.
func (at *session) interpose(action string, status int, args []string) []string {
	file, err := at.parse(action, at.name)
	if err != nil {
		at.syntaxError(err)
		return args
	}
	next := quoted(args)
	if len(args) == 1 && (args[0] == "exit" || args[0] == "return") {
		next += " " + strconv.Itoa(status) // $? of before the trap
	}
	return []string{"eval", fmt.Sprintf("{\n%s %d\n%s\n%s\n} >%s 2>%s\n%s", trapOnWord, status, printed(file), trapOffWord,
		ownStdout, ownStderr, next)}
}

// quoted writes words so that a script reads them as they are.
func quoted(words []string) string {
	list := make([]string, len(words))
	for i, word := range words {
		list[i] = quote(word)
	}
	return strings.Join(list, " ")
}

// shadowed says whether some script of this shell has named a function as one of our builtins.
func (at *session) shadowed(name string) bool {
	at.mu.Lock()
	defer at.mu.Unlock()
	return at.shadows[name]
}

// unset takes functions away under the names that they are kept by.
func (at *session) unset(args []string) []string {
	out := slices.Clone(args)
	for _, arg := range args[1:] {
		if at.shadowed(arg) {
			out = append(out, ownName(arg))
		}
	}
	return out
}

// replace puts our meaning in the place of a builtin of the interpreter that would reach the host, or that it lacks.
func (at *session) replace(p *process, hc interp.HandlerContext, args []string) ([]string, error) {
	switch name := args[0]; name {
	case "eval":
		return at.eval(strings.Join(args[1:], " ")), nil
	case ".", "source":
		return at.source(hc.Dir, args), nil
	case "type", "command":
		return describeNames(args), nil
	case "exit":
		before, trapped := p.inTrap()
		if !trapped {
			return args, nil
		}
		if len(args) > 1 {
			before, _ = strconv.Atoi(args[1])
		}
		p.stop(ended{status: before & 0xff})
		return nil, p.why()
	case "unset":
		return at.unset(args), nil
	default:
		if replaced(name) {
			return append([]string{ownWord}, args...), nil
		}
	}
	return args, nil
}

func (at *session) eval(source string) []string {
	file, err := at.parse(source, at.name)
	if err != nil {
		return []string{ownWord, syntaxWord, err.Error()}
	}
	return []string{"eval", printed(file)}
}

// syntaxWord tells of a mistake in a text that is about to be run.
const syntaxWord = "syntax error"

// source runs a file of the pod in this shell, as a function, so that return ends it.
func (at *session) source(dir string, args []string) []string {
	if len(args) < 2 {
		return []string{ownWord, syntaxWord, args[0] + ": give a FILE"}
	}
	file, err := at.sh.files.Open(dir, args[1])
	if err != nil {
		return []string{ownWord, syntaxWord, fmt.Sprintf("can't open '%s': %v", args[1], errors.Unwrap(err))}
	}
	text, err := io.ReadAll(io.LimitReader(file, maxScript))
	if err = errors.Join(err, file.Close()); err != nil {
		return []string{ownWord, syntaxWord, fmt.Sprintf("can't read '%s': %v", args[1], err)}
	}
	parsed, err := at.parse(string(text), args[1])
	if err != nil {
		return []string{ownWord, syntaxWord, err.Error()}
	}
	params := `"$@"`
	if len(args) > 2 {
		params = quoted(args[2:])
	}
	return []string{"eval", fmt.Sprintf("_furl_source() {\n:\n%s\n}\n_furl_source %s", printed(parsed), params)}
}

// describeNames answers type and command -v: functions are the interpreter's, everything else is ours.
func describeNames(args []string) []string {
	var b strings.Builder
	for _, name := range args[1:] {
		if strings.HasPrefix(name, "-") {
			continue
		}
		answer := fmt.Sprintf("%s %s %s", ownWord, args[0], quote(name))
		if !syntax.ValidName(name) {
			fmt.Fprintln(&b, answer)
			continue
		}
		found := "echo " + name
		if args[0] == "type" {
			found = "echo " + name + " is a function"
		}
		fmt.Fprintf(&b, "if declare -f %s >/dev/null; then %s; else %s; fi\n", name, found, answer)
	}
	return []string{"eval", b.String()}
}

// exec runs a command that is neither function nor builtin.
func (at *session) exec(ctx context.Context, args []string) error {
	hc := interp.HandlerCtx(ctx)
	p := at.process(hc.Env)
	in, _ := hc.Stdin.(*os.File)
	c := applet.Call{
		Name: args[0], Args: args[1:], Dir: hc.Dir, Stdin: in, Stdout: at.sh.serial(hc.Stdout), Stderr: at.sh.serial(hc.Stderr),
		Getenv:  func(name string) string { return value(hc.Env, name) },
		Environ: func() []string { return exported(hc.Env) },
	}
	if own, is := at.own(args[0]); is {
		return exitStatus(own(ctx, p, hc, &c))
	}
	run, release := p.run(ctx)
	defer release()
	status := at.sh.runWords(inProcess(run, p), c, args)
	if status != 0 && run.Err() != nil {
		status = p.statusOr(130) // it was interrupted
	}
	return exitStatus(status)
}

func exitStatus(status int) error {
	if status == 0 {
		return nil
	}
	return interp.ExitStatus(uint8(status)) //nolint:gosec // statuses are taken modulo 256 everywhere
}

func value(env expand.Environ, name string) string {
	at := env.Get(name)
	if !at.IsSet() || !at.Exported {
		return ""
	}
	return at.String()
}

// exported gives the environment of a command, in order of names.
func exported(env expand.Environ) []string {
	names := map[string]struct{}{}
	for name := range env.Each {
		names[name] = struct{}{}
	}
	list := make([]string, 0, len(names))
	for name := range names {
		if at := env.Get(name); at.IsSet() && at.Exported && at.Kind == expand.String {
			list = append(list, name+"="+at.String())
		}
	}
	slices.Sort(list)
	return list
}

// serial lets one command at a time write into memory; files and pipes need no such order.
func (s *Shell) serial(w io.Writer) io.Writer {
	switch w.(type) {
	case *os.File, *gated:
		return w
	}
	return &gated{&s.gate, w}
}

type gated struct {
	mu *sync.Mutex
	w  io.Writer
}

func (g *gated) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.w.Write(p)
}

// Names under which a trap's action finds the streams of its shell.
const (
	ownStdout = "/dev/_furl_stdout"
	ownStderr = "/dev/_furl_stderr"
)

// stream is a redirection to something that stays open after it.
type stream struct{ io.Writer }

func (stream) Read([]byte) (int, error) { return 0, syscall.EBADF }

func (stream) Close() error { return nil }

// open opens a file for a redirection.
func (at *session) open(ctx context.Context, name string, flag int, perm fs.FileMode) (io.ReadWriteCloser, error) {
	hc := interp.HandlerCtx(ctx)
	switch confine.Abs(hc.Dir, name) {
	case ownStdout:
		return stream{at.c.Stdout}, nil
	case ownStderr:
		return stream{at.c.Stderr}, nil
	case "/dev/stdout":
		return stream{hc.Stdout}, nil
	case "/dev/stderr":
		return stream{hc.Stderr}, nil
	case "/dev/stdin":
		return duplicate(hc.Stdin)
	}
	file, err := at.sh.files.OpenFile(hc.Dir, name, flag, perm)
	if err != nil {
		verb := "can't open"
		if flag&os.O_CREATE != 0 {
			verb = "can't create"
		}
		return nil, &fs.PathError{Op: "sh: " + verb, Path: name, Err: errors.Unwrap(err)}
	}
	return file, nil
}

func duplicate(in io.Reader) (io.ReadWriteCloser, error) {
	file, is := in.(*os.File)
	if !is || file == nil {
		return nil, &fs.PathError{Op: "sh: can't open", Path: "/dev/stdin", Err: syscall.EBADF}
	}
	fd, err := unix.Dup(int(file.Fd()))
	if err != nil {
		return nil, &fs.PathError{Op: "sh: can't open", Path: "/dev/stdin", Err: err}
	}
	return os.NewFile(uintptr(fd), "/dev/stdin"), nil
}

func (at *session) stat(_ context.Context, name string, follow bool) (fs.FileInfo, error) { //nolint:revive // the interpreter's signature
	if !follow {
		return at.sh.files.Lstat("/", name)
	}
	return at.sh.files.Stat("/", name)
}

func (at *session) access(_ context.Context, name string, mode interp.AccessMode) error {
	info, err := at.sh.files.Stat("/", name)
	if err != nil {
		return err
	}
	if !confine.Allowed(info, fs.FileMode(mode)) {
		return fs.ErrPermission
	}
	return nil
}

func (at *session) readDir(_ context.Context, name string) ([]fs.DirEntry, error) {
	return at.sh.files.ReadDir("/", name)
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
