package auth_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/auth"
	"github.com/furl-dev/furl/trigger"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// counted are objects that count their users, as kube.Watched does.
type counted struct {
	fakes
	users map[kube.Ref]int
}

func (c *counted) Use(r kube.Ref) { c.users[r]++ }

func (c *counted) Release(r kube.Ref) {
	if c.users[r]--; c.users[r] == 0 {
		delete(c.users, r)
	}
}

func (c *counted) Read(ctx context.Context, r kube.Ref) (map[string]string, bool, error) {
	if c.users[r] == 0 {
		return nil, false, errors.New("read though nobody uses it")
	}
	return c.fakes.Read(ctx, r)
}

// templates are pod specs by the name of their workload.
type templates struct {
	specs map[string]*corev1.PodSpec
	asked int
}

func (p *templates) Get(_ context.Context, t kube.Target) (*corev1.PodSpec, error) {
	p.asked++
	if t.APIVersion != "apps/v1" || t.Kind != "Deployment" {
		return nil, fmt.Errorf("%s %s: not found", t.APIVersion, t)
	}
	return p.specs[t.Name], nil
}

// bench is all that Inputs stand on.
type bench struct {
	*auth.Inputs
	specs   *auth.Authentications
	objects *counted
	pods    *templates
	told    []string
}

func newBench() *bench {
	b := &bench{specs: &auth.Authentications{}, objects: &counted{fakes: *world(), users: map[kube.Ref]int{}}, pods: &templates{}}
	b.Inputs = auth.NewInputs(auth.Settings{Namespace: "furl-system"}, b.specs, b.objects, b.pods)
	b.specs.Changed = b.Changed
	b.Notify(func(owner types.NamespacedName) { b.told = append(b.told, owner.Name) })
	return b
}

func (b *bench) authentication(refs ...v1alpha1.AuthSecretTargetRef) {
	b.specs.Namespaced().Put(&v1alpha1.TriggerAuthentication{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "a"},
		Spec:       v1alpha1.TriggerAuthenticationSpec{SecretTargetRef: refs},
	})
}

func (b *bench) tellings() []string {
	out := slices.Sorted(slices.Values(b.told))
	b.told = nil
	return out
}

func object(name string, triggers ...v1alpha1.ScaleTriggers) *v1alpha1.ScaledObject {
	return &v1alpha1.ScaledObject{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name},
		Spec:       v1alpha1.ScaledObjectSpec{ScaleTargetRef: &v1alpha1.ScaleTarget{Name: "worker"}, Triggers: triggers},
	}
}

func withAuth() v1alpha1.ScaleTriggers {
	return v1alpha1.ScaleTriggers{Type: "aws-sqs-queue", Name: "q", Metadata: map[string]string{"queueURL": "u"}, AuthenticationRef: &v1alpha1.AuthenticationRef{Name: "a"}}
}

