package demo

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"
)

const (
	namespace = "default"
	workload  = "php-apache"
	generator = "load-generator"

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

// web is part 1.
func (s *show) web(ctx context.Context) error {
	if err := s.deployWeb(ctx); err != nil {
		return err
	}
	w := s.watchWeb()
	fall, err := s.load(ctx, w)
	if err != nil {
		return err
	}
	t := w.timeline()
	s.tell(Summary(t, fall))
	t.Title = "Furl: php-apache under load and after"
	if err := s.draw(s.Picture, t); err != nil {
		return err
	}
	if err := s.quietly(ctx, "delete", "hpa", workload); err != nil {
		return err
	}
	return s.quietly(ctx, "delete", "-f", s.webFile("php-apache.yaml"))
}

func (s *show) webFile(name string) string { return filepath.Join(s.Examples, "hpa", name) }

func (s *show) deployWeb(ctx context.Context) error {
	s.say("A deployment and its HPA: 1 to 10 replicas at 50 %% of the requested CPU.")
	for _, name := range []string{"php-apache.yaml", "hpa.yaml"} {
		if err := s.run(ctx, "apply", "-f", s.webFile(name)); err != nil {
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
	w := s.watchWeb()
	deadline, cancel := context.WithTimeout(ctx, readyAfter)
	defer cancel()
	err := s.every(deadline, func() (bool, error) {
		if err := w.look(deadline); err != nil {
			return false, nil //nolint:nilerr // the deployment or the API may be a moment late; the deadline ends the wait
		}
		return w.timeline().last().CPU >= 0, nil
	})
	if err != nil {
		return fmt.Errorf("no CPU measurement of %s after %s: look at furl lab status and the operator's log: %w", workload, readyAfter, err)
	}
	return s.run(ctx, "get", "hpa")
}

func (s *show) watchWeb() *webWatcher {
	w := &webWatcher{
		client: s.client,
		film: newFilm(Timeline{Title: "php-apache, under load", Panels: webPanels(), Words: func(p Point) string {
			return fmt.Sprintf("cpu %s / %.0f %%  desired %d  ready %d", percent(p.CPU), p.Target, p.Desired, p.Ready)
		}}),
		decisions: func(ctx context.Context) ([]Decision, error) { return s.decisionsOf(ctx, namespace, "hpa."+workload) },
	}
	w.mark.at = w.began
	return w
}

// load runs the two phases and says when the load was taken away.
func (s *show) load(ctx context.Context, w *webWatcher) (fall time.Duration, err error) {
	s.say("Load: the walkthrough's busybox loop of wget.")
	if err := s.run(ctx, "run", generator, "--image=busybox:1.28", "--restart=Never", "--",
		"/bin/sh", "-c", "while sleep 0.01; do wget -q -O- http://php-apache; done"); err != nil {
		return 0, err
	}
	counting, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	wg.Go(func() { w.count(counting) })

	if err := s.phase(ctx, w, loadAtMost, settled); err != nil {
		return 0, err
	}
	stop()
	fall = time.Since(w.began)
	w.title("php-apache, after the load")
	if err := s.quietly(ctx, "delete", "pod", generator, "--grace-period=1"); err != nil {
		return 0, err
	}
	return fall, s.phase(ctx, w, restAtMost, func(t Timeline) bool {
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
