package route_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/route"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/cache"
)

// sockets is where pods really listen.
type sockets struct {
	mu   sync.Mutex // guards real
	real map[string]string
}

func (s *sockets) Lookup(ip string, port int32) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.real[net.JoinHostPort(ip, strconv.Itoa(int(port)))]
	return a, ok
}

func (s *sockets) set(ip string, port int32, address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.real[net.JoinHostPort(ip, strconv.Itoa(int(port)))] = address
}

// world is a router and what it routes to.
type world struct {
	*testing.T
	client  kubernetes.Interface
	router  *route.Router
	sockets *sockets
	pods    int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, client: fake.NewClientset(), sockets: &sockets{real: map[string]string{}}}
	w.router = route.New(route.Config{
		Client: w.client, Ports: w.sockets, Proxies: netip.MustParsePrefix("127.95.99.0/24"),
		APIServer: "127.0.0.1:1", Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- w.router.Run(ctx, func() { close(ready) }) }()
	<-ready
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the router ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the router did not end")
		}
	})
	return w
}

// pod runs a server that answers with its name, and tells the cluster of it.
func (w *world) pod(namespace, name string, change ...func(*corev1.Pod)) *httptest.Server {
	w.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(rw, "%s %s %s", name, r.Host, body)
	}))
	w.Cleanup(srv.Close)
	w.pods++
	ip := fmt.Sprintf("127.64.0.%d", w.pods)
	w.sockets.set(ip, 8080, srv.Listener.Addr().String())
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": "web"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080, Protocol: corev1.ProtocolTCP}}}}},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: ip,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
	for _, f := range change {
		f(p)
	}
	if _, err := w.client.CoreV1().Pods(namespace).Create(w.Context(), p, metav1.CreateOptions{}); err != nil {
		w.Fatal(err)
	}
	return srv
}

func unready(p *corev1.Pod) { p.Status.Conditions[0].Status = corev1.ConditionFalse }

func (w *world) service(namespace, name, ip string, change ...func(*corev1.Service)) {
	w.Helper()
	s := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: corev1.ServiceSpec{
			ClusterIP: ip, Selector: map[string]string{"app": "web"},
			Ports: []corev1.ServicePort{{Port: 80, Protocol: corev1.ProtocolTCP, TargetPort: intstr.FromString("http")}},
		},
	}
	for _, f := range change {
		f(s)
	}
	if _, err := w.client.CoreV1().Services(namespace).Create(w.Context(), s, metav1.CreateOptions{}); err != nil {
		w.Fatal(err)
	}
}

// ask asks by the proxy of a namespace.
func (w *world) ask(namespace, target, body string) (int, string, error) {
	w.Helper()
	proxy, err := url.Parse(w.router.Proxy(namespace))
	if err != nil || proxy.Host == "" {
		w.Fatalf("no proxy for %s: %v", namespace, err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(raw), err
}

// settles asks until the answer is as wanted: informers take a moment.
func (w *world) settles(namespace, target string, status int, answer string) {
	w.Helper()
	var got string
	eventually(w.T, func() bool {
		code, body, err := w.ask(namespace, target, "hi")
		got = fmt.Sprint(code, " ", body, " ", err)
		return err == nil && code == status && strings.HasPrefix(body, answer)
	}, func() string { return target + " answered " + got })
}

func eventually(t *testing.T, try func() bool, problem func() string) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !try() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(problem())
		}
	}
}

func TestProxy(t *testing.T) {
	w := newWorld(t)
	w.service("default", "web", "127.96.99.10")
	w.service("other", "web", "127.96.99.11")
	w.service("default", "lonely", "127.96.99.12", func(s *corev1.Service) { s.Spec.Selector = map[string]string{"app": "nobody"} })
	w.service("default", "headless", corev1.ClusterIPNone)
	w.service("default", "away", "", func(s *corev1.Service) {
		s.Spec.Type, s.Spec.ExternalName, s.Spec.Selector = corev1.ServiceTypeExternalName, "example.com", nil
	})
	w.pod("default", "web-0", func(p *corev1.Pod) { p.Spec.Hostname, p.Spec.Subdomain = "web-0", "headless" })
	w.pod("other", "other-0")

	for _, test := range []struct {
		from, url string
		status    int
		answer    string
		why       string
	}{
		{"default", "http://web/", 200, "web-0 web hi", "the short name means the own namespace; the host and the body get through"},
		{"other", "http://web/", 200, "other-0", "in another namespace the same name is another Service"},
		{"default", "http://WEB/", 200, "web-0", "names have no case"},
		{"default", "http://web.other/", 200, "other-0", "with a namespace"},
		{"default", "http://web.other.svc/", 200, "other-0", "with the zone in part"},
		{"default", "http://web.other.svc.cluster.local/", 200, "other-0", "in full"},
		{"default", "http://web.other.svc.cluster.local./", 200, "other-0", "in full, with the root's dot"},
		{"default", "http://127.96.99.11/", 200, "other-0", "by the Service's address"},
		{"default", "http://127.64.0.1:8080/", 200, "web-0", "by the pod's address"},
		{"default", "http://headless:8080/", 200, "web-0", "a headless Service is its pods, on their ports"},
		{"default", "http://web-0.headless:8080/", 200, "web-0", "a pod by its own name"},
		{"default", "http://lonely/", 503, "", "nobody is ready"},
		{"default", "http://web:81/", 502, "", "no such port"},
		{"default", "http://nothing/", 502, "", "no such Service"},
		{"default", "http://web-9.headless:8080/", 502, "", "no such pod"},
		{"default", "http://example.com/", 502, "", "outside"},
		{"default", "http://away/", 502, "", "a Service cannot lead outside either"},
		{"default", "http://127.0.0.1:1/", 502, "", "nor to the host's own ports"},
		{"default", "http://localhost:1/", 502, "", "by name neither"},
		{"default", "http://10.0.0.1/", 502, "", "nor to the host's network"},
	} {
		t.Run(test.why, func(t *testing.T) {
			w := *w
			w.T = t
			w.settles(test.from, test.url, test.status, test.answer)
		})
	}
}

