package route_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func (w *world) proxy(namespace string) *url.URL {
	w.Helper()
	proxy, err := url.Parse(w.router.Proxy(namespace))
	if err != nil || proxy.Host == "" {
		w.Fatalf("no proxy for %s: %v", namespace, err)
	}
	return proxy
}

// get asks once and closes the connection.
func (w *world) get(by *http.Transport, target string) (status int, header http.Header, body string) {
	w.Helper()
	defer by.CloseIdleConnections()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodGet, target, http.NoBody)
	if err != nil {
		w.Fatal(err)
	}
	resp, err := by.RoundTrip(req)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(raw)
}

func TestProxy_tells_a_name_that_nobody_has_from_one_that_does_not_answer(t *testing.T) {
	w := newWorld(t)
	w.service("default", "web", "127.96.99.10")
	w.pod("default", "one")
	w.settles("default", "http://web/", 200, "one")
	for _, test := range []struct{ target, want string }{
		{"http://nothing/", "furl; error=dns_error"},
		{"http://web:81/", ""},
	} {
		status, header, _ := w.get(&http.Transport{Proxy: http.ProxyURL(w.proxy("default"))}, test.target)
		if got := header.Get("Proxy-Status"); status != http.StatusBadGateway || got != test.want {
			t.Errorf("%s: %d with Proxy-Status %q, want 502 with %q", test.target, status, got, test.want)
		}
	}
}

func TestResolver_answers_as_a_name_server_would(t *testing.T) {
	w := newWorld(t)
	w.service("default", "web", "127.96.99.10")
	w.service("default", "headless", corev1.ClusterIPNone)
	w.service("default", "here", "", func(s *corev1.Service) {
		s.Spec.Type, s.Spec.ExternalName, s.Spec.Selector = corev1.ServiceTypeExternalName, "127.0.0.1", nil
	})
	w.service("default", "away", "", func(s *corev1.Service) {
		s.Spec.Type, s.Spec.ExternalName, s.Spec.Selector = corev1.ServiceTypeExternalName, "example.com", nil
	})
	w.pod("default", "web-0", func(p *corev1.Pod) { p.Spec.Hostname, p.Spec.Subdomain = "web-0", "headless" })
	w.pod("default", "web-1", func(p *corev1.Pod) { p.Spec.Hostname, p.Spec.Subdomain = "web-1", "headless" })
	w.settles("default", "http://headless:8080/", 200, "web-1")
	w.settles("default", "http://web/", 200, "")

	for _, test := range []struct{ namespace, name, want, why string }{
		{"default", "web", "127.96.99.10", "a Service is its address"},
		{"other", "WEB.default", "127.96.99.10", "from another namespace, in whatever case"},
		{"default", "headless", "127.64.0.1 127.64.0.2", "a headless Service is its pods"},
		{"default", "web-1.headless", "127.64.0.2", "a pod has a name of its own"},
		{"default", "here", "127.0.0.1", "a Service may stand for an address of this machine"},
		{"default", "127.64.0.1", "127.64.0.1", "an address is its own answer"},
		{"other", "web", "", "another namespace has no such Service"},
		{"default", "example.com", "", "the lab leads nowhere else"},
		{"default", "away", "", "by a Service neither"},
		{"default", "", "", "nothing was asked"},
	} {
		status, header, body := w.get(&http.Transport{}, w.proxy(test.namespace).String()+"/resolve?name="+test.name)
		wanted := http.StatusOK
		if test.want == "" {
			wanted = http.StatusNotFound
		}
		got := strings.Join(slices.Sorted(strings.FieldsSeq(body)), " ") // names have no order
		if status != wanted || header.Get("Furl-Resolver") != "1" || test.want != "" && got != test.want {
			t.Errorf("%s: %q of %s gave %d %q, want %q", test.why, test.name, test.namespace, status, got, test.want)
		}
	}
}
