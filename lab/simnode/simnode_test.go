package simnode

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/pki"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"pgregory.net/rapid"
)

func TestShares(t *testing.T) {
	for _, test := range []struct {
		text string
		want []int64
		why  string
	}{
		{"120m", []int64{60, 60}, "one quantity is shared evenly"},
		{"app=100m,side=20m", []int64{100, 20}, "or each has its own"},
		{" side = 20m ", []int64{7, 20}, "who is not named keeps the default"},
		{"", []int64{7, 7}, "nothing said"},
		{"much", []int64{7, 7}, "nonsense counts as nothing said"},
		{"other=1", []int64{7, 7}, "a container that is not there"},
		{"-5", []int64{0, 0}, "nobody uses less than nothing"},
	} {
		t.Run(test.why, func(t *testing.T) {
			got := shares(test.text, []string{"app", "side"}, (*resource.Quantity).MilliValue, 7)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUse(t *testing.T) {
	t.Run("integrates_what_changes", func(t *testing.T) {
		at := time.Unix(0, 0)
		u := &use{since: at}
		u.set(500, 0, at)
		u.set(1500, 0, at.Add(10*time.Second))
		if got, want := u.cpu(at.Add(12*time.Second)), 8*time.Second; got != want {
			t.Errorf("used %v, want %v", got, want)
		}
	})
	t.Run("never_falls", rapid.MakeCheck(func(t *rapid.T) {
		at := time.Unix(0, 0)
		u, last := &use{since: at}, time.Duration(0)
		for range rapid.IntRange(1, 30).Draw(t, "changes") {
			at = at.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "wait")))
			if rapid.Bool().Draw(t, "set") {
				u.set(rapid.Int64Range(0, 64_000).Draw(t, "rate"), 0, at)
			}
			if now := u.cpu(at); now < last {
				t.Fatalf("the counter fell from %v to %v", last, now)
			}
			last = u.cpu(at)
		}
	}))
}

func TestPool(t *testing.T) {
	t.Run("gives_each_address_once", func(t *testing.T) {
		p := newPool(netip.MustParsePrefix("127.200.0.0/30"))
		seen := map[netip.Addr]bool{}
		for range 3 {
			a, err := p.next()
			if err != nil {
				t.Fatal(err)
			}
			seen[a] = true
		}
		if len(seen) != 3 {
			t.Errorf("three pods have the addresses %v", seen)
		}
		if a, err := p.next(); err == nil {
			t.Errorf("a fourth address %v came from a range of three", a)
		}
	})
	t.Run("gives_again_what_came_back", func(t *testing.T) {
		p := newPool(netip.MustParsePrefix("127.200.0.0/31"))
		a, err := p.next()
		if err != nil {
			t.Fatal(err)
		}
		p.give(a)
		if b, err := p.next(); err != nil || b != a {
			t.Errorf("got %v, %v, want %v", b, err, a)
		}
	})
}

// crowd is a fleet of two nodes in front of a fake API server, and what is needed to scrape it.
type crowd struct {
	*testing.T
	client kubernetes.Interface
	http   *http.Client
}

func newCrowd(t *testing.T, objects ...*corev1.Pod) *crowd {
	t.Helper()
	keys, err := pki.Open(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	scraper, err := keys.KubeletClient.Issue(pki.Leaf{Name: "scraper"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := scraper.TLS()
	if err != nil {
		t.Fatal(err)
	}
	client := fake.NewClientset()
	for _, p := range objects {
		if _, err := client.CoreV1().Pods(p.Namespace).Create(t.Context(), p, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- Run(ctx, Config{
			Client: client, Count: 2, StartDelay: 10 * time.Millisecond,
			Addresses: netip.MustParsePrefix("127.94.99.0/24"), PodAddresses: netip.MustParsePrefix("127.214.99.0/24"),
			Serving: func(node string, a netip.Addr) (tls.Certificate, error) {
				pair, err := keys.Cluster.Issue(pki.Leaf{Name: node, IPs: []netip.Addr{a}}, time.Now())
				if err != nil {
					return tls.Certificate{}, err
				}
				return pair.TLS()
			},
			ClientCAs: keys.KubeletClient.Pool(),
			Capacity:  corev1.ResourceList{corev1.ResourcePods: resource.MustParse("110")},
			Log:       slog.New(slog.DiscardHandler),
		}, func() { close(ready) })
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: keys.Cluster.Pool(), Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the fleet ended with %v", err)
		}
	})
	return &crowd{t, client, &http.Client{Transport: transport}}
}

func podOn(node, name string, annotations map[string]string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name), Annotations: annotations},
		Spec:       corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "app", Image: "x"}}},
		Status:     corev1.PodStatus{Phase: corev1.PodPending},
	}
}

func (c *crowd) add(p *corev1.Pod) {
	c.Helper()
	if _, err := c.client.CoreV1().Pods("default").Create(c.Context(), p, metav1.CreateOptions{}); err != nil {
		c.Fatal(err)
	}
}

