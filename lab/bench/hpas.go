package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/furl-dev/furl/lab/simnode"
	"golang.org/x/sync/errgroup"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Autoscalers is how many HPAs there are on the CPU of two pods each. These use what is wanted, give or take Noise, which
// every sample draws anew.
type Autoscalers struct {
	Objects int
	Noise   string // such as 3%
	// Scrape is the operators' --metric-resolution.
	Scrape time.Duration
}

const (
	podsOfHPA  = 2
	cpuRequest = "100m"
	cpuUsual   = "50m" // the target, 50 % of the request
	cpuFlipped = "200m"
)

// GatherHPAs makes the workloads and their HPAs, and waits until each HPA has been decided on by what its pods use.
func (b *Bench) GatherHPAs(ctx context.Context, a Autoscalers) error {
	from := time.Now()
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := range a.Objects {
		g.Go(func() error { return b.createHPA(within, name(i), a.Noise) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	b.say("%d HPAs of %d pods each created in %s", a.Objects, podsOfHPA, seconds(time.Since(from)))
	err := await(ctx, 10*time.Minute, time.Second, "the first decision on all", func() (bool, error) { return b.measured(ctx, a.Objects) })
	if err != nil {
		return err
	}
	b.say("all decided on by what their pods use %s after the first was created", seconds(time.Since(from)))
	return nil
}

// createHPA makes one workload and its HPA.
func (b *Bench) createHPA(ctx context.Context, name, noise string) error {
	w := workload{name: name, replicas: podsOfHPA}
	d := w.deployment()
	d.Spec.Template.Annotations = map[string]string{simnode.CPUAnnotation: cpuUsual, simnode.NoiseAnnotation: noise}
	d.Spec.Template.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpuRequest)}
	if _, err := b.client.AppsV1().Deployments(namespace).Create(ctx, d, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create the deployment %s: %w", name, err)
	}
	if _, err := b.client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Create(ctx, hpaOf(name), metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create the HPA %s: %w", name, err)
	}
	return nil
}

func hpaOf(name string) *autoscalingv2.HorizontalPodAutoscaler {
	return &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: name},
			MinReplicas:    new(int32(1)), MaxReplicas: 20,
			Metrics: []autoscalingv2.MetricSpec{{
				Type: autoscalingv2.ResourceMetricSourceType,
				Resource: &autoscalingv2.ResourceMetricSource{Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{
					Type: autoscalingv2.UtilizationMetricType, AverageUtilization: new(int32(50)),
				}},
			}},
		},
	}
}

// measured says that so many HPAs show what their pods use.
func (b *Bench) measured(ctx context.Context, objects int) (bool, error) {
	list, err := b.client.AutoscalingV2().HorizontalPodAutoscalers(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return false, fmt.Errorf("list HPAs: %w", err)
	}
	n := 0
	for i := range list.Items {
		if s := &list.Items[i].Status; len(s.CurrentMetrics) > 0 && s.CurrentReplicas == podsOfHPA {
			n++
		}
	}
	if n < objects {
		return false, fmt.Errorf("of %d HPAs %d are measured", objects, n)
	}
	return true, nil
}

// Replicas is what a while at rest cost; rates are those of a minute.
type Replicas struct {
	Span     time.Duration
	Of       []Cost   // the leader's first
	Requests Requests // of all replicas
	Objects  int
	Load     string
}

// Cost is what one process took.
type Cost struct {
	Who     string
	CPU     float64 // seconds a minute
	RssAnon int64   // bytes, at the end
}

// RestHPAs measures windows in which no size changes. What a beginning leaves to do must be done by then.
func (b *Bench) RestHPAs(ctx context.Context, objects, windows int, span time.Duration, standby *Standby) ([]Replicas, error) {
	all := make([]Replicas, 0, windows)
	for range windows {
		who, err := b.replicas(ctx, standby)
		if err != nil {
			return all, err
		}
		r := Replicas{Objects: objects}
		if r.Of, r.Span, err = costs(ctx, span, who); err != nil {
			return all, err
		}
		now := time.Now()
		r.Load = load()
		if r.Requests, err = b.requests(now.Add(-r.Span), now); err != nil {
			return all, err
		}
		b.say("%s", r)
		all = append(all, r)
	}
	return all, nil
}

// replicas are those of the operator, the leader first: whichever came first has the lease.
func (b *Bench) replicas(ctx context.Context, second *Standby) ([]named, error) {
	_, own, err := b.operator()
	if err != nil {
		return nil, err
	}
	lab := process(own.PID)
	if second == nil {
		return []named{{"leader", lab}}, nil
	}
	lease, err := b.client.CoordinationV1().Leases("furl-system").Get(ctx, "furl", metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("who leads: %w", err)
	}
	if holder := lease.Spec.HolderIdentity; holder != nil && *holder == standbyName {
		return []named{{"leader", second.process}, {"standby", lab}}, nil
	}
	return []named{{"leader", lab}, {"standby", second.process}}, nil
}

// named is a process that is measured.
type named struct {
	who string
	process
}

// costs measures processes over a while.
func costs(ctx context.Context, span time.Duration, all []named) ([]Cost, time.Duration, error) {
	before := make([]spent, len(all))
	from := time.Now()
	for i := range all {
		var err error
		if before[i], err = all[i].spent(); err != nil {
			return nil, 0, fmt.Errorf("the %s: %w", all[i].who, err)
		}
	}
	if err := pause(ctx, span); err != nil {
		return nil, 0, err
	}
	took := time.Since(from)
	out := make([]Cost, 0, len(all))
	for i := range all {
		after, err := all[i].spent()
		if err != nil {
			return nil, 0, fmt.Errorf("the %s: %w", all[i].who, err)
		}
		out = append(out, costOf(all[i].who, before[i], after, took))
	}
	return out, took, nil
}

func costOf(who string, before, after spent, took time.Duration) Cost {
	return Cost{Who: who, CPU: (after.cpu - before.cpu).Seconds() / took.Minutes(), RssAnon: after.rssAnon}
}

// PerObject is how many requests all replicas sent the API server, an HPA and minute, but for those of the lease.
func (r Replicas) PerObject() float64 {
	n := r.Requests.Sum() - r.Requests["update leases"] - r.Requests["get leases"]
	return float64(n) / float64(r.Objects) / r.Span.Minutes()
}

// String is a line a figure.
func (r Replicas) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "window of %s, load average %s:", r.Span.Round(time.Second), r.Load)
	for _, c := range r.Of {
		fmt.Fprintf(&b, " %s;", c)
	}
	fmt.Fprintf(&b, " %.2f requests an HPA and minute\n  writes: %s; reads of the API: %s; others: %s",
		r.PerObject(), r.Requests.Writes(), r.Requests.Reads(), r.Requests.Others())
	return b.String()
}

// String is the line of one process.
func (c Cost) String() string {
	return fmt.Sprintf("%s %.2f CPU-s a minute, %d MiB RssAnon", c.Who, c.CPU, c.RssAnon>>20)
}
