package doctor

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
)

// apiServer answers lists; a kind that it does not have is not found.
type apiServer struct {
	lists  map[string]string // by path: the items
	locked map[string]bool   // kinds that may not be listed
	pages  int               // of pods, asked for
}

func (a *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Date", now().Format(http.TimeFormat))
	kind := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	next := ""
	items, ok := a.lists[r.URL.Path]
	switch {
	case r.URL.Path == "/version":
		_, _ = w.Write([]byte(`{"major":"1","minor":"37"}`))
		return
	case a.locked[kind]:
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`))
		return
	case !ok:
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`))
		return
	case kind == "pods":
		if a.pages++; r.URL.Query().Get("continue") == "" {
			next = "a/b=="
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"metadata": map[string]string{"continue": next}, "items": json.RawMessage(items)})
}

func gathered(t *testing.T, a *apiServer, scope Scope) (*Snapshot, error) {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return Gather(t.Context(), Visit{Config: &rest.Config{Host: server.URL}, Scope: scope, Clock: func() time.Time { return now().Add(time.Minute) }})
}

func lists() map[string]string {
	return map[string]string{
		"/apis/apiregistration.k8s.io/v1/apiservices": `[{"metadata":{"name":"v1alpha1.decisions.furl.dev"},
			"spec":{"group":"decisions.furl.dev","service":{"namespace":"keda","name":"furl"}},"status":{"conditions":[{"type":"Available","status":"True"}]}}]`,
		"/apis/autoscaling/v2/horizontalpodautoscalers": `[]`,
		"/apis/apps/v1/deployments":                     `[{"metadata":{"namespace":"shop","name":"web"},"spec":{"selector":{"matchLabels":{"app":"web"}}}}]`,
		"/apis/apps/v1/namespaces/shop/deployments":     `[{"metadata":{"namespace":"shop","name":"web"},"spec":{"selector":{"matchLabels":{"app":"web"}}}}]`,
		"/api/v1/pods":       `[{"metadata":{"namespace":"shop","name":"web-1"}}]`,
		"/api/v1/configmaps": `[{"metadata":{"namespace":"keda","name":"furl-freeze"},"data":{"by":"ann"}}]`,
	}
}

func TestGather_reads_all_pages_and_knows_the_clocks_and_where_furl_runs(t *testing.T) {
	a := &apiServer{lists: lists()}
	s, err := gathered(t, a, Scope{})
	if err != nil {
		t.Fatal(err)
	}
	if a.pages != 2 || len(s.Pods) != 2 || s.System != "keda" || !s.Server.Equal(now()) || !s.At.Equal(now().Add(time.Minute)) {
		t.Errorf("%d pages, %d pods, furl in %q, clocks %s and %s", a.pages, len(s.Pods), s.System, s.At, s.Server)
	}
	if len(s.Freezes) != 1 || !s.Freezes[0].Cluster {
		t.Errorf("freezes: %v", s.Freezes)
	}
	if diff := cmp.Diff([]string(nil), s.Unread); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
	if text := Examine(s).Text(); !strings.Contains(text, "WARNING  this machine  (clock)") || !strings.Contains(text, "2 pods") {
		t.Errorf("it says\n%s", text)
	}
}

func TestGather_says_what_it_may_not_read(t *testing.T) {
	s, err := gathered(t, &apiServer{lists: lists(), locked: map[string]bool{"nodes": true, "apiservices": true}}, Scope{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"apiservices: you may not list them here", "nodes: you may not list them here"}, s.Unread); diff != "" {
		t.Errorf("unread (-want +got):\n%s", diff)
	}
	if text := Examine(s).Text(); !strings.Contains(text, "Could not look at nodes") {
		t.Errorf("it says\n%s", text)
	}
}

func TestGather_fails_for_an_object_that_is_not_there(t *testing.T) {
	for name, want := range map[string]error{"web": nil, "wub": ErrAbsent} {
		if _, err := gathered(t, &apiServer{lists: lists()}, Scope{Namespace: "shop", Kind: kindDeployment, Name: name}); !errors.Is(err, want) {
			t.Errorf("deploy/%s: error %v, want %v", name, err, want)
		}
	}
}
