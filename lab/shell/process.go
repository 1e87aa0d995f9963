package shell

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"
)

// ended is why a process of the shell ends before its script does: a signal, or exit within a trap.
type ended struct {
	status int
	killed bool // by a signal: no trap of EXIT runs
}

func (e ended) Error() string { return fmt.Sprintf("ended with status %d", e.status) }

// process is a script that runs, or a background command of one. All live in this one program of the host; their
// numbers are the shell's own.
type process struct {
	pid     int
	parent  int
	command string
	started time.Time
	done    chan struct{} // closed at the end, status is then final
	wake    chan struct{} // holds one token after a trapped signal: wait returns

	mu         sync.Mutex      // guards what follows
	ctx        context.Context //nolint:containedctx // it is the process's lifetime, which others end by its number
	end        context.CancelCauseFunc
	sink       io.Writer // where a background process writes, when that is a command substitution
	status     int
	before     int // $? when the trap that runs began
	traps      map[string]string
	pending    []string                   // trapped signals whose action is still to run
	handling   int                        // depth of traps that run
	foreground map[int]context.CancelFunc // commands that run, by a number of our own
	next       int
	dropped    bool // the line that runs was ended by Ctrl-C in an interactive shell
}

// table knows the processes of a program. It is safe for use by many goroutines.
type table struct {
	mu   sync.Mutex // guards what follows
	last int
	all  map[int]*process
}

func newTable(pid int) *table { return &table{last: pid - 1, all: map[int]*process{}} }

// start enters a process; its lifetime is within ctx.
func (t *table) start(ctx context.Context, parent int, command string, at time.Time) *process {
	own, end := context.WithCancelCause(ctx)
	p := &process{
		parent: parent, command: command, started: at, ctx: own, end: end, done: make(chan struct{}), wake: make(chan struct{}, 1),
		traps: map[string]string{}, foreground: map[int]context.CancelFunc{},
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.prune(parent)
	t.last++
	p.pid = t.last
	t.all[p.pid] = p
	return p
}

// unwaited is how many ended children of one process stay known without a wait for them.
const unwaited = 64

// prune forgets the oldest ended children of a process, when a script starts many and waits for none. It needs mu.
func (t *table) prune(parent int) {
	var over []int
	for pid, p := range t.all {
		if p.parent == parent && p.over() {
			over = append(over, pid)
		}
	}
	slices.Sort(over)
	for _, pid := range over[:max(0, len(over)-unwaited)] {
		delete(t.all, pid)
	}
}

// finish ends a process for good. A background process stays known until somebody has waited for it or its parent is
// gone, so that its status can be asked for.
func (t *table) finish(p *process, status int) {
	p.mu.Lock()
	if e, is := errors.AsType[ended](context.Cause(p.ctx)); is {
		status = e.status
	}
	p.status = status
	p.mu.Unlock()
	p.stop(ended{status: status})
	close(p.done)
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.all[p.parent]; !known && p.parent != 0 {
		delete(t.all, p.pid) // nobody is left to ask
	}
}

// forget takes a process and its ended children off the table.
func (t *table) forget(p *process) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, p.pid)
	for pid, child := range t.all {
		if child.parent == p.pid && child.over() {
			delete(t.all, pid)
		}
	}
}

func (t *table) find(pid int) *process {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[pid]
}

// list gives the processes by number, and of those only the children of parent when it is not zero.
func (t *table) list(parent int) []*process {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []*process
	for _, p := range t.all {
		if parent == 0 || p.parent == parent {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *process) int { return cmp.Compare(a.pid, b.pid) })
	return list
}

// life is the context of the process; it ends when the process shall.
func (p *process) life() context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ctx
}

// why says what ended the process; nil while it lives.
func (p *process) why() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return context.Cause(p.ctx)
}

// statusOr gives the status that the process was ended with, or another while it lives.
func (p *process) statusOr(another int) int {
	if e, is := errors.AsType[ended](p.why()); is {
		return e.status
	}
	return another
}

// killed says whether a signal ended the process.
func (p *process) killed() bool {
	e, is := errors.AsType[ended](p.why())
	return is && e.killed
}

// stop ends the process's lifetime.
func (p *process) stop(why ended) {
	p.mu.Lock()
	end := p.end
	p.mu.Unlock()
	end(why)
}

