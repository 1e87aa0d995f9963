package scaledobject_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/busy"
	"github.com/furl-dev/furl/operator/measure"
	"github.com/furl-dev/furl/operator/pool"
	"github.com/furl-dev/furl/operator/scaledobject"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/record"
	"github.com/furl-dev/furl/trigger"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// settings are those of the queue kind that tests read.
type settings struct {
	Queue      string  `cfg:"queue" doc:"name of the queue"`
	Length     float64 `cfg:"length,default=5,role=target" doc:"messages of a replica"`
	Activation float64 `cfg:"activation,default=0,role=activation" doc:"messages above which there is work"`
	Password   string  `cfg:"password,optional,from=auth,secret" doc:"password"`
}

func (s settings) MetricName() string { return s.Queue }

// cluster is a small cluster in memory with a few queues beside it. It
// implements the ports of package scaledobject.
type cluster struct {
	t          *testing.T
	controller *scaledobject.Controller
	targets    *kube.Targets
	pool       *pool.Pool
	kind       trigger.Kind

	mu        sync.Mutex // guards what follows
	sizes     map[string]int32
	queues    map[string]float64
	broken    map[string]error // why a queue cannot be read
	asked     map[string]int   // reads of each queue
	opened    []string         // passwords that sources were opened with
	password  string
	objects   map[string]*v1alpha1.ScaledObject
	patches   []string // bodies of status patches
	scaled    []string
	meanwhile int32         // a size that somebody sets just before the next write; negative for none
	ranked    []busy.Shrink // before the size was written
	unranked  error         // what ranking answers
	events    []string
	version   int
	passed    time.Duration // since the test began
	book      *record.Book
	closed    string // why no size may be written
	hpas      map[string]*autoscalingv2.HorizontalPodAutoscaler
	hpaWrites []string
	elsewhere error // why HPAs cannot be told of metrics
	keda      keda
	moving    func() // called at every write of a size, if set
}

// queue is a source that reads one of the cluster's queues.
type queue struct {
	c    *cluster
	name string
}

func (q queue) Read(context.Context) (trigger.Sample, error) {
	q.c.mu.Lock()
	defer q.c.mu.Unlock()
	q.c.asked[q.name]++
	return trigger.Sample{At: time.Now(), Value: q.c.queues[q.name]}, q.c.broken[q.name]
}

func (queue) Close() error { return nil }

// onStage runs a test in a bubble with a controller that leads.
func onStage(t *testing.T, test func(c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{
			t: t, sizes: map[string]int32{}, queues: map[string]float64{}, broken: map[string]error{}, asked: map[string]int{},
			objects: map[string]*v1alpha1.ScaledObject{}, meanwhile: -1, version: 1, book: record.NewBook(record.DefaultBudget),
			hpas: map[string]*autoscalingv2.HorizontalPodAutoscaler{},
		}
		c.kind = trigger.Define("queue", "a queue", func(_ context.Context, s settings, _ trigger.Env) (trigger.Source, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.opened = append(c.opened, s.Password)
			return queue{c, s.Queue}, nil
		})
		c.pool = pool.New(pool.DefaultOptions(trigger.Env{Now: time.Now, Log: slog.New(slog.DiscardHandler)}))
		test(c.lead())
	})
}

// lead starts a controller and a pool, and ends both with the test.
func (c *cluster) lead() *cluster {
	c.targets = &kube.Targets{Changed: func(t kube.Target) { c.controller.TargetChanged(t) }}
	c.controller = scaledobject.NewController(scaledobject.ControllerConfig{
		Ports: scaledobject.Ports{
			Scales: c, Pods: kube.NewPods(func(o types.NamespacedName) { c.controller.PodsChanged(o) }),
			Resources: nothing{}, Inputs: c, Kinds: c.find, Sources: c.pool, Objects: c, Events: c, Records: c.book,
			Idle: ranks{c}, Keda: &c.keda, Closed: c.why, Autoscalers: autoscalers{c}, MetricsAPI: c.external,
		},
		Settings: scaledobject.Settings{
			Version:  "(devel)",
			Defaults: policy.UpstreamDefaults(), Clock: time.Now, Meter: scaledobject.NewMeter(prometheus.NewRegistry(), "test"),
		},
		Log: slog.New(slog.DiscardHandler), Targets: c.targets, Workers: 1,
	})
	ctx, stop := context.WithCancel(c.t.Context())
	ended := make(chan error, 2)
	go func() { ended <- c.controller.Lead(ctx) }()
	go func() { ended <- c.pool.Run(ctx) }()
	synctest.Wait()
	c.t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				c.t.Error(err)
			}
		}
	})
	return c
}

// why says why no size may be written.
func (c *cluster) why(string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

func (c *cluster) find(name string) (trigger.Kind, bool) { return c.kind, name == c.kind.Name }

// object is a ScaledObject of a workload and one queue, both of its name:
// poll 5 s, cooldown 10 s, five messages a replica.
func object(name string) *v1alpha1.ScaledObject {
	return &v1alpha1.ScaledObject{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: name, UID: types.UID(name), Generation: 1, CreationTimestamp: metav1.Now(),
		},
		Spec: v1alpha1.ScaledObjectSpec{
			ScaleTargetRef:  &v1alpha1.ScaleTarget{Name: name},
			PollingInterval: new(int32(5)), CooldownPeriod: new(int32(10)), MaxReplicaCount: new(int32(10)),
			Triggers: []v1alpha1.ScaleTriggers{{Type: "queue", Metadata: map[string]string{"queue": name}}},
		},
	}
}

