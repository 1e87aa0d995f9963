package install

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/deploy"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/fake"
	kubetesting "k8s.io/client-go/testing"
)

// world is a cluster in memory. It applies as an API server does, and its
// controllers are as quick as a test wants them to be.
type world struct {
	*Cluster
	t      *testing.T
	client *fake.FakeDynamicClient
	now    time.Time
	said   []string
	serial int
	broken bool // pods do not start
}

// kinds are the resources of the world, with the kinds of their lists.
func kinds() map[schema.GroupVersionResource]string {
	all := map[schema.GroupVersionResource]string{
		resource("coordination.k8s.io", "leases"):      "LeaseList",
		resource("discovery.k8s.io", "endpointslices"): "EndpointSliceList",
		definitions():  "CustomResourceDefinitionList",
		namespaces():   "NamespaceList",
		pods():         "PodList",
		promising()[0]: "ScaledObjectList",
		promising()[1]: "ScaledJobList",
		promising()[2]: "TriggerAuthenticationList",
		promising()[3]: "ClusterTriggerAuthenticationList",
	}
	for r, kind := range map[string]string{
		"apiservices": "APIService", "validatingwebhookconfigurations": deploy.KindWebhooks, "deployments": "Deployment",
		"poddisruptionbudgets": "PodDisruptionBudget", "services": "Service", "clusterrolebindings": "ClusterRoleBinding",
		"rolebindings": "RoleBinding", "clusterroles": "ClusterRole", "roles": "Role", "configmaps": "ConfigMap", "secrets": "Secret",
		"serviceaccounts": "ServiceAccount", "validatingadmissionpolicies": "ValidatingAdmissionPolicy",
		"validatingadmissionpolicybindings": "ValidatingAdmissionPolicyBinding",
	} {
		i := slices.IndexFunc(everything(), func(g schema.GroupVersionResource) bool { return g.Resource == r })
		all[everything()[i]] = kind + "List"
	}
	return all
}

func newWorld(t *testing.T, objects ...string) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)}
	mapper := meta.NewDefaultRESTMapper(nil)
	for r, list := range kinds() {
		scope := meta.RESTScopeNamespace
		if slices.Contains([]string{
			"namespaces", "customresourcedefinitions", "apiservices", "validatingwebhookconfigurations", "clusterrolebindings", "clusterroles",
			"validatingadmissionpolicies", "validatingadmissionpolicybindings", "clustertriggerauthentications",
		}, r.Resource) {
			scope = meta.RESTScopeRoot
		}
		mapper.AddSpecific(r.GroupVersion().WithKind(strings.TrimSuffix(list, "List")), r, r, scope)
	}
	w.client = fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds())
	w.client.PrependReactor("patch", "*", w.apply)
	w.Cluster = &Cluster{objects: w.client, mapper: still{mapper}, clock: w, manager: FieldManager, say: func(line string) { w.said = append(w.said, line) }}
	for _, o := range objects {
		w.put(o)
	}
	return w
}

// still is a mapper with nothing to forget.
type still struct{ meta.RESTMapper }

func (still) Reset() {}

func (w *world) Now() time.Time { return w.now }

func (w *world) Wait(ctx context.Context, until time.Time) error {
	w.now = until
	return ctx.Err()
}

// put makes an object that somebody else brought, from JSON.
func (w *world) put(text string) {
	w.t.Helper()
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON([]byte(text)); err != nil {
		w.t.Fatal(err)
	}
	w.stamp(o)
	r := w.of(o)
	if err := w.client.Tracker().Create(r, o, o.GetNamespace()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) of(o *unstructured.Unstructured) schema.GroupVersionResource {
	w.t.Helper()
	m, err := w.mapper.RESTMapping(o.GroupVersionKind().GroupKind(), o.GroupVersionKind().Version)
	if err != nil {
		w.t.Fatal(err)
	}
	return m.Resource
}

// stamp gives an object what the API server gives it.
func (w *world) stamp(o *unstructured.Unstructured) {
	w.serial++
	if o.GetUID() == "" {
		o.SetUID(types.UID(fmt.Sprint("uid-", w.serial)))
	}
	o.SetResourceVersion(fmt.Sprint(w.serial))
}

// apply is server-side apply of whole objects, and what controllers make of it.
func (w *world) apply(action kubetesting.Action) (bool, runtime.Object, error) {
	p, ok := action.(kubetesting.PatchActionImpl)
	if !ok || p.GetPatchType() != types.ApplyPatchType {
		return false, nil, nil
	}
	o := &unstructured.Unstructured{}
	if err := o.UnmarshalJSON(p.GetPatch()); err != nil {
		return true, nil, err
	}
	if len(p.PatchOptions.DryRun) > 0 {
		return true, o, nil
	}
	w.settle(o)
	before, err := w.client.Tracker().Get(p.GetResource(), p.GetNamespace(), p.GetName())
	if apierrors.IsNotFound(err) {
		w.stamp(o)
		return true, o, w.client.Tracker().Create(p.GetResource(), o, p.GetNamespace())
	}
	was, _ := before.(*unstructured.Unstructured)
	o.SetUID(was.GetUID())
	o.SetResourceVersion(was.GetResourceVersion())
	if same, _ := json.Marshal(o); string(same) == mustJSON(was) {
		return true, was, nil
	}
	w.stamp(o)
	return true, o, w.client.Tracker().Update(p.GetResource(), o, p.GetNamespace())
}

func mustJSON(o *unstructured.Unstructured) string {
	raw, err := json.Marshal(o)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// settle is what controllers write into a status.
func (w *world) settle(o *unstructured.Unstructured) {
	switch {
	case o.GetKind() == "Deployment" && !w.broken:
		n, _, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
		o.Object["status"] = map[string]any{"replicas": n, "updatedReplicas": n, "availableReplicas": n}
	case o.GetKind() == deploy.KindAPIService:
		o.Object["status"] = map[string]any{"conditions": []any{map[string]any{"type": "Available", "status": "True"}}}
	}
}

// all are the names of what the cluster has.
func (w *world) all() []string {
	w.t.Helper()
	var names []string
	for r := range kinds() {
		err := w.each(w.t.Context(), r, query{}, func(o *unstructured.Unstructured) error {
			names = append(names, title(o))
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	slices.Sort(names)
	return names
}

// written are the verbs and names of what was asked of the cluster but reads.
func (w *world) written() []string {
	var out []string
	for _, a := range w.client.Actions() {
		switch a := a.(type) {
		case kubetesting.PatchActionImpl:
			if len(a.PatchOptions.DryRun) == 0 {
				out = append(out, "patch "+a.GetResource().Resource+"/"+a.GetName())
			}
		case kubetesting.DeleteActionImpl:
			out = append(out, "delete "+a.GetResource().Resource+"/"+a.GetName())
		}
	}
	return out
}

func (w *world) heard(words string) bool {
	return slices.ContainsFunc(w.said, func(line string) bool { return strings.Contains(line, words) })
}
