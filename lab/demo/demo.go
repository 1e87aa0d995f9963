package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Options is what the demo needs of the lab that runs already.
type Options struct {
	REST *rest.Config
	// Kubectl runs one kubectl command against the lab and returns what it printed, both streams.
	Kubectl  func(ctx context.Context, args ...string) (string, error)
	Examples string // folder of php-apache.yaml and hpa.yaml
	Picture  string // the SVG file to write at the end
	Out      io.Writer
	Screen   func() Screen // of Out; a zero Width means that it is no terminal
}

const (
	namespace = "default"
	workload  = "php-apache"
	generator = "load-generator"

	refresh = 500 * time.Millisecond
	// steady is how long the size must stay before the load is taken away.
	steady = 25 * time.Second
	// loadAtMost and restAtMost bound the two phases on a slow machine.
	loadAtMost = 100 * time.Second
	restAtMost = 100 * time.Second
	readyAfter = 60 * time.Second
)

// The walkthrough waits five minutes before it shrinks and then takes a pod a
// minute. Waiting teaches nothing here.
const impatient = `{"spec":{"behavior":{"scaleDown":{"stabilizationWindowSeconds":20,"policies":[{"type":"Percent","value":50,"periodSeconds":10}]}}}}`

// Run shows part 1 of the walkthrough: it deploys php-apache, gives it an HPA,
// puts load on it, takes the load away, and draws what happens.
func Run(ctx context.Context, o Options) error {
	client, err := kubernetes.NewForConfig(o.REST)
	if err != nil {
		return fmt.Errorf("make a client of the lab: %w", err)
	}
	show := &show{Options: o, client: client}
	if err := show.deploy(ctx); err != nil {
		return err
	}
	w, err := show.load(ctx)
	if err != nil {
		return err
	}
	return show.summary(ctx, w)
}

// show is one run of the demo.
type show struct {
	Options
	client kubernetes.Interface
	fall   time.Duration // when the load was taken away, since the watch began
}

func (s *show) deploy(ctx context.Context) error {
	s.say("A deployment and its HPA: 1 to 10 replicas at 50 %% of the requested CPU.")
	for _, args := range [][]string{
		{"apply", "-f", filepath.Join(s.Examples, "php-apache.yaml")},
		{"apply", "-f", filepath.Join(s.Examples, "hpa.yaml")},
	} {
		if err := s.run(ctx, args...); err != nil {
			return err
		}
	}
	s.say("The file waits 5 minutes before it shrinks; for this demo 20 seconds will do.")
	if err := s.run(ctx, "patch", "hpa", workload, "--type=merge", "--patch", impatient); err != nil {
		return err
	}
	s.say("Waiting for the pod and its first measurement …")
	if err := s.run(ctx, "rollout", "status", "deployment/"+workload, "--timeout=60s"); err != nil {
		return err
	}
	w := s.watcher()
	deadline, cancel := context.WithTimeout(ctx, readyAfter)
	defer cancel()
	err := s.every(deadline, func() (bool, error) {
		if err := w.look(deadline); err != nil {
			return false, nil //nolint:nilerr // the deployment or the API may be a moment late; the deadline ends the wait
		}
		return w.timeline().last().CPU >= 0, nil
	})
	if err != nil {
		return fmt.Errorf("no CPU measurement of %s after %s: look at furl-lab status and the operator's log: %w", workload, readyAfter, err)
	}
	return s.run(ctx, "get", "hpa")
}

// load runs the two phases and returns what was seen.
func (s *show) load(ctx context.Context) (*watcher, error) {
	s.say("Load: the walkthrough's busybox loop of wget.")
	w := s.watcher()
	if err := s.run(ctx, "run", generator, "--image=busybox:1.28", "--restart=Never", "--",
		"/bin/sh", "-c", "while sleep 0.01; do wget -q -O- http://php-apache; done"); err != nil {
		return nil, err
	}
	counting, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { w.count(counting) })

	if err := s.phase(ctx, w, loadAtMost, settled); err != nil {
		return nil, err
	}
	stop()
	s.fall = time.Since(w.began)
	w.title("php-apache, after the load")
	if err := s.quietly(ctx, "delete", "pod", generator, "--grace-period=1"); err != nil {
		return nil, err
	}
	return w, s.phase(ctx, w, restAtMost, func(t Timeline) bool {
		p := t.last()
		return p.Desired == 1 && p.Ready == 1
	})
}

// settled says that the workload has grown and kept one size, all ready, for a while.
func settled(t Timeline) bool {
	now := t.last()
	if now.Desired <= 1 || now.Ready != now.Desired || len(t.Notes) == 0 {
		return false
	}
	return now.At-t.Notes[len(t.Notes)-1].At > steady
}

// phase draws until done, at most for the given time.
func (s *show) phase(ctx context.Context, w *watcher, atMost time.Duration, done func(Timeline) bool) error {
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

func (s *show) watcher() *watcher {
	now := time.Now()
	w := &watcher{client: s.client, decisions: s.decisions, namespace: namespace, name: workload, began: now, seen: map[time.Time]bool{}}
	w.line.Title = "php-apache, under load"
	w.mark.at = now
	return w
}

func (s *show) summary(ctx context.Context, w *watcher) error {
	t := w.timeline()
	fmt.Fprintf(s.Out, "\n%s", Summary(t, s.fall))
	f, err := os.Create(s.Picture)
	if err != nil {
		return fmt.Errorf("write the picture: %w", err)
	}
	t.Title = "Furl: php-apache under load and after"
	if err := WriteSVG(f, t); err != nil {
		_ = f.Close()
		return fmt.Errorf("write the picture %s: %w", s.Picture, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write the picture %s: %w", s.Picture, err)
	}
	s.say("The whole timeline, drawn: %s", s.Picture)
	if err := s.quietly(ctx, "delete", "hpa", workload); err != nil {
		return err
	}
	return s.quietly(ctx, "delete", "-f", filepath.Join(s.Examples, "php-apache.yaml"))
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
