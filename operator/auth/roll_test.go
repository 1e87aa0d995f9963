package auth_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/auth"
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// rolled is a roll and the API server behind it. Only its test calls it.
type rolled struct {
	*auth.Roll
	t      *testing.T
	status map[string]v1alpha1.TriggerAuthenticationStatus // by Ref.String
	wrote  []string
	fails  int // so many writes do
}

// PatchAuthentication implements auth.RollWriter.
func (r *rolled) PatchAuthentication(_ context.Context, ref kube.Ref, body []byte) error {
	if r.fails > 0 {
		r.fails--
		return apierrors.NewServiceUnavailable("try again")
	}
	var patch struct {
		Status v1alpha1.TriggerAuthenticationStatus `json:"status"` // null is the zero value
	}
	if err := json.Unmarshal(body, &patch); err != nil {
		return err
	}
	r.status[ref.String()] = patch.Status
	r.wrote = append(r.wrote, fmt.Sprintf("%s: %s; %s", ref, patch.Status.ScaledObjectNamesStr, patch.Status.ScaledJobNamesStr))
	return nil
}

// writes are those since the last call.
func (r *rolled) writes(after time.Duration) []string {
	time.Sleep(after)
	synctest.Wait()
	got := r.wrote
	r.wrote = nil
	return got
}

// last is the last write of two seconds: of two changes the first may be written by itself, if a turn falls between them.
func (r *rolled) last() []string {
	got := r.writes(2 * time.Second)
	return got[max(0, len(got)-1):]
}

func (r *rolled) expect(why string, got, want []string) {
	r.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Errorf("%s (-want +got):\n%s", why, diff)
	}
}

func onRoll(t *testing.T, test func(r *rolled)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rolled{t: t, status: map[string]v1alpha1.TriggerAuthenticationStatus{}}
		r.Roll = auth.NewRoll(r, false)
		test(r)
	})
}

// lead makes it lead until the test ends.
func (r *rolled) lead() {
	ctx, stop := context.WithCancel(r.t.Context())
	ended := make(chan error)
	go func() { ended <- r.Lead(ctx) }()
	r.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			r.t.Error(err)
		}
	})
	synctest.Wait()
}

// authenticates is an object that refers to authentications of its namespace, or of the cluster.
func authenticates(namespace, name, kind string, refs ...string) *v1alpha1.ScaledObject {
	o := &v1alpha1.ScaledObject{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	for _, ref := range refs {
		o.Spec.Triggers = append(o.Spec.Triggers, v1alpha1.ScaleTriggers{AuthenticationRef: &v1alpha1.AuthenticationRef{Name: ref, Kind: kind}})
	}
	return o
}

func named(namespace, name string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: name}
}

func authentication(name, objects string) *v1alpha1.TriggerAuthentication {
	return &v1alpha1.TriggerAuthentication{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: "1"},
		Status:     v1alpha1.TriggerAuthenticationStatus{ScaledObjectNamesStr: objects},
	}
}

func TestRoll_names_who_refers_as_KEDA_does(t *testing.T) {
	onRoll(t, func(r *rolled) {
		objects := r.ScaledObjects()
		r.Namespaced().Put(authentication("sqs", ""))
		objects.Put(authenticates("shop", "orders", "", "sqs", "sqs"))
		objects.Put(authenticates("shop", "bills", "", "sqs", "gone"))
		objects.Put(authenticates("other", "strangers", "", "sqs"))
		r.lead() // with all of the file there: none of it is written by itself
		r.expect("a file applied", r.writes(time.Minute), []string{"TriggerAuthentication shop/sqs: bills,orders; "})
		objects.Put(authenticates("shop", "orders", "", "sqs"))
		r.expect("nothing new", r.writes(time.Hour), nil)
		objects.Put(authenticates("shop", "all", "", "sqs"))
		r.expect("one came", r.writes(2*time.Second), []string{"TriggerAuthentication shop/sqs: bills,orders,all; "})
		objects.Drop(named("shop", "bills"))
		r.expect("one went", r.writes(2*time.Second), []string{"TriggerAuthentication shop/sqs: orders,all; "})
		objects.Put(authenticates("shop", "orders", "", "another"))
		job := &v1alpha1.ScaledJob{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "night"}}
		job.Spec.Triggers = authenticates("", "", "", "sqs").Spec.Triggers
		r.ScaledJobs().Put(job)
		r.expect("a job came, an object turned away", r.last(), []string{"TriggerAuthentication shop/sqs: all; night"})
		objects.Drop(named("shop", "all"))
		r.ScaledJobs().Drop(named("shop", "night"))
		r.expect("none is left", r.last(), []string{"TriggerAuthentication shop/sqs: ; "})
	})
}

