package install

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/deploy"
	"github.com/google/go-cmp/cmp"
)

const own = deploy.DefaultNamespace

// order is one of the manifests in a form.
func order(t *testing.T, f deploy.Form) Order {
	t.Helper()
	manifests, err := deploy.Read(deploy.Manifests())
	if err != nil {
		t.Fatal(err)
	}
	objects, err := f.Objects(manifests)
	if err != nil {
		t.Fatal(err)
	}
	return Order{Installation: own, Objects: objects, Within: time.Minute}
}

func (w *world) install(o Order) {
	w.t.Helper()
	if err := w.Install(w.t.Context(), o); err != nil {
		w.t.Fatal(err)
	}
}

func names(o Order) []string {
	out := make([]string, 0, len(o.Objects))
	for _, x := range o.Objects {
		out = append(out, title(x))
	}
	slices.Sort(out)
	return out
}

func TestInstall_brings_all_and_tells_the_cluster_last_whom_to_ask(t *testing.T) {
	w, o := newWorld(t), order(t, deploy.Form{})
	w.install(o)
	if diff := cmp.Diff(names(o), w.all()); diff != "" {
		t.Error(diff)
	}
	written := w.written()
	at := slices.Index(written, "patch deployments/furl")
	for _, door := range []string{"patch apiservices/v1beta1.metrics.k8s.io", "patch apiservices/v1alpha1.decisions.furl.dev"} {
		if i := slices.Index(written, door); i < at {
			t.Errorf("%q is number %d, the Deployment number %d", door, i, at)
		}
	}
}

func TestInstall_again_changes_nothing(t *testing.T) {
	w, o := newWorld(t), order(t, deploy.Form{})
	w.install(o)
	w.said = nil
	w.install(o)
	for _, line := range w.said {
		if !strings.HasSuffix(line, " unchanged") {
			t.Errorf("the second time it said %q", line)
		}
	}
}

func TestInstall_registers_no_API_that_nobody_answers_for(t *testing.T) {
	w := newWorld(t, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"furl-1","namespace":"furl-system","labels":{"app.kubernetes.io/name":"furl"}},
		"status":{"containerStatuses":[{"state":{"waiting":{"reason":"ErrImagePull","message":"no such image"}}}]}}`)
	w.broken = true
	began := w.now
	err := w.Install(t.Context(), order(t, deploy.Form{}))
	if err == nil || !strings.Contains(err.Error(), "0 of 2 pods are of the new version; pod furl-1: ErrImagePull, no such image") {
		t.Errorf("it ended with %v", err)
	}
	if took := w.now.Sub(began); took != time.Minute {
		t.Errorf("it waited %s, a minute was allowed", took)
	}
	if slices.ContainsFunc(w.written(), func(s string) bool { return strings.Contains(s, "apiservices") }) {
		t.Error("an API was registered though no pod is ready")
	}
}

func TestInstall_removes_what_a_newer_or_another_form_does_not_have(t *testing.T) {
	for _, tc := range []struct {
		why  string
		then deploy.Form
	}{
		{"somebody else will serve metrics", deploy.Form{Without: []string{deploy.PartMetrics}}},
		{"from all namespaces to two", deploy.Form{Namespaces: []string{"shop", "pay"}}},
		{"all stays", deploy.Form{}},
	} {
		w := newWorld(t, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"user","namespace":"furl-system"}}`)
		w.install(order(t, deploy.Form{Namespaces: []string{"shop", "old"}}))
		w.install(order(t, deploy.Form{}))
		then := order(t, tc.then)
		w.install(then)
		want := append(names(then), "configmap/user -n furl-system")
		slices.Sort(want)
		if diff := cmp.Diff(want, w.all()); diff != "" {
			t.Errorf("%s: %s", tc.why, diff)
		}
	}
}