// put tells the controller of an object.
func (c *cluster) put(o *v1alpha1.ScaledObject) {
	c.mu.Lock()
	c.version++
	o = o.DeepCopy()
	o.ResourceVersion = strconv.Itoa(c.version)
	if was := c.objects[o.Name]; was != nil && was.UID == o.UID {
		o.Status = *was.Status.DeepCopy()
	}
	c.objects[o.Name] = o
	c.mu.Unlock()
	c.controller.Sink().Put(o.DeepCopy())
	synctest.Wait()
}

// pass lets time pass. Who acts meanwhile sees what the test did before, and the
// test sees afterwards what they did.
func (c *cluster) pass(d time.Duration) {
	c.mu.Lock()
	c.passed += d
	c.mu.Unlock()
	time.Sleep(d)
	synctest.Wait()
}

// set fills a queue.
func (c *cluster) set(name string, n float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queues[name] = n
}

func (c *cluster) fail(name string, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken[name] = why
}

// reads are how often each queue was read.
func (c *cluster) reads() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.asked)
}

func (c *cluster) get(name string) *v1alpha1.ScaledObject {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.objects[name].DeepCopy()
}

// condition is status/reason of one condition of an object.
func (c *cluster) condition(name string, t v1alpha1.ConditionType) string {
	got := c.get(name).Status.Conditions.Get(t)
	return string(got.Status) + "/" + got.Reason
}

func (c *cluster) expect(what string, got, want any) {
	c.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		c.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// told are the events since the last call.
func (c *cluster) told() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	got := c.events
	c.events = nil
	return got
}

func (c *cluster) writes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	got := c.scaled
	c.scaled = nil
	return got
}

func (c *cluster) statuses() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(c.patches)
	c.patches = nil
	return n
}

// Get implements scaledobject.Scales.
func (c *cluster) Get(_ context.Context, t kube.Target) (kube.Scale, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.sizes[t.Name]
	if !ok {
		return kube.Scale{}, apierrors.NewNotFound(schema.GroupResource{Group: "apps", Resource: "deployments"}, t.Name)
	}
	s := kube.Scale{Target: t, Selector: "app=" + t.Name, Resource: schema.GroupResource{Group: "apps", Resource: "deployments"}}
	s.Replicas.Spec, s.Replicas.Status = n, n
	return s, nil
}

// Move implements scaledobject.Scales.
func (c *cluster) Move(_ context.Context, s kube.Scale, n int32) error {
	c.mu.Lock()
	moving := c.moving
	c.mu.Unlock()
	if moving != nil {
		moving()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.meanwhile >= 0 {
		c.sizes[s.Target.Name], c.meanwhile = c.meanwhile, -1
		return loop.ErrMoved
	}
	c.scaled = append(c.scaled, fmt.Sprintf("%s %d", s.Target.Name, n))
	c.sizes[s.Target.Name] = n
	return nil
}

// Input implements scaledobject.Inputs.
func (c *cluster) Input(_ context.Context, o *v1alpha1.ScaledObject, i int) (trigger.Input, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &o.Spec.Triggers[i]
	return trigger.Input{
		Index: i, Name: t.Name, Namespace: o.Namespace, MetricType: string(t.MetricType), Metadata: t.Metadata,
		Auth: map[string]string{"password": c.password},
	}, nil
}

// Forget implements scaledobject.Inputs.
func (*cluster) Forget(types.NamespacedName) {}

// PatchScaledObject implements scaledobject.Objects as the API server does.
func (c *cluster) PatchScaledObject(_ context.Context, key types.NamespacedName, status bool, body []byte) (*v1alpha1.ScaledObject, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.objects[key.Name]
	if o == nil {
		return nil, apierrors.NewNotFound(v1alpha1.Resource("scaledobjects"), key.Name)
	}
	var patch map[string]any
	if err := json.Unmarshal(body, &patch); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var is map[string]any
	if err := json.Unmarshal(raw, &is); err != nil {
		return nil, err
	}
	meta, _ := patch["metadata"].(map[string]any)
	if meta["uid"] != string(o.UID) {
		return nil, errors.New("uid differs")
	}
	if v, given := meta["resourceVersion"]; given && v != o.ResourceVersion {
		return nil, apierrors.NewConflict(v1alpha1.Resource("scaledobjects"), key.Name, errors.New("changed"))
	}
	if status {
		c.patches = append(c.patches, string(body))
	}
	delete(meta, "resourceVersion")
	merged, err := json.Marshal(merge(is, patch))
	if err != nil {
		return nil, err
	}
	stored := new(v1alpha1.ScaledObject)
	if err := json.Unmarshal(merged, stored); err != nil {
		return nil, err
	}
	c.version++
	stored.ResourceVersion = strconv.Itoa(c.version)
	c.objects[key.Name] = stored
	return stored.DeepCopy(), nil
}

func merge(is any, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	out, ok := is.(map[string]any)
	if !ok {
		out = map[string]any{}
	}
	for k, v := range changes {
		if v == nil {
			delete(out, k)
			continue
		}
		out[k] = merge(out[k], v)
	}
	return out
}

// Event implements scaledobject.Events.
func (c *cluster) Event(_ *v1alpha1.ScaledObject, kind, reason, message string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, strings.Join([]string{kind, reason, message}, " | "))
}

// Own implements scaledobject.Events.
func (c *cluster) Own(o *v1alpha1.ScaledObject, kind, reason, message string) {
	c.Event(o, "furl "+kind, reason, message)
}

// nothing is a cluster that measures no pods.
type nothing struct{}

func (nothing) Measures(context.Context, measure.ResourceQuery, []*kube.Pod, []measure.Measure) ([]measure.Measure, error) {
	return nil, errors.New("no metrics")
}
