package install

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/deploy"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func farewell() Farewell { return Farewell{Installation: own, Within: time.Minute} }

func (w *world) uninstall(f Farewell) {
	w.t.Helper()
	if err := w.Uninstall(w.t.Context(), f); err != nil {
		w.t.Fatal(err)
	}
}

func TestUninstall_leaves_the_users_objects_and_the_definitions(t *testing.T) {
	const user = `{"apiVersion":"keda.sh/v1alpha1","kind":"ScaledObject","metadata":{"name":"worker","namespace":"shop"}}`
	w := newWorld(t, user)
	w.install(order(t, deploy.Form{Namespaces: []string{"shop"}}))
	w.uninstall(farewell())
	left := w.all()
	if i := slices.Index(left, "scaledobject.keda.sh/worker -n shop"); i < 0 {
		t.Error("the user's object is gone")
	}
	for _, name := range left {
		if !strings.HasPrefix(name, "customresourcedefinition") && !strings.HasPrefix(name, "scaledobject.") {
			t.Errorf("%s is left", name)
		}
	}
	f := farewell()
	f.Definitions = true
	w.uninstall(f)
	if diff := cmp.Diff([]string{"scaledobject.keda.sh/worker -n shop"}, w.all()); diff != "" { // the fake has no garbage collector
		t.Error(diff)
	}
}

func TestUninstall_goes_in_an_order_that_leaves_nothing_stuck(t *testing.T) {
	w := newWorld(t, promised(true, "furl", ""))
	w.install(order(t, deploy.Form{}))
	w.client.ClearActions()
	f := farewell()
	f.Definitions = true
	w.uninstall(f)
	order := []string{
		"delete apiservices/v1beta1.metrics.k8s.io", "delete deployments/furl", "delete clusterrolebindings/furl",
		"patch scaledobjects/a", "delete customresourcedefinitions/scaledobjects.keda.sh", "delete serviceaccounts/furl", "delete namespaces/furl-system",
	}
	written := w.written()
	for i := 1; i < len(order); i++ {
		before, after := slices.Index(written, order[i-1]), slices.Index(written, order[i])
		if before < 0 || after < before {
			t.Errorf("%q is number %d, %q number %d", order[i-1], before, order[i], after)
		}
	}
}

func TestUninstall_says_what_would_go(t *testing.T) {
	w := newWorld(t)
	w.install(order(t, deploy.Form{}))
	w.client.ClearActions()
	f := farewell()
	f.Dry = true
	w.uninstall(f)
	if len(w.written()) > 0 || !w.heard("deployment.apps/furl -n furl-system would be removed") {
		t.Errorf("written %q; said\n%s", w.written(), strings.Join(w.said, "\n"))
	}
}

func TestUninstall_keeps_a_namespace_that_is_not_its_own(t *testing.T) {
	t.Run("the user made it", func(t *testing.T) {
		w := newWorld(t, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"furl-system"}}`,
			`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"furl","namespace":"furl-system"}}`,
			`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"furl-certificates","namespace":"furl-system"}}`)
		w.install(order(t, deploy.Form{Without: []string{deploy.PartDefinitions}}))
		w.uninstall(farewell())
		if diff := cmp.Diff([]string{"namespace/furl-system"}, w.all()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("others moved in", func(t *testing.T) {
		w := newWorld(t, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"guest","namespace":"furl-system"}}`)
		w.install(order(t, deploy.Form{}))
		w.uninstall(farewell())
		if !slices.Contains(w.all(), "namespace/furl-system") || !w.heard("is kept: other pods run there, such as guest") {
			t.Errorf("the guest is gone with the namespace; it said\n%s", strings.Join(w.said, "\n"))
		}
	})
}

// promised is the ScaledObject a of the [target] with the finalizer, put there by a field manager.
func promised(restores bool, manager, deleted string) string {
	when := ""
	if deleted != "" {
		when = fmt.Sprintf(`"deletionTimestamp":%q,`, deleted)
	}
	return fmt.Sprintf(`{"apiVersion":"keda.sh/v1alpha1","kind":"ScaledObject","metadata":{"name":"a","namespace":"shop",%s"finalizers":["finalizer.keda.sh","other"],
		"managedFields":[{"manager":%q,"fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:finalizers":{"v:\"finalizer.keda.sh\"":{}}}}}]},
		"spec":{"scaleTargetRef":{"name":"a"},"advanced":{"restoreToOriginalReplicaCount":%t},"triggers":[]},"status":{"originalReplicaCount":4}}`,
		when, manager, restores)
}

const target = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","namespace":"shop"},"spec":{"replicas":9}}`

func TestPromises(t *testing.T) {
	const deleted = "2026-03-01T12:00:00Z"
	for _, tc := range []struct {
		why         string
		object      string
		definitions bool
		all         bool
		holds       bool  // the finalizer still
		replicas    int64 // of the target
		says        string
	}{
		{"stays, and nobody will keep the promise", promised(true, "furl", ""), false, false, false, 9, "its 4 replicas back when it is deleted; without Furl nobody will"},
		{"stays, without a promise", promised(false, "furl", ""), false, false, false, 9, "finalizer taken off"},
		{"goes already", promised(true, "furl", deleted), false, false, false, 4, "has its 4 replicas back"},
		{"goes with its definition", promised(true, "furl", ""), true, false, false, 4, "has its 4 replicas back"},
		{"goes, without a promise", promised(false, "furl", deleted), false, false, false, 9, "finalizer taken off"},
		{"goes, held by KEDA that is gone", promised(true, "keda", deleted), false, false, false, 4, "finalizer taken off"},
		{"KEDA's stays", promised(true, "keda", ""), false, false, true, 9, "1 objects keep a finalizer that Furl did not put there"},
		{"KEDA's, where KEDA runs no more", promised(false, "keda", ""), false, true, false, 9, "finalizer taken off"},
	} {
		t.Run(tc.why, func(t *testing.T) {
			w := newWorld(t, tc.object, target)
			w.install(order(t, deploy.Form{}))
			f := farewell()
			f.Definitions = tc.definitions
			if tc.all {
				f.Promises = PromisesAll
			}
			w.uninstall(f)
			o, err := w.objects.Resource(promising()[0]).Namespace("shop").Get(t.Context(), "a", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"other"}
			if tc.holds {
				want = []string{"finalizer.keda.sh", "other"}
			}
			if diff := cmp.Diff(want, o.GetFinalizers()); diff != "" {
				t.Error(diff)
			}
			d, err := w.objects.Resource(deployments()).Namespace("shop").Get(t.Context(), "a", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if n, _, _ := unstructured.NestedInt64(d.Object, "spec", "replicas"); n != tc.replicas {
				t.Errorf("the target has %d replicas, want %d", n, tc.replicas)
			}
			if !w.heard(tc.says) {
				t.Errorf("it did not say %q but\n%s", tc.says, strings.Join(w.said, "\n"))
			}
		})
	}
}

func TestRelease_stops_the_operator_first_and_touches_nothing_else(t *testing.T) {
	w := newWorld(t, promised(false, "furl", ""))
	w.install(order(t, deploy.Form{}))
	before := w.all()
	w.client.ClearActions()
	if err := w.Release(t.Context(), farewell(), "furl"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"patch deployments/furl", "patch scaledobjects/a"}, w.written()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, w.all()); diff != "" {
		t.Error(diff)
	}
}
