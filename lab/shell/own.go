package shell

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/furl-dev/furl/lab/shell/applet"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// own is a command that changes or asks the shell itself.
type own func(ctx context.Context, p *process, hc interp.HandlerContext, c *applet.Call) int

// own finds the command behind a word of a rewritten script.
func (at *session) own(name string) (own, bool) {
	switch name {
	case spawnWord:
		return at.spawn, true
	case adoptWord:
		return at.attach, true
	case doneWord:
		return at.done, true
	case settleWord:
		return at.settle, true
	case trapOnWord:
		return enterTrap, true
	case trapOffWord:
		return leaveTrap, true
	case statusWord:
		return status, true
	case nowWord:
		return at.now, true
	case tookWord:
		return at.took, true
	case ownWord:
		return at.builtin, true
	}
	return nil, false
}

// builtin runs a builtin of ours by its name, the first argument.
func (at *session) builtin(ctx context.Context, p *process, hc interp.HandlerContext, c *applet.Call) int {
	if len(c.Args) == 0 {
		return 0
	}
	c.Name, c.Args = c.Args[0], c.Args[1:]
	switch c.Name {
	case syntaxWord:
		fmt.Fprintf(c.Stderr, "sh: %s\n", strings.Join(c.Args, " "))
		return 2
	case "wait":
		return at.wait(ctx, p, c)
	case "trap":
		return at.trap(p, c)
	case "jobs":
		return at.jobs(p, c)
	case "type", "command":
		return at.describe(c)
	case "times":
		fmt.Fprint(c.Stdout, "0m0.00s 0m0.00s\n0m0.00s 0m0.00s\n")
		return 0
	case "umask":
		fmt.Fprintln(c.Stdout, "0022")
		return 0
	}
	run, release := p.run(ctx)
	defer release()
	status := at.sh.runWords(inProcess(run, p), *c, append([]string{c.Name}, c.Args...))
	return cmp.Or(status, 0)
}

// spawn enters a background process and prints its number, which becomes $!.
func (at *session) spawn(_ context.Context, p *process, _ interp.HandlerContext, c *applet.Call) int {
	child := at.sh.table.start(at.self.life(), p.pid, strings.Join(c.Args, " "), at.sh.o.Now()) //nolint:contextcheck // it lives as long as the script, not as this command
	if at.interactive {
		fmt.Fprintf(at.c.Stderr, "[%d] %d\n", len(at.sh.table.list(p.pid)), child.pid)
	}
	fmt.Fprint(c.Stdout, child.pid)
	return 0
}

// child finds the process whose number is the first argument.
func (at *session) child(c *applet.Call) *process {
	if len(c.Args) == 0 {
		return nil
	}
	pid, err := strconv.Atoi(c.Args[0])
	if err != nil {
		return nil
	}
	return at.sh.table.find(pid)
}

// attach notes that a background process writes into a command substitution.
func (at *session) attach(_ context.Context, _ *process, hc interp.HandlerContext, c *applet.Call) int {
	if _, memory := c.Stdout.(*gated); memory {
		if child := at.child(c); child != nil {
			child.writesTo(hc.Stdout)
		}
	}
	return 0
}

// done marks the end of a background process.
func (at *session) done(_ context.Context, p *process, hc interp.HandlerContext, _ *applet.Call) int {
	if p != at.self && !p.over() {
		at.sh.table.finish(p, hc.LastExitStatus)
	}
	return 0
}

// settle waits for the background processes that still write into a command substitution.
func (at *session) settle(ctx context.Context, p *process, hc interp.HandlerContext, _ *applet.Call) int {
	for _, child := range at.sh.table.list(p.pid) {
		if !child.feeds(hc.Stdout) {
			continue
		}
		select {
		case <-child.done:
		case <-ctx.Done():
		case <-p.life().Done():
		}
	}
	return hc.LastExitStatus
}

func enterTrap(ctx context.Context, p *process, hc interp.HandlerContext, c *applet.Call) int {
	before := status(ctx, p, hc, c)
	p.enter(before)
	return before
}

// status sets $?.
func status(_ context.Context, _ *process, _ interp.HandlerContext, c *applet.Call) int {
	n := 0
	if len(c.Args) > 0 {
		n, _ = strconv.Atoi(c.Args[0]) // the shell wrote it
	}
	return n
}

func leaveTrap(_ context.Context, p *process, _ interp.HandlerContext, _ *applet.Call) int {
	p.leave()
	return 0
}

// now starts a stopwatch and prints its number.
func (at *session) now(_ context.Context, _ *process, _ interp.HandlerContext, c *applet.Call) int {
	at.mu.Lock()
	defer at.mu.Unlock()
	number := strconv.Itoa(len(at.watches))
	at.watches[number] = applet.Began(at.sh.o.Now())
	fmt.Fprint(c.Stdout, number)
	return 0
}

