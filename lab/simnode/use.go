package simnode

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/furl-dev/furl/lab/agent/kubelet"
	"github.com/furl-dev/furl/lab/agent/usage"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/tools/cache"
)

// What a simulated pod uses: one quantity that its containers share evenly ("120m"), or one each ("app=100m,proxy=20m").
// The noise is a share ("3%"): so far is the rate between two measurements off at most, on either side.
const (
	CPUAnnotation    = "furl.dev/cpu"
	MemoryAnnotation = "furl.dev/memory"
	NoiseAnnotation  = "furl.dev/cpu-noise"
)

const (
	// idleMemory is what a container uses of which nothing is said.
	idleMemory = 16 << 20
	// idleNodeMemory is what a node uses without pods.
	idleNodeMemory = 256 << 20
)

// use integrates what a container uses.
type use struct {
	started time.Time
	since   time.Time     // when rate was set
	used    time.Duration // CPU time until since
	rate    int64         // milli-cores since then
	noise   float64       // how far off the rate may be, as a share of it
	memory  int64         // bytes
}

// measure settles what was used since the last measurement, at a rate that is off by this share of the noise: -1 to 1.
func (u *use) measure(at time.Time, off float64) {
	if u.noise == 0 || !at.After(u.since) {
		return
	}
	u.used, u.since = u.used+time.Duration(float64(u.cpu(at)-u.used)*(1+u.noise*off)), at
}

// cpu is the counter at an instant.
func (u *use) cpu(at time.Time) time.Duration {
	if at.Before(u.since) {
		return u.used
	}
	return u.used + at.Sub(u.since)*time.Duration(u.rate)/1000
}

// set changes what is used from at on.
func (u *use) set(rate, memory int64, at time.Time) {
	if rate != u.rate {
		u.used, u.since, u.rate = u.cpu(at), at, rate
	}
	u.memory = memory
}

// startUse makes the counters of a running pod follow its annotations.
func (f *fleet) startUse(key cache.ObjectName, object *corev1.Pod, at time.Time) {
	names := make([]string, 0, len(object.Spec.Containers))
	for _, c := range object.Spec.Containers {
		names = append(names, c.Name)
	}
	cpu := shares(object.Annotations[CPUAnnotation], names, (*resource.Quantity).MilliValue, 0)
	memory := shares(object.Annotations[MemoryAnnotation], names, (*resource.Quantity).Value, idleMemory)
	noise := share(object.Annotations[NoiseAnnotation])
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.pods[key]
	if p == nil {
		return
	}
	if p.uses == nil {
		p.uses = map[string]*use{}
	}
	for i, name := range names {
		u := p.uses[name]
		if u == nil {
			u = &use{started: startedAt(object, name, at), since: at}
			p.uses[name] = u
		}
		u.set(cpu[i], memory[i], at)
		u.noise = noise
	}
}

func startedAt(p *corev1.Pod, container string, otherwise time.Time) time.Time {
	for _, s := range p.Status.ContainerStatuses {
		if s.Name == container && s.State.Running != nil {
			return s.State.Running.StartedAt.Time
		}
	}
	return otherwise
}

func (f *fleet) stopUse(key cache.ObjectName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := f.pods[key]; p != nil {
		p.uses = nil
	}
}

// shares gives each container its part of what the annotation says. What cannot be read counts as not said.
func shares(text string, names []string, value func(*resource.Quantity) int64, otherwise int64) []int64 {
	each := make([]int64, len(names))
	for i := range each {
		each[i] = otherwise
	}
	if q, err := resource.ParseQuantity(strings.TrimSpace(text)); err == nil {
		for i := range each {
			each[i] = max(0, value(&q)) / int64(len(names))
		}
		return each
	}
	for part := range strings.SplitSeq(text, ",") {
		name, amount, _ := strings.Cut(part, "=")
		q, err := resource.ParseQuantity(strings.TrimSpace(amount))
		if err != nil {
			continue
		}
		for i := range names {
			if names[i] == strings.TrimSpace(name) {
				each[i] = max(0, value(&q))
			}
		}
	}
	return each
}

