package eval

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// podLine is one line of an observation's pods: several pods that are alike.
type podLine struct {
	// Name is the pod's; only for a line of one pod.
	Name string `json:"name"`
	// Count is how many; absent, this line stands for the replicas that no other line counts.
	Count *int32 `json:"count"`
	usage
	// Containers measures containers one by one.
	Containers map[string]usage `json:"containers"`
	// Metrics are custom metrics of the pods by name, such as qps: 12.
	Metrics map[string]text `json:"metrics"`
	// Ready is true (unless said), false or unknown.
	Ready text `json:"ready"`
	// Phase is Running unless said.
	Phase    string `json:"phase"`
	Deleting bool   `json:"deleting"`
	// Age is since the start (1h), ReadyFor since Ready last changed (the age).
	Age      text `json:"age"`
	ReadyFor text `json:"readyFor"`
	// Sampled is how old the measurements are (0s), Window what they average over (30s).
	Sampled text `json:"sampled"`
	Window  text `json:"window"`
}

// usage is what is used and requested.
type usage struct {
	CPU     text    `json:"cpu"`
	Memory  text    `json:"memory"`
	Request request `json:"request"`
}

// request is the CPU requested, or a request for each resource.
type request map[corev1.ResourceName]text

func (r *request) UnmarshalJSON(b []byte) error {
	var cpu text
	if cpu.UnmarshalJSON(b) == nil {
		*r = request{corev1.ResourceCPU: cpu}
		return nil
	}
	m := map[corev1.ResourceName]text{}
	if err := strict(b, &m); err != nil {
		return err
	}
	*r = m
	return nil
}

// alike is a line of pods, checked.
type alike struct {
	name  string
	count int32 // -1: the rest
	// spec holds the requests.
	spec *corev1.PodSpec
	// used is by container; the container "" is the whole pod.
	used            map[string]map[corev1.ResourceName]int64
	metrics         map[string]int64
	readiness       engine.Readiness
	phase           engine.Phase
	deleting        bool
	age, readyFor   time.Duration
	sampled, window time.Duration
}

func (l *podLine) check(t *template) (alike, error) {
	a := alike{name: l.Name, count: -1, deleting: l.Deleting, used: map[string]map[corev1.ResourceName]int64{}}
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	if l.Count != nil {
		a.count = *l.Count
	} else if l.Name != "" {
		a.count = 1
	}
	switch {
	case l.Count != nil && a.count < 0:
		note(fmt.Errorf("count: %d pods; write 0 or more", a.count))
	case l.Name != "" && a.count != 1:
		note(fmt.Errorf("count: %d pods; a line with a name is one pod", a.count))
	}
	var err error
	a.readiness, err = readiness(l.Ready)
	note(err)
	a.phase, err = phase(l.Phase)
	note(err)
	for _, d := range []struct {
		field     string
		written   text
		otherwise time.Duration
		to        *time.Duration
	}{
		{"age", l.Age, time.Hour, &a.age},
		{"sampled", l.Sampled, 0, &a.sampled},
		{"window", l.Window, 30 * time.Second, &a.window},
	} {
		*d.to, err = duration(d.field, d.written, d.otherwise)
		note(err)
	}
	a.readyFor, err = duration("readyFor", l.ReadyFor, a.age)
	note(err)
	a.metrics, err = quantities("metrics", l.Metrics)
	note(err)
	note(a.measure(l))
	a.spec, err = l.spec(t)
	note(err)
	return a, errors.Join(errs...)
}

// measure fills in what the containers use.
func (a *alike) measure(l *podLine) error {
	whole, err := l.used("")
	if err != nil {
		return err
	}
	a.used[""] = whole
	for name, u := range l.Containers {
		if len(whole) > 0 {
			return errors.New("containers: cpu and memory of the whole pod are given, too; give one of the two")
		}
		if a.used[name], err = u.used("containers." + name + "."); err != nil {
			return err
		}
	}
	return nil
}

