package kube

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func requests(cpu string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu)}}
}

// server keeps one scale and refuses writes that were made from another version.
type server struct {
	scale   autoscalingv1.Scale
	version int
	gets    int
	puts    []int32
	down    error
	foes    int // how many writes another one precedes
}

func (s *server) RESTMappings(gk schema.GroupKind, _ ...string) ([]*meta.RESTMapping, error) {
	if gk.Kind != "Widget" {
		return nil, &meta.NoKindMatchError{GroupKind: gk}
	}
	return []*meta.RESTMapping{{Resource: schema.GroupVersionResource{Group: gk.Group, Version: "v1", Resource: "widgets"}}}, nil
}

func (s *server) Get(context.Context, schema.GroupResource, string, string) (*autoscalingv1.Scale, error) {
	s.gets++
	if s.down != nil {
		return nil, s.down
	}
	return s.scale.DeepCopy(), nil
}

func (s *server) Update(_ context.Context, r schema.GroupResource, n *autoscalingv1.Scale) (*autoscalingv1.Scale, error) {
	s.puts = append(s.puts, n.Spec.Replicas)
	if s.foes > 0 {
		s.foes--
		s.bump()
	}
	if n.ResourceVersion != s.scale.ResourceVersion {
		return nil, apierrors.NewConflict(r, n.Name, errors.New("another version"))
	}
	s.scale.Spec.Replicas = n.Spec.Replicas
	s.bump()
	return s.scale.DeepCopy(), nil
}

func (s *server) bump() {
	s.version++
	s.scale.ResourceVersion = string(rune('0' + s.version))
}

func newServer() *server {
	const replicas = 3
	s := &server{}
	s.scale.Name, s.scale.Namespace = "w", "ns"
	s.scale.Spec.Replicas, s.scale.Status.Replicas, s.scale.Status.Selector = replicas, replicas, "app=w"
	s.bump()
	return s
}

// plain is a server whose widgets have no /scale.
type plain struct{ *server }

func (plain) Scalable(r schema.GroupVersionResource) (bool, error) {
	return r.Resource != "widgets", nil
}

func TestScales_tell_a_kind_without_scale_from_an_object_that_is_not_there(t *testing.T) {
	s := newServer()
	s.down = apierrors.NewNotFound(schema.GroupResource{Resource: "widgets"}, "w")
	_, missing := NewScales(s, s, nil, nil).Get(t.Context(), widget())
	_, unfit := NewScales(s, plain{s}, nil, nil).Get(t.Context(), widget())
	if errors.Is(missing, ErrNotScalable) || !errors.Is(unfit, ErrNotScalable) {
		t.Errorf("missing: %v, without /scale: %v", missing, unfit)
	}
	if !apierrors.IsNotFound(unfit) || unfit.Error() != s.down.Error() {
		t.Errorf("error %q, want the server's words", unfit)
	}
}

func widget() Target {
	return Target{Namespace: "ns", Name: "w", APIVersion: "example.com/v1", Kind: "Widget"}
}

func TestScales_write_the_same_number_again_after_a_conflict(t *testing.T) {
	s := newServer()
	scales := NewScales(s, s, nil, nil)
	got, err := scales.Get(t.Context(), widget())
	if err != nil {
		t.Fatal(err)
	}
	s.foes = 2
	if err := scales.Set(t.Context(), got, 5); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int32{5, 5, 5}, s.puts); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if s.scale.Spec.Replicas != 5 {
		t.Errorf("size %d, want 5", s.scale.Spec.Replicas)
	}
}

func TestScales_give_up_after_many_conflicts(t *testing.T) {
	s := newServer()
	scales := NewScales(s, s, nil, nil)
	got, err := scales.Get(t.Context(), widget())
	if err != nil {
		t.Fatal(err)
	}
	s.foes = 100
	if err := scales.Set(t.Context(), got, 5); !apierrors.IsConflict(err) {
		t.Errorf("Set: %v, want a conflict", err)
	}
	if len(s.puts) != 5 {
		t.Errorf("%d writes, want 5", len(s.puts))
	}
}

