package kubelet

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// reviewer knows the tokens "good", of a user who may read metrics, and "poor", of one who may not. It counts reviews.
func reviewer() (*fake.Clientset, *int) {
	client, reviews := fake.NewClientset(), new(int)
	client.PrependReactor("create", "tokenreviews", func(a clienttesting.Action) (bool, runtime.Object, error) {
		*reviews++
		r := created[*authenticationv1.TokenReview](a)
		if r.Spec.Token == "broken" {
			return true, nil, errors.New("no answer")
		}
		r.Status.Authenticated = r.Spec.Token == "good" || r.Spec.Token == "poor"
		r.Status.User.Username = r.Spec.Token
		return true, r, nil
	})
	client.PrependReactor("create", "subjectaccessreviews", func(a clienttesting.Action) (bool, runtime.Object, error) {
		r := created[*authorizationv1.SubjectAccessReview](a)
		want := authorizationv1.ResourceAttributes{Verb: "get", Version: "v1", Resource: "nodes", Subresource: "metrics", Name: "n1"}
		r.Status.Allowed = r.Spec.User == "good" && *r.Spec.ResourceAttributes == want
		return true, r, nil
	})
	return client, reviews
}

// created is the object of a create call. A call of another kind fails the test by a panic.
func created[T runtime.Object](a clienttesting.Action) T {
	create, ok := a.(clienttesting.CreateAction)
	if !ok {
		panic(a.GetVerb())
	}
	object, ok := create.GetObject().(T)
	if !ok {
		panic(create.GetObject())
	}
	return object
}

func TestMetrics_are_for_who_may_read_them(t *testing.T) {
	client, reviews := reviewer()
	s := &Server{Node: "n1", Client: client, Metrics: func(w io.Writer) error { _, err := io.WriteString(w, "m 1\n"); return err }}
	h := s.handler()
	for range 2 {
		for header, want := range map[string]int{
			"": 401, "Bearer ": 401, "Basic good": 401, "Bearer good": 200, "Bearer poor": 403, "Bearer unknown": 401, "Bearer broken": 500,
		} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics/resource", nil)
			r.Header.Set("Authorization", header)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%q answered %d, want %d: %s", header, w.Code, want, w.Body)
			}
			if strings.Contains(w.Body.String(), "m 1") != (want == 200) {
				t.Errorf("%q was answered %q", header, w.Body)
			}
		}
	}
	if *reviews != 5 { // good, poor and unknown once, broken each time
		t.Errorf("%d reviews, want 5", *reviews)
	}
}

func TestMetrics_are_compressed_when_asked(t *testing.T) {
	client, _ := reviewer()
	s := &Server{Node: "n1", Client: client, Metrics: func(w io.Writer) error { _, err := io.WriteString(w, "m 1\n"); return err }}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics/resource", nil)
	r.Header.Set("Authorization", "Bearer good")
	r.Header.Set("Accept-Encoding", "gzip")
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, r)
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil || string(text) != "m 1\n" {
		t.Errorf("got %q: %v", text, err)
	}
}

func TestEverything_else_needs_a_certificate(t *testing.T) {
	client, _ := reviewer()
	h := (&Server{Node: "n1", Client: client}).handler()
	for _, path := range []string{"/containerLogs/ns/p/c", "/exec/ns/p/c", "/exec/ns/p/uid/c", "/attach/ns/p/c", "/portForward/ns/p"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		r.Header.Set("Authorization", "Bearer good")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%s answered %d to a token", path, w.Code)
		}
	}
}

func TestLogOptions(t *testing.T) {
	n := func(v int64) *int64 { return &v }
	stream := corev1.LogStreamStderr
	for query, want := range map[string]*corev1.PodLogOptions{
		"":                            {},
		"follow=true&timestamps=true": {Follow: true, Timestamps: true},
		"previous=1&follow=false":     {Previous: true},
		"tailLines=0&limitBytes=9&sinceSeconds=3": {TailLines: n(0), LimitBytes: n(9), SinceSeconds: n(3)},
		"tailLines=all": {},
		"stream=Stderr": {Stream: &stream},
		"tailLines=-1":  nil,
		"limitBytes=0":  nil,
		"sinceTime=x":   nil,
		"stream=x":      nil,
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := logOptions(q)
		if (err != nil) != (want == nil) {
			t.Errorf("%q: %v", query, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: %s", query, d)
		}
	}
}

// quiet has a log without a line.
type quiet struct{ Pods }

func (quiet) Logs(context.Context, Container, *corev1.PodLogOptions, io.Writer) error { return nil }

func TestLogs_answer_at_once_though_nothing_was_printed(t *testing.T) {
	w := httptest.NewRecorder()
	(&Server{Pods: quiet{}}).logs(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/containerLogs/ns/p/c", nil))
	if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), nil) {
		t.Errorf("answered %d %q", w.Code, w.Body)
	}
}