func TestInstall_keeps_definitions_that_it_no_longer_brings(t *testing.T) {
	w := newWorld(t)
	w.install(order(t, deploy.Form{}))
	w.install(order(t, deploy.Form{Without: []string{deploy.PartDefinitions}}))
	if !slices.Contains(w.all(), "customresourcedefinition.apiextensions.k8s.io/scaledobjects.keda.sh") {
		t.Error("every ScaledObject went with its definition")
	}
}

// metricsServer is what owns metrics.k8s.io in most clusters.
const metricsServer = `{"apiVersion":"apiregistration.k8s.io/v1","kind":"APIService","metadata":{"name":"v1beta1.metrics.k8s.io"},
	"spec":{"service":{"name":"metrics-server","namespace":"kube-system"}}}`

const metricsService = `{"apiVersion":"v1","kind":"Service","metadata":{"name":"metrics-server","namespace":"kube-system"}}`

func definition(annotations string) string {
	return fmt.Sprintf(`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"scaledobjects.keda.sh",
		"annotations":%s,"managedFields":[{"manager":"kubectl-client-side-apply"}]}}`, annotations)
}

func TestInstall_refuses_what_is_somebody_elses(t *testing.T) {
	helm := definition(`{"meta.helm.sh/release-name":"keda","meta.helm.sh/release-namespace":"keda"}`)
	for _, tc := range []struct {
		why   string
		there []string
		form  deploy.Form
		take  bool
		says  string // empty: it is installed
	}{
		{"metrics-server", []string{metricsServer, metricsService}, deploy.Form{}, false, "is served by Service kube-system/metrics-server"},
		{"nor by force", []string{metricsServer, metricsService}, deploy.Form{}, true, "--without metrics-api leaves it there"},
		{"beside it", []string{metricsServer, metricsService}, deploy.Form{Without: []string{deploy.PartMetrics}}, false, ""},
		{"what metrics-server left", []string{metricsServer}, deploy.Form{}, false, "which is gone: --take-ownership"},
		{"what metrics-server left, taken", []string{metricsServer}, deploy.Form{}, true, ""},
		{"KEDA's release", []string{helm}, deploy.Form{}, false, "belongs to the Helm release keda in namespace keda"},
		{"KEDA's release, by force", []string{helm}, deploy.Form{}, true, "--without crds leaves it there"},
		{"KEDA's definitions as they are", []string{helm}, deploy.Form{Without: []string{deploy.PartDefinitions}}, false, ""},
		{"by kubectl", []string{definition("{}")}, deploy.Form{}, false, "made by kubectl-client-side-apply: --take-ownership"},
		{"by kubectl, taken", []string{definition("{}")}, deploy.Form{}, true, ""},
		{
			"another Furl",
			[]string{`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"furl","labels":{"furl.dev/installation":"other"}}}`},
			deploy.Form{},
			true, "furl uninstall --namespace other",
		},
		{
			"what is going",
			[]string{`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"furl","namespace":"furl-system",
				"labels":{"furl.dev/installation":"furl-system"},"deletionTimestamp":"2026-03-01T12:00:00Z","finalizers":["x"]}}`},
			deploy.Form{},
			true, "is being deleted",
		},
		{"the user's namespace", []string{`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"furl-system"}}`}, deploy.Form{}, false, ""},
	} {
		t.Run(tc.why, func(t *testing.T) {
			w, o := newWorld(t, tc.there...), order(t, tc.form)
			o.Take = tc.take
			err := w.Install(t.Context(), o)
			switch {
			case tc.says == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)):
				t.Errorf("it did not say %q but %v", tc.says, err)
			case tc.says != "" && len(w.written()) > 0:
				t.Errorf("it was refused, and this was written: %q", w.written())
			}
		})
	}
}

func TestInstall_on_trial_writes_nothing(t *testing.T) {
	w, o := newWorld(t), order(t, deploy.Form{})
	o.Dry = true
	w.install(o)
	if len(w.all()) > 0 || !w.heard("clusterrole.rbac.authorization.k8s.io/furl created (server dry run)") {
		t.Errorf("the cluster has %q; it said\n%s", w.all(), strings.Join(w.said, "\n"))
	}
}