func (c *crowd) becomes(name, what string, is func(*corev1.Pod) bool) *corev1.Pod {
	c.Helper()
	var p *corev1.Pod
	eventually(c.T, func() bool {
		var err error
		if p, err = c.client.CoreV1().Pods("default").Get(c.Context(), name, metav1.GetOptions{}); err != nil {
			c.Fatal(err)
		}
		return is(p)
	}, func() string { return fmt.Sprintf("pod %s never became %s: %+v", name, what, p.Status) })
	return p
}

func running(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodRunning }
func isReady(p *corev1.Pod) bool { return running(p) && !readySince(p).IsZero() }

func (c *crowd) annotate(name, key, value string) {
	c.Helper()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{key: value}}})
	if err != nil {
		c.Fatal(err)
	}
	if _, err := c.client.CoreV1().Pods("default").Patch(c.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		c.Fatal(err)
	}
}

// scrape returns the value and the instant of a sample.
func (c *crowd) scrape(node, sample string) (value float64, at time.Time) {
	c.Helper()
	n, err := c.client.CoreV1().Nodes().Get(c.Context(), node, metav1.GetOptions{})
	if err != nil {
		c.Fatal(err)
	}
	url := fmt.Sprintf("https://%s:%d/metrics/resource", n.Status.Addresses[0].Address, n.Status.DaemonEndpoints.KubeletEndpoint.Port)
	req, err := http.NewRequestWithContext(c.Context(), http.MethodGet, url, nil)
	if err != nil {
		c.Fatal(err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		c.Fatalf("scrape answered %d %s, %v", resp.StatusCode, raw, err)
	}
	for line := range bytes.Lines(raw) {
		fields := strings.Fields(strings.TrimPrefix(string(line), sample))
		if !strings.HasPrefix(string(line), sample) || len(fields) != 2 {
			continue
		}
		value, errValue := strconv.ParseFloat(fields[0], 64)
		millis, errTime := strconv.ParseInt(fields[1], 10, 64)
		if errValue != nil || errTime != nil {
			c.Fatalf("%s: %v %v", line, errValue, errTime)
		}
		return value, time.UnixMilli(millis)
	}
	return 0, time.Time{}
}

func eventually(t *testing.T, try func() bool, problem func() string) {
	t.Helper()
	deadline := time.After(20 * time.Second)
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

func TestFleet(t *testing.T) {
	t.Run("registers_tainted_nodes_that_are_ready_and_live", func(t *testing.T) {
		c := newCrowd(t)
		for _, name := range []string{"sim-0", "sim-1"} {
			n, err := c.client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]corev1.Taint{{Key: Simulated, Value: "true", Effect: corev1.TaintEffectNoSchedule}}, n.Spec.Taints); diff != "" {
				t.Error(diff)
			}
			if n.Status.Conditions[0].Type != corev1.NodeReady || n.Status.Conditions[0].Status != corev1.ConditionTrue {
				t.Errorf("conditions are %+v", n.Status.Conditions)
			}
			if _, err := c.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(t.Context(), name, metav1.GetOptions{}); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("starts_pods_of_its_nodes_only", func(t *testing.T) {
		c := newCrowd(t)
		c.add(podOn("elsewhere", "not-mine", nil))
		c.add(podOn("sim-0", "mine", nil))
		p := c.becomes("mine", "ready", isReady)
		if a, err := netip.ParseAddr(p.Status.PodIP); err != nil || !netip.MustParsePrefix("127.214.99.0/24").Contains(a) {
			t.Errorf("the pod's address is %q", p.Status.PodIP)
		}
		if p, err := c.client.CoreV1().Pods("default").Get(t.Context(), "not-mine", metav1.GetOptions{}); err != nil || p.Status.Phase != corev1.PodPending {
			t.Errorf("a pod of another node is %s, %v", p.Status.Phase, err)
		}
	})
	t.Run("waits_as_long_as_a_pod_says", func(t *testing.T) {
		c := newCrowd(t)
		from := time.Now()
		c.add(podOn("sim-0", "slow", map[string]string{StartDelayAnnotation: "300ms"}))
		c.becomes("slow", "ready", isReady)
		if took := time.Since(from); took < 300*time.Millisecond {
			t.Errorf("it was ready after %v", took)
		}
	})
	t.Run("follows_the_readiness_that_a_test_wants", func(t *testing.T) {
		c := newCrowd(t)
		c.add(podOn("sim-0", "p", map[string]string{ReadyAnnotation: "false"}))
		c.becomes("p", "running but not ready", func(p *corev1.Pod) bool { return running(p) && !isReady(p) })
		c.annotate("p", ReadyAnnotation, "true")
		c.becomes("p", "ready", isReady)
	})
	t.Run("ends_a_pod_that_has_done_its_work", func(t *testing.T) {
		c := newCrowd(t)
		c.add(podOn("sim-0", "job", map[string]string{RunForAnnotation: "1s"}))
		p := c.becomes("job", "done", func(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodSucceeded })
		if s := p.Status.ContainerStatuses[0].State.Terminated; s == nil || s.ExitCode != 0 || s.FinishedAt.Before(&s.StartedAt) {
			t.Errorf("the container's state is %+v", p.Status.ContainerStatuses[0].State)
		}
	})
	t.Run("keeps_the_address_of_a_pod_that_an_earlier_fleet_started", func(t *testing.T) {
		old := podOn("sim-0", "old", nil)
		old.Status.Phase, old.Status.PodIP = corev1.PodRunning, "127.214.99.77"
		c := newCrowd(t, old)
		if p := c.becomes("old", "ready", isReady); p.Status.PodIP != "127.214.99.77" {
			t.Errorf("its address is now %s", p.Status.PodIP)
		}
	})
	t.Run("uses_what_the_annotation_says", func(t *testing.T) {
		c := newCrowd(t)
		c.add(podOn("sim-1", "busy", map[string]string{CPUAnnotation: "250m", MemoryAnnotation: "64Mi"}))
		c.becomes("busy", "ready", isReady)
		const cpu = `container_cpu_usage_seconds_total{container="app",namespace="default",pod="busy"}`
		rate := func() float64 {
			var from, to float64
			var at, later time.Time
			eventually(t, func() bool { from, at = c.scrape("sim-1", cpu); return !at.IsZero() }, func() string { return "no sample came" })
			eventually(t, func() bool { to, later = c.scrape("sim-1", cpu); return later.Sub(at) > 100*time.Millisecond }, func() string { return "time stands still" })
			return (to - from) / later.Sub(at).Seconds()
		}
		if r := rate(); r < 0.2499 || r > 0.2501 {
			t.Errorf("it uses %v cores, want 0.25", r)
		}
		if b, _ := c.scrape("sim-1", `pod_memory_working_set_bytes{namespace="default",pod="busy"}`); b != 64<<20 {
			t.Errorf("it uses %v bytes, want 64 MiB", b)
		}
		c.annotate("busy", CPUAnnotation, "2")
		eventually(t, func() bool { r := rate(); return r > 1.999 && r < 2.001 }, func() string { return "it never used 2 cores" })
		if _, at := c.scrape("sim-0", cpu); !at.IsZero() {
			t.Error("the other node counts the pod too")
		}
	})
	t.Run("shows_metrics_to_nobody_without_a_certificate_or_token", func(t *testing.T) {
		c := newCrowd(t)
		transport, ok := c.http.Transport.(*http.Transport)
		if !ok {
			t.Fatal("no transport")
		}
		transport.TLSClientConfig.Certificates = nil
		n, err := c.client.CoreV1().Nodes().Get(t.Context(), "sim-0", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		url := fmt.Sprintf("https://%s:%d/metrics/resource", n.Status.Addresses[0].Address, n.Status.DaemonEndpoints.KubeletEndpoint.Port)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("answered %d, want 401", resp.StatusCode)
		}
	})
}

func TestUse_is_off_by_the_noise_at_most(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	u := &use{since: at, rate: 500, noise: 0.03}
	for i, c := range []struct {
		off  float64
		want time.Duration // used since the last measurement, of which 5 s are usual
	}{{0, 5 * time.Second}, {1, 5150 * time.Millisecond}, {-1, 4850 * time.Millisecond}} {
		before := u.used
		at = at.Add(10 * time.Second)
		u.measure(at, c.off)
		if got := u.cpu(at) - before; got != c.want {
			t.Errorf("measurement %d: %s, want %s", i, got, c.want)
		}
		if u.measure(at, 1); u.cpu(at)-before != c.want {
			t.Errorf("measurement %d: another of the same instant changes it", i)
		}
	}
	for text, want := range map[string]float64{"3%": 0.03, " 100% ": 1, "": 0, "3": 0, "-3%": 0, "200%": 0, "x%": 0} {
		if got := share(text); got != want {
			t.Errorf("noise %q is %v, want %v", text, got, want)
		}
	}
}

func TestMeasured_is_the_last_housekeeping(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if got := measured("sim-1", at, 0); !got.Equal(at) {
		t.Errorf("without housekeeping it is %s, want %s", got, at)
	}
	first := measured("sim-1", at, 10*time.Second)
	if age := at.Sub(first); age < 0 || age >= 10*time.Second {
		t.Errorf("the sample is %s old", age)
	}
	for _, after := range []time.Duration{0, time.Millisecond, 10*time.Second - 1} {
		if got := measured("sim-1", first.Add(after), 10*time.Second); !got.Equal(first) {
			t.Errorf("%s later it is %s, want %s", after, got, first)
		}
	}
	if got, want := measured("sim-1", first.Add(10*time.Second), 10*time.Second), first.Add(10*time.Second); !got.Equal(want) {
		t.Errorf("the next is %s, want %s", got, want)
	}
}