// took prints how long a timed command ran, by the number of its stopwatch.
func (at *session) took(_ context.Context, _ *process, hc interp.HandlerContext, c *applet.Call) int {
	at.mu.Lock()
	defer at.mu.Unlock()
	number := c.Args[len(c.Args)-1]
	start, running := at.watches[number]
	if !running {
		return hc.LastExitStatus
	}
	delete(at.watches, number)
	layout := applet.Busybox
	if c.Args[0] == "-p" {
		layout = applet.Posix
	}
	start.Took(c.Stderr, at.sh.o.Now(), layout)
	return hc.LastExitStatus
}

// wait waits for background processes: all, or those named, whose last status is its own. A trapped signal ends it.
func (at *session) wait(ctx context.Context, p *process, c *applet.Call) int {
	if len(c.Args) == 0 {
		for _, child := range at.sh.table.list(p.pid) {
			if status, interrupted := await(ctx, p, child); interrupted {
				return status
			}
			at.sh.table.forget(child)
		}
		return 0
	}
	status := 0
	for _, word := range c.Args {
		child, err := at.job(p, word)
		if err != nil {
			fmt.Fprintf(c.Stderr, "sh: wait: %v\n", err)
			status = applet.NotFound
			continue
		}
		var interrupted bool
		if status, interrupted = await(ctx, p, child); interrupted {
			return status
		}
	}
	return status
}

// await waits for one process. Interrupted says that something else ended the wait first.
func await(ctx context.Context, p, child *process) (status int, interrupted bool) {
	run, release := p.run(ctx)
	defer release()
	select {
	case <-p.wake: // a token of a signal that was handled long ago
	default:
	}
	if signal, pending := p.signalled(); pending {
		return 128 + numberOf(signal), true
	}
	select {
	case <-child.done:
		return child.result(), false
	case <-p.wake:
		signal, _ := p.signalled()
		return 128 + numberOf(signal), true
	case <-run.Done():
		return p.statusOr(130), true
	}
}

// job finds a process by its number or as %1, the first that is still known.
func (at *session) job(p *process, word string) (*process, error) {
	children := at.sh.table.list(p.pid)
	if text, byJob := strings.CutPrefix(word, "%"); byJob {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > len(children) {
			return nil, fmt.Errorf("%s: no such job", word)
		}
		return children[n-1], nil
	}
	pid, err := strconv.Atoi(word)
	if err != nil {
		return nil, fmt.Errorf("bad pid '%s'", word)
	}
	at2 := slices.IndexFunc(children, func(child *process) bool { return child.pid == pid })
	if at2 < 0 {
		return nil, fmt.Errorf("pid %d is not a child of this shell", pid)
	}
	return children[at2], nil
}

func (at *session) jobs(p *process, c *applet.Call) int {
	for i, child := range at.sh.table.list(p.pid) {
		state := "Running"
		if child.over() {
			state = fmt.Sprintf("Done(%d)", child.result())
		}
		fmt.Fprintf(c.Stdout, "[%d]  %-24s %s\n", i+1, state, child.command)
	}
	return 0
}

// trap sets, takes back or lists what signals do.
func (at *session) trap(p *process, c *applet.Call) int {
	args := c.Args
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 || args[0] == "-p" {
		p.mu.Lock()
		defer p.mu.Unlock()
		names := make([]string, 0, len(p.traps))
		for name := range p.traps {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			fmt.Fprintf(c.Stdout, "trap -- %s %s\n", quote(p.traps[name]), name)
		}
		return 0
	}
	action, names, set := args[0], args[1:], true
	if _, err := strconv.Atoi(action); action == "-" || len(args) == 1 || err == nil {
		set = false
		if action != "-" {
			names = args
		}
	}
	status := 0
	for _, name := range names {
		signal, known := signalName(name)
		if name == "EXIT" || name == "0" {
			signal, known = "EXIT", true
		}
		if !known {
			fmt.Fprintf(c.Stderr, "sh: trap: %s: invalid signal specification\n", name)
			status = 1
			continue
		}
		p.trap(signal, action, set)
	}
	return status
}

// describe answers type and command -v for what is not a function.
func (at *session) describe(c *applet.Call) int {
	status := 0
	for _, name := range c.Args {
		_, found := at.sh.host.Find(name)
		place, text := name, name+" is a shell builtin"
		switch {
		case syntax.IsKeyword(name):
			text = name + " is a shell keyword"
		case found && !interp.IsBuiltin(name):
			place = "/bin/" + path.Base(name)
			text = name + " is " + place
		case !found && !interp.IsBuiltin(name):
			if c.Name == "type" {
				fmt.Fprintf(c.Stderr, "%s: not found\n", name)
			}
			status = applet.NotFound
			continue
		}
		if c.Name == "type" {
			place = text
		}
		fmt.Fprintln(c.Stdout, place)
	}
	return status
}