func TestRoll_counts_a_name_as_long_as_any_namespace_has_it(t *testing.T) {
	onRoll(t, func(r *rolled) {
		r.lead()
		r.Cluster().Put(&v1alpha1.ClusterTriggerAuthentication{ObjectMeta: metav1.ObjectMeta{Name: "aws"}})
		for _, namespace := range []string{"a", "b"} {
			r.ScaledObjects().Put(authenticates(namespace, "web", v1alpha1.KindClusterTriggerAuthentication, "aws"))
		}
		r.expect("two of one name", r.last(), []string{"ClusterTriggerAuthentication aws: web; "})
		r.ScaledObjects().Drop(named("a", "web"))
		r.expect("one of them went", r.writes(time.Minute), nil)
		r.ScaledObjects().Drop(named("b", "web"))
		r.expect("both went", r.writes(time.Minute), []string{"ClusterTriggerAuthentication aws: ; "})
	})
}

func TestRoll_writes_only_while_it_leads_and_only_what_is_not_there(t *testing.T) {
	onRoll(t, func(r *rolled) {
		r.ScaledObjects().Put(authenticates("shop", "orders", "", "sqs", "kafka"))
		r.ScaledObjects().Put(authenticates("shop", "bills", "", "sqs"))
		r.Namespaced().Put(authentication("sqs", "orders,bills")) // KEDA wrote it
		r.Namespaced().Put(authentication("kafka", "orders,left"))
		r.expect("a standby", r.writes(time.Hour), nil)
		r.fails = 3
		r.lead()
		r.expect("a new leader, at the fourth attempt", r.writes(time.Minute), []string{"TriggerAuthentication shop/kafka: orders; "})
		r.Namespaced().Put(authentication("kafka", "orders"))
		r.expect("the watch tells of the write", r.writes(time.Hour), nil)
		r.Namespaced().Drop(named("shop", "kafka"))
		r.ScaledObjects().Drop(named("shop", "orders"))
		r.expect("one is gone", r.writes(time.Hour), []string{"TriggerAuthentication shop/sqs: bills; "})
	})
}

func TestRoll_adds_nobody_whom_Furl_only_observes(t *testing.T) {
	onRoll(t, func(r *rolled) {
		r.lead()
		for _, name := range []string{"new", "old"} {
			o := authenticates("shop", name, "", "sqs")
			o.Annotations = map[string]string{api.AnnotationMode: api.ModeObserve}
			r.ScaledObjects().Put(o)
		}
		r.Namespaced().Put(authentication("sqs", "old")) // KEDA has it
		r.expect("observed", r.writes(time.Minute), nil)
		r.ScaledObjects().Put(authenticates("shop", "new", "", "sqs"))
		r.expect("served", r.writes(time.Minute), []string{"TriggerAuthentication shop/sqs: old,new; "})
	})
}

func TestRoll_that_sees_some_namespaces_leaves_the_names_of_others(t *testing.T) {
	onRoll(t, func(r *rolled) {
		r.Roll = auth.NewRoll(r, true)
		r.lead()
		page := func(objects string) {
			r.Cluster().Put(&v1alpha1.ClusterTriggerAuthentication{
				ObjectMeta: metav1.ObjectMeta{Name: "aws"}, Status: v1alpha1.TriggerAuthenticationStatus{ScaledObjectNamesStr: objects},
			})
		}
		r.Namespaced().Put(authentication("sqs", "gone"))
		r.expect("all who could refer are seen", r.writes(2*time.Second), []string{"TriggerAuthentication shop/sqs: ; "})
		page("theirs")
		r.ScaledObjects().Put(authenticates("shop", "web", v1alpha1.KindClusterTriggerAuthentication, "aws"))
		r.expect("one of ours came", r.writes(2*time.Second), []string{"ClusterTriggerAuthentication aws: theirs,web; "})
		r.ScaledObjects().Drop(named("shop", "web"))
		r.expect("ours went", r.writes(2*time.Second), []string{"ClusterTriggerAuthentication aws: theirs; "})
		page("theirs,web")
		r.expect("theirs has that name, too", r.writes(time.Hour), nil)
	})
}