func TestScales_ask_at_most_each_15_seconds_and_before_a_write(t *testing.T) {
	s := newServer()
	now := time.Unix(1000, 0)
	scales := NewScales(s, s, nil, func() time.Time { return now })
	read := func() Scale {
		t.Helper()
		got, err := scales.Get(t.Context(), widget())
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for range 15 {
		read()
		now = now.Add(time.Second)
	}
	if s.gets != 1 {
		t.Errorf("asked %d times within 15 s, want once", s.gets)
	}
	got := read()
	if s.gets != 2 {
		t.Errorf("asked %d times after 15 s, want twice", s.gets)
	}
	s.scale.Spec.Replicas = 7 // by hand
	s.bump()
	if err := scales.Set(t.Context(), got, 4); !errors.Is(err, loop.ErrMoved) {
		t.Errorf("Set on a size that moved: %v, want ErrMoved", err)
	}
	if len(s.puts) != 0 {
		t.Errorf("wrote %v over a size that was not the one decided from", s.puts)
	}
	if err := scales.Set(t.Context(), read(), 4); err != nil {
		t.Fatal(err)
	}
	if got := read(); got.Replicas.Spec != 4 {
		t.Errorf("size %d after the write, want 4", got.Replicas.Spec)
	}
}

func TestScales_name_the_users_mistake(t *testing.T) {
	s := newServer()
	scales := NewScales(s, s, nil, nil)
	wrong := widget()
	wrong.APIVersion = "a/b/c"
	if _, err := scales.Get(t.Context(), wrong); !errors.Is(err, ErrTargetVersion) || err.Error() != "unexpected GroupVersion string: a/b/c" {
		t.Errorf("Get: %v, want the parser's words as ErrTargetVersion", err)
	}
	wrong = widget()
	wrong.Kind = "Gadget"
	if _, err := scales.Get(t.Context(), wrong); !meta.IsNoMatchError(err) {
		t.Errorf("Get: %v, want that there is no such kind", err)
	}
	s.down = errors.New("the server is out")
	if _, err := scales.Get(t.Context(), widget()); !errors.Is(err, s.down) {
		t.Errorf("Get: %v, want %v", err, s.down)
	}
}

func deployment(version string, spec, status int32) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "d", UID: "u", ResourceVersion: version},
		Spec:       appsv1.DeploymentSpec{Replicas: &spec, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "d"}}},
		Status:     appsv1.DeploymentStatus{Replicas: status},
	}
}

func TestWorkloads_know_sizes_of_any_version_of_the_kind(t *testing.T) {
	var told []Target
	w := NewWorkloads(func(t Target) { told = append(told, t) })
	w.Deployments().Put(deployment("1", 3, 2))
	target := Target{Namespace: "ns", Name: "d", APIVersion: "apps/v1", Kind: "Deployment"}
	want := Scale{
		Target: target, Replicas: engine.Replicas{Spec: 3, Status: 2}, Selector: "app=d",
		Resource: schema.GroupResource{Group: "apps", Resource: "deployments"}, UID: "u", ResourceVersion: "1",
	}
	got, ok := w.Size(target)
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("Size: known %v (-want +got):\n%s", ok, diff)
	}
	if _, ok := w.Size(Target{Namespace: "ns", Name: "d", APIVersion: "example.com/v1", Kind: "Deployment"}); ok {
		t.Error("knows a Deployment of another group")
	}
	w.Deployments().Put(deployment("2", 3, 2)) // nothing that counts has changed
	w.Deployments().Put(deployment("3", 3, 3))
	w.Deployments().Drop(keyed("d"))
	id := Target{Namespace: "ns", Name: "d", APIVersion: "apps", Kind: "Deployment"}
	if diff := cmp.Diff(slices.Repeat([]Target{id}, 3), told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestWorkloads_do_not_fall_back_behind_our_own_write(t *testing.T) {
	w := NewWorkloads(nil)
	target := Target{Namespace: "ns", Name: "d", APIVersion: "apps/v1", Kind: "Deployment"}
	replicas := func() int32 {
		s, _ := w.Size(target)
		return s.Replicas.Spec
	}
	w.Deployments().Put(deployment("10", 3, 3))
	s, _ := w.Size(target)
	s.Replicas.Spec, s.ResourceVersion = 5, "12"
	w.Wrote(s)
	if got := replicas(); got != 5 {
		t.Errorf("%d right after the write, want 5", got)
	}
	w.Deployments().Put(deployment("11", 3, 3)) // told late
	if got := replicas(); got != 5 {
		t.Errorf("%d after an old state, want 5", got)
	}
	w.Deployments().Put(deployment("13", 6, 3)) // somebody else's write
	if got := replicas(); got != 6 {
		t.Errorf("%d after a newer state, want 6", got)
	}
}

func TestScales_forget_workloads_that_nobody_asks_for(t *testing.T) {
	s := newServer()
	now := time.Unix(1000, 0)
	scales := NewScales(s, s, nil, func() time.Time { return now })
	for i := range 5 * sweepAt {
		now = now.Add(time.Second)
		w := widget()
		w.Name = strconv.Itoa(i)
		if _, err := scales.Get(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(scales.asked.answers); n > sweepAt {
		t.Errorf("%d answers kept, want at most %d", n, sweepAt)
	}
}
