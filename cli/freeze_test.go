package cli_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/furl-dev/furl/cli"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// orders is an API server that keeps the orders to freeze, and says where Furl
// runs and who asks.
type orders struct {
	mu  sync.Mutex // guards all
	all map[string]*corev1.ConfigMap
}

func (o *orders) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case strings.HasSuffix(r.URL.Path, "/apiservices/v1alpha1.decisions.furl.dev"):
		answer(w, http.StatusOK, map[string]any{"spec": map[string]any{"service": map[string]any{"namespace": "furl-system", "name": "furl-leader"}}})
	case strings.HasSuffix(r.URL.Path, "/selfsubjectreviews"):
		answer(w, http.StatusCreated, map[string]any{
			"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1", "status": map[string]any{"userInfo": map[string]any{"username": "ann"}},
		})
	case r.URL.Path == "/api/v1/configmaps" && r.URL.Query().Get("fieldSelector") == "metadata.name=furl-freeze":
		list := corev1.ConfigMapList{TypeMeta: metav1.TypeMeta{Kind: "ConfigMapList", APIVersion: "v1"}}
		for _, c := range o.all {
			list.Items = append(list.Items, *c)
		}
		answer(w, http.StatusOK, list)
	default:
		o.one(w, r)
	}
}

func (o *orders) one(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/"), "/")
	namespace := parts[0]
	is, there := o.all[namespace]
	refuse := func(code int32, reason metav1.StatusReason) {
		answer(w, int(code), status(code, reason, "furl-freeze"))
	}
	switch {
	case namespace == "locked":
		refuse(http.StatusForbidden, metav1.StatusReasonForbidden)
	case r.Method == http.MethodPost && there:
		refuse(http.StatusConflict, metav1.StatusReasonAlreadyExists)
	case r.Method == http.MethodPost || r.Method == http.MethodPut:
		c := new(corev1.ConfigMap)
		if err := json.NewDecoder(r.Body).Decode(c); err != nil {
			refuse(http.StatusBadRequest, metav1.StatusReasonBadRequest)
			return
		}
		o.all[namespace] = c
		answer(w, http.StatusOK, c)
	case !there:
		refuse(http.StatusNotFound, metav1.StatusReasonNotFound)
	case r.Method == http.MethodDelete:
		delete(o.all, namespace)
		answer(w, http.StatusOK, metav1.Status{Status: metav1.StatusSuccess})
	default:
		answer(w, http.StatusOK, is)
	}
}

func TestFreeze_writes_one_order_and_unfreeze_takes_it_back(t *testing.T) {
	api := &orders{all: map[string]*corev1.ConfigMap{}}
	server := httptest.NewTLSServer(api)
	t.Cleanup(server.Close)
	config := filepath.Join(t.TempDir(), "kubeconfig")
	if err := kubeconfig(config, server.URL); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		why, args string
		code      int
		says      string
	}{
		{"nothing is frozen", "unfreeze", cli.ExitOK, "the whole cluster is not frozen"},
		{"the cluster, for a while", "freeze --for 2h --reason release", cli.ExitOK, "the whole cluster is frozen by ann until 2026-03-01T14:00:00Z: release\n"},
		{"longer", "freeze --for 3h", cli.ExitOK, "until 2026-03-01T15:00:00Z"},
		{"shorter cuts somebody's short", "freeze --for 1h", cli.ExitFailed, "which is longer; to shorten it: --replace"},
		{"unless that is meant", "freeze --for 1h --replace", cli.ExitOK, "until 2026-03-01T13:00:00Z"},
		{"one namespace", "freeze -n shop", cli.ExitOK, "To resume: furl unfreeze -n shop"},
		{"the cluster ends, the namespace goes on", "unfreeze", cli.ExitOK, "still: namespace shop is frozen by ann"},
		{"the namespace", "unfreeze -n shop", cli.ExitOK, "namespace shop is no longer frozen"},
		{"no right", "freeze -n locked", cli.ExitFailed, "you need to write configmap furl-freeze in namespace locked"},
		{"no time", "freeze --for 0s", cli.ExitUsage, "--for is 0s"},
	} {
		var out bytes.Buffer
		root := cli.New(cli.Terminal{In: strings.NewReader(""), Out: &out, Err: &out, Clock: now})
		root.SetArgs(append(strings.Fields(step.args), "--kubeconfig", config))
		if code := cli.Run(t.Context(), root); code != step.code || !strings.Contains(out.String(), step.says) {
			t.Errorf("%s: furl %s: exit code %d, %q; want %d, %q", step.why, step.args, code, out.String(), step.code, step.says)
		}
	}
	if diff := cmp.Diff(map[string]*corev1.ConfigMap{}, api.all); diff != "" {
		t.Errorf("orders left (-want +got):\n%s", diff)
	}
}
