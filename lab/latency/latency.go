// Package latency measures what a user waits for: the time from a step of load to the Scale write that answers it.
package latency

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

// Options is what a measurement needs: a lab with a workload of one ready replica and an HPA on its CPU that may shrink
// at once.
type Options struct {
	Client    kubernetes.Interface
	Namespace string
	Workload  string // the name of the deployment and of its HPA
	URL       string // what answers with some CPU work
	HTTP      *http.Client
	// Callers is how many requests are under way at any time while there is load.
	Callers int
	Runs    int
	// Scrape is the operator's metric resolution: the step falls on a random instant of it.
	Scrape time.Duration
	Seed   uint64
	Out    io.Writer // progress, a line a run
}

// atMost bounds the wait for the answer to one step, and for the calm before it.
const atMost = 90 * time.Second

// settle is how long the workload must look calm.
const settle = 2 * time.Second

// Measure steps the load up Runs times and returns how long each took to be answered by a larger size.
func Measure(ctx context.Context, o Options) ([]time.Duration, error) {
	rnd := rand.New(rand.NewPCG(o.Seed, 1)) //nolint:gosec // when the load begins is no secret
	took := make([]time.Duration, 0, o.Runs)
	for i := range o.Runs {
		if err := o.calm(ctx); err != nil {
			return took, err
		}
		// Anywhere within the scrape interval, so that the runs do not fall into step with it.
		if err := pause(ctx, time.Duration(rnd.Int64N(int64(o.Scrape)))); err != nil {
			return took, err
		}
		d, err := o.step(ctx)
		if err != nil {
			return took, fmt.Errorf("run %d of %d: %w", i+1, o.Runs, err)
		}
		took = append(took, d)
		if _, err := fmt.Fprintf(o.Out, "run %2d of %d: %.2f s\n", i+1, o.Runs, d.Seconds()); err != nil {
			return took, err
		}
	}
	return took, nil
}

// Quantile returns the smallest value that at least the part q of all does not exceed.
func Quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	return sorted[min(max(int(q*float64(len(sorted))+0.9999)-1, 0), len(sorted)-1)]
}

// step puts load on and returns how long it took until a larger size was written.
func (o Options) step(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	changes, err := o.Client.AppsV1().Deployments(o.Namespace).Watch(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("metadata.name", o.Workload).String(),
	})
	if err != nil {
		return 0, fmt.Errorf("watch the deployment %s: %w", o.Workload, err)
	}
	defer changes.Stop()
	loading, stop := context.WithCancel(ctx)
	var callers sync.WaitGroup
	defer callers.Wait()
	defer stop()
	began := time.Now()
	for range o.Callers {
		callers.Go(func() { o.call(loading) })
	}
	for {
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("no larger size within %s of the step: %w", atMost, ctx.Err())
		case e, ok := <-changes.ResultChan():
			if !ok {
				return 0, fmt.Errorf("the watch of the deployment %s ended", o.Workload)
			}
			if replicas(e) > 1 {
				return time.Since(began), nil
			}
		}
	}
}

func replicas(e watch.Event) int32 {
	d, ok := e.Object.(*appsv1.Deployment)
	if !ok || d.Spec.Replicas == nil {
		return 0
	}
	return *d.Spec.Replicas
}

// call sends one request after the other until ctx ends. What goes wrong with one is of no interest: the load counts.
func (o Options) call(ctx context.Context) {
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.URL, nil)
		if err != nil {
			return
		}
		res, err := o.HTTP.Do(req)
		if err != nil {
			if pause(ctx, 20*time.Millisecond) != nil {
				return
			}
			continue
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20)) // only to use the connection again
		_ = res.Body.Close()
	}
}

// calm waits until the workload has one ready replica whose whole last sample was without load.
func (o Options) calm(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	var since time.Time
	for {
		quiet, err := o.quiet(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			return err
		case !quiet:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		case time.Since(since) > settle:
			return nil
		}
		if err := pause(ctx, 250*time.Millisecond); err != nil {
			return fmt.Errorf("%s did not come to rest within %s: %w", o.Workload, atMost, err)
		}
	}
}

func (o Options) quiet(ctx context.Context) (bool, error) {
	d, err := o.Client.AppsV1().Deployments(o.Namespace).Get(ctx, o.Workload, metav1.GetOptions{})
	if err != nil {
		return false, fmt.Errorf("read the deployment %s: %w", o.Workload, err)
	}
	h, err := o.Client.AutoscalingV2().HorizontalPodAutoscalers(o.Namespace).Get(ctx, o.Workload, metav1.GetOptions{})
	if err != nil {
		return false, fmt.Errorf("read the HPA %s: %w", o.Workload, err)
	}
	if replicas(watch.Event{Object: d}) != 1 || d.Status.Replicas != 1 || d.Status.ReadyReplicas != 1 {
		return false, nil
	}
	for _, m := range h.Status.CurrentMetrics {
		if m.Resource != nil && m.Resource.Current.AverageUtilization != nil {
			return *m.Resource.Current.AverageUtilization <= 5, nil
		}
	}
	return false, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
