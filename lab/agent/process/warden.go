package process

import (
	_ "embed" // for the script
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

//go:embed warden.sh
var wardenScript []byte

// warden is the process that outlives this one for a moment to clean up behind it.
type warden struct {
	script string
	log    *slog.Logger
	ended  sync.WaitGroup

	mu      sync.Mutex // guards all below
	pipe    io.WriteCloser
	words   map[string]string // what it knows, arg → verb, told again to a successor
	closing bool
}

func startWarden(root string, log *slog.Logger) (*warden, error) {
	script := filepath.Join(root, "warden.sh")
	if err := os.WriteFile(script, wardenScript, 0o600); err != nil { //nolint:gosec // the node's own folder
		return nil, fmt.Errorf("writing the warden's script: %w", err)
	}
	w := &warden{script: script, log: log, words: map[string]string{}}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w, w.start()
}

// start needs mu. The pipe's writing end is inherited by nobody, so it breaks when this program dies.
func (w *warden) start() error {
	r, pipe, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("opening the warden's pipe: %w", err)
	}
	cmd := &exec.Cmd{
		Path: "/bin/sh", Args: []string{"furl-warden", w.script}, Env: []string{"PATH=/usr/bin:/bin"}, Dir: "/",
		Stdin: r, SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	err = cmd.Start()
	_ = r.Close()
	if err != nil {
		_ = pipe.Close()
		return fmt.Errorf("starting the warden, which kills pods when this program is killed: %w", err)
	}
	w.pipe = pipe
	for arg, verb := range w.words {
		_, _ = fmt.Fprintf(pipe, "%s %s\n", verb, arg)
	}
	w.ended.Go(func() { w.watch(cmd) })
	return nil
}

// watch replaces a warden that somebody killed.
func (w *warden) watch(cmd *exec.Cmd) {
	err := cmd.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closing {
		return
	}
	w.log.Warn("warden_replaced", "error", err)
	_ = w.pipe.Close()
	if err := w.start(); err != nil {
		w.log.Error("warden_lost", "error", err)
	}
}

func (w *warden) tell(verb, arg string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if verb == "-" {
		delete(w.words, arg)
	} else {
		w.words[arg] = verb
	}
	_, _ = fmt.Fprintf(w.pipe, "%s %s\n", verb, arg) // a dead warden is replaced by watch, and told all again
}

func (w *warden) close() {
	w.mu.Lock()
	w.closing = true
	_, _ = io.WriteString(w.pipe, "q\n")
	_ = w.pipe.Close()
	w.mu.Unlock()
	w.ended.Wait()
}