func TestTurns(t *testing.T) {
	w := newWorld(t)
	w.service("default", "web", "127.96.99.10")
	first := w.pod("default", "one")
	w.pod("default", "two")
	w.pod("default", "never", unready)
	w.settles("default", "http://web/", 200, "one")
	w.settles("default", "http://web/", 200, "two")
	count := func(n int) map[string]int {
		seen := map[string]int{}
		for range n {
			code, body, err := w.ask("default", "http://web/", "")
			if err != nil || code != http.StatusOK {
				w.Fatalf("answered %d %q, %v", code, body, err)
			}
			name, _, _ := strings.Cut(body, " ")
			seen[name]++
		}
		return seen
	}
	t.Run("are_taken_by_ready_pods_evenly", func(t *testing.T) {
		if seen := count(20); seen["one"] != 10 || seen["two"] != 10 {
			t.Errorf("20 requests went to %v", seen)
		}
	})
	t.Run("pass_on_to_the_next_when_a_pod_takes_no_connections", func(t *testing.T) {
		first.Close() // and nobody has noticed yet
		if seen := count(10); seen["two"] != 10 {
			t.Errorf("10 requests went to %v", seen)
		}
	})
	t.Run("go_to_pods_that_come", func(t *testing.T) {
		w.pod("default", "three")
		w.settles("default", "http://web/", 200, "three")
	})
	t.Run("leave_pods_out_that_go", func(t *testing.T) {
		if err := w.client.CoreV1().Pods("default").Delete(t.Context(), "two", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return count(6)["two"] == 0 }, func() string { return "the pod that went is still asked" })
	})
}

func TestServiceAddress(t *testing.T) {
	w := newWorld(t)
	name := cache.NewObjectName("default", "web")
	w.service("default", "web", "127.96.99.10")
	w.pod("default", "one")
	address := ""
	eventually(t, func() bool {
		a, ok := w.router.Lookup(name, 80)
		address = a
		return ok
	}, func() string { return "the Service was not opened" })

	t.Run("takes_connections_for_a_pod", func(t *testing.T) {
		eventually(t, func() bool {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return false
			}
			defer func() { _ = resp.Body.Close() }()
			body, err := io.ReadAll(resp.Body)
			return err == nil && strings.HasPrefix(string(body), "one ")
		}, func() string { return "nobody answered on " + address })
	})
	t.Run("closes_with_the_service", func(t *testing.T) {
		if err := w.client.CoreV1().Services("default").Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool {
			c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
			if err == nil {
				_ = c.Close()
			}
			return err != nil
		}, func() string { return address + " is still open" })
	})
}

func TestConnect(t *testing.T) {
	w := newWorld(t)
	w.service("default", "web", "127.96.99.10")
	w.pod("default", "one")
	w.settles("default", "http://web/", 200, "one")
	proxy, err := url.Parse(w.router.Proxy("default"))
	if err != nil {
		t.Fatal(err)
	}
	connect := func(target string) (int, string) {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", proxy.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		// The request for the pod is sent without waiting for the tunnel.
		if _, err := fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\nGET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n", target, target); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(c)
		resp, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect})
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return resp.StatusCode, ""
		}
		inner, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = inner.Body.Close() }()
		body, err := io.ReadAll(inner.Body)
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
		return inner.StatusCode, string(body)
	}
	if code, body := connect("web:80"); code != http.StatusOK || !strings.HasPrefix(body, "one ") {
		t.Errorf("the tunnel to web gave %d %q", code, body)
	}
	if code, _ := connect("example.com:443"); code != http.StatusBadGateway {
		t.Errorf("a tunnel outside gave %d, want 502", code)
	}
}