func (u usage) used(path string) (map[corev1.ResourceName]int64, error) {
	out := map[corev1.ResourceName]int64{}
	for r, t := range map[corev1.ResourceName]text{corev1.ResourceCPU: u.CPU, corev1.ResourceMemory: u.Memory} {
		if t == "" {
			continue
		}
		q, err := quantity(path+string(r), t)
		if err != nil {
			return nil, err
		}
		out[r] = policy.Milli(q)
	}
	return out, nil
}

// spec is what the line requests, else what the template does.
func (l *podLine) spec(t *template) (*corev1.PodSpec, error) {
	s := new(corev1.PodSpec)
	for name, u := range l.Containers {
		c, err := u.container(name)
		if err != nil {
			return nil, err
		}
		s.Containers = append(s.Containers, c)
	}
	if len(l.Request) > 0 {
		c, err := l.container("pod")
		if err != nil {
			return nil, err
		}
		s.Containers = append(s.Containers, c)
	}
	requested := slices.ContainsFunc(s.Containers, func(c corev1.Container) bool { return len(c.Resources.Requests) > 0 })
	switch {
	case requested:
		return s, nil
	case t != nil:
		return &t.Spec.Template.Spec, nil
	case len(s.Containers) == 0:
		s.Containers = []corev1.Container{{Name: "pod"}}
	}
	return s, nil
}

func (u usage) container(name string) (corev1.Container, error) {
	c := corev1.Container{Name: name, Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{}}}
	for r, t := range u.Request {
		q, err := quantity("request."+string(r), t)
		if err != nil {
			return c, err
		}
		c.Resources.Requests[r] = q
	}
	return c, nil
}

// value is what the source measures of such a pod.
func (a *alike) value(s policy.Source) (int64, bool) {
	if s.Resource == "" {
		v, ok := a.metrics[s.MetricName]
		return v, ok
	}
	if s.Container != "" {
		of, ok := a.used[s.Container]
		if !ok && len(a.spec.Containers) == 1 && a.spec.Containers[0].Name == s.Container {
			of = a.used[""] // the pod's only container is the whole of it
		}
		v, ok := of[s.Resource]
		return v, ok
	}
	return a.total(s.Resource)
}

// total adds the containers up; one without a measurement leaves the pod without.
func (a *alike) total(r corev1.ResourceName) (int64, bool) {
	if v, ok := a.used[""][r]; ok {
		return v, true
	}
	var sum int64
	for name, of := range a.used {
		if name == "" {
			continue
		}
		v, ok := of[r]
		if !ok || v > math.MaxInt64-sum {
			return 0, false
		}
		sum += v
	}
	return sum, len(a.used) > 1
}

func readiness(t text) (engine.Readiness, error) {
	switch strings.ToLower(string(t)) {
	case "", "true":
		return engine.Ready, nil
	case "false":
		return engine.NotReady, nil
	case "unknown":
		return engine.ReadinessUnknown, nil
	default:
		return 0, fmt.Errorf("ready: %q; write true, false or unknown", t)
	}
}

func phase(s string) (engine.Phase, error) {
	switch s {
	case "", string(corev1.PodRunning):
		return engine.Running, nil
	case string(corev1.PodPending):
		return engine.Pending, nil
	case string(corev1.PodFailed):
		return engine.Failed, nil
	case string(corev1.PodSucceeded):
		return engine.Succeeded, nil
	default:
		return 0, fmt.Errorf("phase: %q; write Running, Pending, Failed or Succeeded", s)
	}
}

func quantities(field string, all map[string]text) (map[string]int64, error) {
	out := make(map[string]int64, len(all))
	for name, t := range all {
		q, err := quantity(field+"."+name, t)
		if err != nil {
			return nil, err
		}
		out[name] = policy.Milli(q)
	}
	return out, nil
}

func quantity(field string, t text) (resource.Quantity, error) {
	q, err := resource.ParseQuantity(string(t))
	if err != nil {
		return q, fmt.Errorf("%s: %q is not a quantity such as 250m, 2 or 64Mi", field, t)
	}
	return q, nil
}