// share reads "3%" as 0.03. What cannot be read, or is more than all, is none.
func share(text string) float64 {
	percent, is := strings.CutSuffix(strings.TrimSpace(text), "%")
	n, err := strconv.ParseFloat(percent, 64)
	if !is || err != nil || !(n > 0 && n <= 100) {
		return 0
	}
	return n / 100
}

// measured is when what a node tells at an instant was measured: at its last housekeeping, which comes at instants of its
// own, as a kubelet's does, or just then where there is none.
func measured(node string, at time.Time, housekeeping time.Duration) time.Time {
	if housekeeping <= 0 {
		return at
	}
	h := fnv.New64a()
	_, _ = io.WriteString(h, node)
	phase := time.Duration(h.Sum64() % uint64(housekeeping)) //nolint:gosec // more than 0
	return at.Add(-phase).Truncate(housekeeping).Add(phase)
}

// metrics writes what a node and its pods use at the instant of the scrape.
func (f *fleet) metrics(node string) func(io.Writer) error {
	var counter usage.Counter // of the node: its pods come and go, it only grows
	return func(w io.Writer) error {
		// The text has milliseconds: a counter of a later moment than it says would make every rate a little wrong.
		n := f.nodeUse(node, measured(node, time.Now(), f.Housekeeping).Truncate(time.Millisecond))
		n.CPU = counter.Observe(func() time.Duration { return n.CPU })
		return usage.Write(w, n, false)
	}
}

func (f *fleet) nodeUse(node string, at time.Time) usage.Node {
	n := usage.Node{At: at, MemoryBytes: idleNodeMemory}
	objects, err := f.byNode.ByIndex(nodeIndex, node)
	if err != nil { // only when the index is not there, which watch has made
		return n
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, o := range objects {
		object, ok := o.(*corev1.Pod)
		if !ok {
			continue
		}
		known := f.pods[cache.MetaObjectToName(object)]
		if known == nil || known.uid != object.UID || len(known.uses) == 0 {
			continue
		}
		p := usage.Pod{Namespace: object.Namespace, Name: object.Name, At: at}
		for _, c := range object.Spec.Containers {
			u := known.uses[c.Name]
			if u == nil {
				continue
			}
			u.measure(at, 2*rand.Float64()-1) //nolint:gosec // noise is no secret
			p.Containers = append(p.Containers, usage.Container{Name: c.Name, Started: u.started, At: at, CPU: u.cpu(at), MemoryBytes: u.memory})
			p.CPU += u.cpu(at)
			p.MemoryBytes += u.memory
		}
		n.CPU += p.CPU
		n.MemoryBytes += p.MemoryBytes
		n.Pods = append(n.Pods, p)
	}
	return n
}

var errSimulated = errors.New("nothing runs in a simulated pod; schedule it on a process node to do that")

// nothing answers for what a simulated pod does not have.
type nothing struct{}

func (nothing) Logs(context.Context, kubelet.Container, *corev1.PodLogOptions, io.Writer) error {
	return &kubelet.StatusError{Status: http.StatusNotImplemented, Text: errSimulated.Error()}
}

func (nothing) Exec(_ context.Context, c kubelet.Container, _ []string, _ kubelet.Streams) error {
	return fmt.Errorf("exec in %s/%s: %w", c.Namespace, c.Pod, errSimulated)
}

func (nothing) Attach(_ context.Context, c kubelet.Container, _ kubelet.Streams) error {
	return fmt.Errorf("attach to %s/%s: %w", c.Namespace, c.Pod, errSimulated)
}

func (nothing) Forward(_ context.Context, c kubelet.Container, port int32, _ io.ReadWriteCloser) error {
	return fmt.Errorf("port %d of %s/%s: %w", port, c.Namespace, c.Pod, errSimulated)
}
