package bench

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Crowd is how many ScaledObjects there are, every second of them active, and how often each is read.
type Crowd struct {
	Objects int
	Poll    time.Duration
}

// Window is what a while at rest took; rates are those of a minute.
type Window struct {
	Span         time.Duration
	CPU          float64 // seconds a minute, of the operator
	RssAnon      int64   // bytes, at its end
	Resident     int64
	Idle, Active float64 // reads of the source, an object and minute
	Requests     Requests
	Load         string
}

// Gather makes the crowd and waits until it is at rest: every source read, every active one up.
func (b *Bench) Gather(ctx context.Context, c Crowd) error {
	all := make([]workload, c.Objects)
	for i := range all {
		all[i] = workload{name: name(i), max: 20, poll: c.Poll, trigger: b.polled(name(i))}
		if i%2 == 0 {
			all[i].replicas = 1
			b.source.set(name(i), 1)
		}
	}
	b.source.forget(c.Objects)
	from := time.Now()
	if err := b.populate(ctx, all); err != nil {
		return err
	}
	b.say("%d ScaledObjects, every second one active, created in %s", c.Objects, seconds(time.Since(from)))
	err := await(ctx, 5*time.Minute, time.Second, "the first decision on all", func() (bool, error) { return b.decided(ctx, c.Objects) })
	if err != nil {
		return err
	}
	b.say("all read and decided on %s after the first was created", seconds(time.Since(from)))
	return nil
}

// decided says that the operator has decided on so many objects.
func (b *Bench) decided(ctx context.Context, objects int) (bool, error) {
	s, _, err := b.operator()
	if err != nil {
		return false, err
	}
	m, err := scrape(ctx, s.Ports.Metrics)
	if err != nil {
		return false, err
	}
	if n := m.series["keda_scaler_active"]; n < objects {
		return false, fmt.Errorf("of %d objects %d have an activity", objects, n)
	}
	return true, nil
}

// Rest measures windows of a crowd that nothing happens to.
func (b *Bench) Rest(ctx context.Context, c Crowd, windows int, span time.Duration) ([]Window, error) {
	all := make([]Window, 0, windows)
	for range windows {
		w, err := b.window(ctx, c, span)
		if err != nil {
			return all, err
		}
		b.say("%s", w)
		all = append(all, w)
	}
	return all, nil
}

func (b *Bench) window(ctx context.Context, c Crowd, span time.Duration) (Window, error) {
	s, _, err := b.operator()
	if err != nil {
		return Window{}, err
	}
	before, err := scrape(ctx, s.Ports.Metrics)
	if err != nil {
		return Window{}, err
	}
	idle, active := b.source.answers()
	from := time.Now()
	if err := pause(ctx, span); err != nil {
		return Window{}, err
	}
	to := time.Now()
	idleNow, activeNow := b.source.answers()
	after, err := scrape(ctx, s.Ports.Metrics)
	if err != nil {
		return Window{}, err
	}
	_, p, err := b.operator()
	if err != nil {
		return Window{}, err
	}
	requests, err := b.requests(from, to)
	if err != nil {
		return Window{}, err
	}
	took := to.Sub(from)
	half := float64(c.Objects) / 2 * took.Minutes()
	return Window{
		Span: took, CPU: (after.sum[cpuSeconds] - before.sum[cpuSeconds]) / took.Minutes(),
		RssAnon: p.AnonymousBytes, Resident: p.ResidentBytes,
		Idle: float64(idleNow-idle) / half, Active: float64(activeNow-active) / half,
		Requests: requests, Load: load(),
	}, nil
}

const cpuSeconds = "process_cpu_seconds_total"

// String is a line a figure.
func (w Window) String() string {
	const mib = 1 << 20
	return fmt.Sprintf("window of %s, load average %s: %.2f CPU-s a minute, %d MiB RssAnon (%d MiB resident), reads of the source an object and minute: %.2f idle, %.2f active\n"+
		"  writes: %s; reads of the API: %s; others: %s",
		w.Span.Round(time.Second), w.Load, w.CPU, w.RssAnon/mib, w.Resident/mib, w.Idle, w.Active, w.Requests.Writes(), w.Requests.Reads(), w.Requests.Others())
}

// Medians words the windows as one line of a table.
func Medians(all []Window) string {
	middle := func(of func(Window) float64) float64 {
		v := make([]float64, len(all))
		for i, w := range all {
			v[i] = of(w)
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	const mib = 1 << 20
	var b strings.Builder
	fmt.Fprintf(&b, "median of %d windows: %.2f CPU-s a minute, %.0f MiB RssAnon, ", len(all),
		middle(func(w Window) float64 { return w.CPU }), middle(func(w Window) float64 { return float64(w.RssAnon) / mib }))
	fmt.Fprintf(&b, "%.1f writes a minute, reads an object and minute: %.2f of the source (idle), %.2f (active)",
		middle(func(w Window) float64 { return float64(w.Requests.Writes().Sum()) / w.Span.Minutes() }),
		middle(func(w Window) float64 { return w.Idle }), middle(func(w Window) float64 { return w.Active }))
	return b.String()
}

// quiet is how long nothing must have been written for a crowd to be at rest.
const quiet = 10 * time.Second

// Settle waits until what a beginning leaves to do is done, such as the events of a thousand objects, which a busy API
// server takes slowly.
func (b *Bench) Settle(ctx context.Context, atMost time.Duration) error {
	from := time.Now()
	err := await(ctx, atMost, quiet/2, "rest", func() (bool, error) {
		now := time.Now()
		r, err := b.requests(now.Add(-quiet), now)
		if err == nil && r.Writes().Sum() > 0 {
			err = fmt.Errorf("in the last %s there were writes: %s", quiet, r.Writes())
		}
		return err == nil && now.Sub(from) >= quiet, err
	})
	if err == nil {
		b.say("at rest after %s", seconds(time.Since(from)))
	}
	return err
}