func TestInput_has_all_that_a_trigger_says(t *testing.T) {
	b := newBench()
	b.authentication(secretTarget("password", "s", "k"))
	b.pods.specs = map[string]*corev1.PodSpec{"worker": pod(corev1.Container{Env: []corev1.EnvVar{{Name: "URL", Value: "u"}}})}
	trig := withAuth()
	trig.Metadata = map[string]string{"queueURLFromEnv": "URL"}
	trig.MetricType = "Value"
	got, err := b.Input(t.Context(), object("o", v1alpha1.ScaleTriggers{Type: "cron"}, trig), 1)
	if err != nil {
		t.Fatal(err)
	}
	want := trigger.Input{
		Index: 1, Name: "q", Namespace: "ns", Object: "o", MetricType: "Value",
		Metadata: trig.Metadata, Auth: map[string]string{"password": hush}, Env: map[string]string{"URL": "u"},
		Identity: trigger.Identity{Provider: "none"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestInput_asks_for_the_workload_only_where_a_setting_needs_it(t *testing.T) {
	b := newBench()
	plain := v1alpha1.ScaleTriggers{Type: "cron", Metadata: map[string]string{"timezone": "UTC"}}
	in, err := b.Input(t.Context(), object("o", plain), 0)
	if err != nil || in.Env == nil || in.Auth == nil || b.pods.asked != 0 {
		t.Errorf("error %v, asked %d times, %+v", err, b.pods.asked, in)
	}
	o := object("o", v1alpha1.ScaleTriggers{Type: "cron", Metadata: map[string]string{"timezoneFromEnv": "TZ"}})
	if _, err := b.Input(t.Context(), o, 0); err == nil || !strings.Contains(err.Error(), "trigger 0 (cron): environment of the workload") {
		t.Errorf("error %v", err)
	}
}

func TestInputs_tell_who_refers_to_what_changed(t *testing.T) {
	b := newBench()
	b.authentication(secretTarget("p", "s", "k"))
	for _, name := range []string{"one", "two"} {
		if _, err := b.Input(t.Context(), object(name, withAuth()), 0); err != nil {
			t.Fatal(err)
		}
	}
	rotated := ref(kube.KindSecret, "ns", "s")
	if b.objects.users[rotated] != 2 {
		t.Errorf("%d users", b.objects.users[rotated])
	}
	b.Changed(rotated)
	if diff := cmp.Diff([]string{"one", "two"}, b.tellings()); diff != "" {
		t.Error(diff)
	}
	b.Forget(types.NamespacedName{Namespace: "ns", Name: "one"})
	b.authentication(secretTarget("p", "s", "k")) // says the same
	b.authentication(secretTarget("p", "gone", "k"))
	if diff := cmp.Diff([]string{"two"}, b.tellings()); diff != "" {
		t.Error(diff)
	}
	if _, err := b.Input(t.Context(), object("two", withAuth()), 0); err == nil || strings.Contains(err.Error(), hush) {
		t.Errorf("error %v", err)
	}
	if diff := cmp.Diff(map[kube.Ref]int{ref(kube.KindSecret, "ns", "gone"): 1}, b.objects.users); diff != "" {
		t.Error(diff)
	}
	b.Changed(ref(kube.KindSecret, "ns", "gone")) // it has come
	if diff := cmp.Diff([]string{"two"}, b.tellings()); diff != "" {
		t.Error(diff)
	}
	if _, err := b.Input(t.Context(), object("two", v1alpha1.ScaleTriggers{Type: "cron"}), 0); err != nil {
		t.Fatal(err)
	}
	if len(b.objects.users) != 0 {
		t.Errorf("still used: %v", slices.Collect(maps.Keys(b.objects.users)))
	}
}

func TestInputs_wait_for_an_authentication_that_comes_later(t *testing.T) {
	b := newBench()
	if _, err := b.Input(t.Context(), object("o", withAuth()), 0); err == nil || !strings.Contains(err.Error(), "TriggerAuthentication ns/a: not found") {
		t.Errorf("error %v", err)
	}
	b.authentication(secretTarget("p", "s", "k"))
	if diff := cmp.Diff([]string{"o"}, b.tellings()); diff != "" {
		t.Error(diff)
	}
	b.specs.Namespaced().Drop(types.NamespacedName{Namespace: "ns", Name: "a"})
	if diff := cmp.Diff([]string{"o"}, b.tellings()); diff != "" {
		t.Error(diff)
	}
}

func TestInputs_give_up_triggers_that_are_gone(t *testing.T) {
	b := newBench()
	b.authentication(secretTarget("p", "s", "k"))
	for i := range 2 {
		if _, err := b.Input(t.Context(), object("o", withAuth(), withAuth()), i); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Input(t.Context(), object("o", withAuth()), 0); err != nil {
		t.Fatal(err)
	}
	if got := b.objects.users[ref(kube.KindSecret, "ns", "s")]; got != 1 {
		t.Errorf("%d users", got)
	}
	b.Forget(types.NamespacedName{Namespace: "ns", Name: "o"})
	if len(b.objects.users) != 0 {
		t.Errorf("still used: %v", b.objects.users)
	}
}