// revive gives the process a new lifetime, in which its trap of EXIT runs.
func (p *process) revive(ctx context.Context) {
	own, end := context.WithCancelCause(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ctx, p.end, p.handling, p.pending = own, end, 0, nil
}

// writesTo notes a command substitution that waits for the process.
func (p *process) writesTo(w io.Writer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sink = w
}

func (p *process) feeds(w io.Writer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sink != nil && p.sink == w
}

func (p *process) over() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *process) result() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// run marks a command as running in the foreground until the function it gives is called.
func (p *process) run(ctx context.Context) (context.Context, func()) {
	own, cancel := context.WithCancel(ctx)
	p.mu.Lock()
	id := p.next
	p.next++
	p.foreground[id] = cancel
	p.mu.Unlock()
	// A command of a background process ends with it, whatever context the interpreter was started with.
	stop := context.AfterFunc(p.life(), cancel)
	return own, func() {
		stop()
		cancel()
		p.mu.Lock()
		delete(p.foreground, id)
		p.mu.Unlock()
	}
}

// interrupt ends the commands that run, as the terminal's Ctrl-C does.
func (p *process) interrupt() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, cancel := range p.foreground {
		cancel()
	}
}

// trap sets what a signal does: the empty action ignores it, and so says ok false that it does what it did at first.
func (p *process) trap(signal, action string, ok bool) { //nolint:revive // as a map's second value
	p.mu.Lock()
	defer p.mu.Unlock()
	if !ok {
		delete(p.traps, signal)
		return
	}
	p.traps[signal] = action
}

func (p *process) trapped(signal string) (action string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	action, ok = p.traps[signal]
	return action, ok
}

// deliver gives the process a signal. KILL cannot be trapped; a signal without a trap ends the process.
func (p *process) deliver(signal string) {
	action, trapped := p.trapped(signal)
	switch {
	case signal == "KILL" || !trapped && signal != "CHLD" && signal != "WINCH" && signal != "CONT":
		p.stop(ended{128 + numberOf(signal), true})
		return
	case !trapped || action == "":
		return
	}
	p.mu.Lock()
	p.pending = append(p.pending, signal)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
	if signal == "INT" {
		p.interrupt()
	}
}

// due takes the next trapped signal whose action is to run now.
func (p *process) due() (action string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pending) == 0 || p.handling > 0 {
		return "", false
	}
	signal := p.pending[0]
	p.pending = p.pending[1:]
	action = p.traps[signal]
	return action, action != ""
}

// signalled gives the trapped signal that came first and was not handled yet.
func (p *process) signalled() (signal string, pending bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.pending) == 0 {
		return "", false
	}
	return p.pending[0], true
}

// drop ends the line that runs, as Ctrl-C in an interactive shell does.
func (p *process) drop() {
	p.mu.Lock()
	p.dropped = true
	p.mu.Unlock()
	p.interrupt()
}

// resume lets the next line run after one was dropped.
func (p *process) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropped = false
}

func (p *process) isDropped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dropped
}

// enter and leave frame the action of a trap; before is $? when it began.
func (p *process) enter(before int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handling++
	p.before = before
}

func (p *process) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handling--
}

// inTrap says whether a trap's action runs, and what $? was when it began.
func (p *process) inTrap() (before int, in bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.before, p.handling > 0
}

// signals are the names that kill and trap know, with the numbers that they have in a container, whatever the host.
func signals() map[string]int {
	return map[string]int{"HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "USR1": 10, "USR2": 12, "ALRM": 14, "TERM": 15, "CHLD": 17, "CONT": 18, "WINCH": 28}
}

func numberOf(signal string) int { return signals()[signal] }

// signalName reads TERM, SIGTERM, term or 15.
func signalName(text string) (string, bool) {
	if n, err := strconv.Atoi(text); err == nil {
		for name, number := range signals() {
			if n == number {
				return name, true
			}
		}
		return "", false
	}
	name := upper(text)
	if len(name) > 3 && name[:3] == "SIG" {
		name = name[3:]
	}
	_, known := signals()[name]
	return name, known
}

func upper(text string) string {
	b := []byte(text)
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}
