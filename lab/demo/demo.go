package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Options is what the demo needs of the lab that runs already.
type Options struct {
	REST *rest.Config
	// Kubectl runs one kubectl command against the lab and returns what it printed, both streams.
	Kubectl func(ctx context.Context, args ...string) (string, error)
	// Messages counts those of the walkthrough's queue that wait and that are worked on.
	Messages func(ctx context.Context) (visible, inFlight int, err error)
	Examples string // folder of the walkthrough's examples, with hpa and keda in it
	Picture  string // the SVG file to write at the end; that of part 2 gets -queue before its extension
	Web      bool   // show part 1
	Queue    bool   // show part 2
	Out      io.Writer
	Screen   func() Screen // of Out; a zero Width means that it is no terminal
}

const refresh = 500 * time.Millisecond

// Run shows the walkthrough. Part 1: it deploys php-apache, gives it an HPA, puts load on it, takes the load away, and
// draws what happens. Part 2: the same with a model on GPU nodes, its ScaledObject and a queue of prompts.
func Run(ctx context.Context, o Options) error {
	client, err := kubernetes.NewForConfig(o.REST)
	if err != nil {
		return fmt.Errorf("make a client of the lab: %w", err)
	}
	show := &show{Options: o, client: client}
	if o.Web {
		if err := show.web(ctx); err != nil {
			return err
		}
	}
	if o.Queue {
		if err := show.queue(ctx); err != nil {
			return err
		}
	}
	return nil
}

// show is one run of the demo.
type show struct {
	Options
	client kubernetes.Interface
	told   strings.Builder // the summaries so far
}

// watcher is what a phase looks through.
type watcher interface {
	look(ctx context.Context) error
	timeline() Timeline
}

// phase draws until done, at most for the given time.
func (s *show) phase(ctx context.Context, w watcher, atMost time.Duration, done func(Timeline) bool) error {
	deadline := time.Now().Add(atMost)
	p := &painter{out: s.Out, screen: s.Screen, told: len(w.timeline().Notes)}
	return s.every(ctx, func() (bool, error) {
		if err := w.look(ctx); err != nil && ctx.Err() == nil {
			return false, err
		}
		t := w.timeline()
		if err := p.paint(t); err != nil {
			return false, err
		}
		return done(t) || time.Now().After(deadline), nil
	})
}

// every calls step each refresh until it says true or fails, or ctx ends.
func (*show) every(ctx context.Context, step func() (bool, error)) error {
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		if done, err := step(); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// tell prints a summary, and on a terminal those before it again: its live picture has painted over them.
func (s *show) tell(summary string) {
	if s.Screen().Width > 0 {
		fmt.Fprint(s.Out, s.told.String())
	}
	fmt.Fprintf(s.Out, "\n%s", summary)
	s.told.WriteString("\n" + summary)
}

// draw writes the picture of a timeline.
func (s *show) draw(path string, t Timeline) error {
	f, err := os.Create(path) //nolint:gosec // the user's own choice
	if err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	if err := errors.Join(WriteSVG(f, t), f.Close()); err != nil {
		return fmt.Errorf("write the picture %s: %w", path, err)
	}
	s.say("The whole timeline, drawn: %s", path)
	return nil
}

// pictureOf is the file of part 2's picture.
func pictureOf(path string) string {
	extension := filepath.Ext(path)
	return strings.TrimSuffix(path, extension) + "-queue" + extension
}

func (s *show) say(format string, args ...any) {
	fmt.Fprintf(s.Out, "\n"+format+"\n", args...)
}

// run shows a kubectl command as a user types it, and what it prints.
func (s *show) run(ctx context.Context, args ...string) error {
	fmt.Fprintf(s.Out, "\n$ kubectl %s\n", typed(args))
	out, err := s.Kubectl(ctx, args...)
	fmt.Fprint(s.Out, out)
	if err != nil {
		return fmt.Errorf("kubectl %s: %w", typed(args), err)
	}
	return nil
}

func (s *show) quietly(ctx context.Context, args ...string) error {
	if out, err := s.Kubectl(ctx, args...); err != nil {
		return fmt.Errorf("kubectl %s: %w: %s", typed(args), err, out)
	}
	return nil
}
