package probe

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// answers is a command that gives one answer a call, g for good and b for bad, and the last one for ever.
func answers(script string) func(context.Context, []string) (string, error) {
	return func(context.Context, []string) (string, error) {
		now := script[0]
		if len(script) > 1 {
			script = script[1:]
		}
		if now == 'g' {
			return "fine", nil
		}
		return "not so fine", errors.New("exit code 1")
	}
}

func TestWatch_settles_by_its_thresholds(t *testing.T) {
	for _, tc := range []struct {
		why      string
		answers  string
		spec     corev1.Probe
		settled  string // second and answer
		failures int
	}{
		{"the first good one counts", "ggg", corev1.Probe{PeriodSeconds: 10, FailureThreshold: 3}, "0g", 0},
		{"two bad ones do not", "gbbggg", corev1.Probe{PeriodSeconds: 10, FailureThreshold: 3}, "0g", 2},
		{"three do", "gbbbbg", corev1.Probe{PeriodSeconds: 10, FailureThreshold: 3}, "0g 30b 50g", 4},
		{"success may need several", "bggg", corev1.Probe{PeriodSeconds: 1, FailureThreshold: 1, SuccessThreshold: 3}, "0b 3g", 1},
		{"it waits at first", "g", corev1.Probe{InitialDelaySeconds: 7, PeriodSeconds: 5, FailureThreshold: 1}, "7g", 0},
	} {
		t.Run(tc.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tc.spec.Exec = &corev1.ExecAction{Command: []string{"check"}}
				begin := time.Now()
				var settled []string
				failures := 0
				ctx, cancel := context.WithTimeout(t.Context(), 65*time.Second)
				defer cancel()
				Watch(ctx, &tc.spec, Target{Exec: answers(tc.answers)}, func(good bool) {
					answer := "b"
					if good {
						answer = "g"
					}
					settled = append(settled, strings.TrimSuffix(time.Since(begin).Truncate(time.Second).String(), "s")+answer)
				}, func(string) { failures++ })
				if d := cmp.Diff(tc.settled, strings.Join(settled, " ")); d != "" {
					t.Error(d)
				}
				if failures != tc.failures {
					t.Errorf("%d failures were told, want %d", failures, tc.failures)
				}
			})
		})
	}
}

func TestCheck_asks_over_HTTP_and_TCP(t *testing.T) {
	seen := make(chan *http.Request, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	at := strings.TrimPrefix(server.URL, "http://")
	target := Target{
		Container: &corev1.Container{Ports: []corev1.ContainerPort{{Name: "web", ContainerPort: 80}}}, PodIP: "127.64.0.9",
		Socket: func(port int32) string {
			if port != 80 {
				return "127.0.0.1:1" // nobody listens there
			}
			return at
		},
	}
	get := func(path string, port intstr.IntOrString) *corev1.Probe {
		return &corev1.Probe{TimeoutSeconds: 5, ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
			Path: path, Port: port, HTTPHeaders: []corev1.HTTPHeader{{Name: "X-A", Value: "b"}},
		}}}
	}
	if why := target.Check(t.Context(), get("/ok?x=1", intstr.FromString("web"))); why != "" {
		t.Errorf("a good answer: %s", why)
	}
	r := <-seen
	if r.URL.RawQuery != "x=1" || r.Header.Get("X-A") != "b" || !strings.HasPrefix(r.UserAgent(), "kube-probe/") || r.Host != "127.64.0.9:80" {
		t.Errorf("asked %s %v of host %s", r.URL, r.Header, r.Host)
	}
	for _, tc := range []struct {
		probe *corev1.Probe
		want  string
	}{
		{get("/bad", intstr.FromInt32(80)), "HTTP probe failed with statuscode: 503"},
		{get("/", intstr.FromInt32(81)), "connection refused"},
		{get("/", intstr.FromString("none")), `"none"`},
		{&corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Host: "192.0.2.1", Port: intstr.FromInt32(80)}}}, "loopback addresses only"},
		{&corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(80)}}}, ""},
		{&corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(81)}}}, "connection refused"},
		{&corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Host: "example.com", Port: intstr.FromInt32(81)}}}, "loopback addresses only"},
		{&corev1.Probe{}, "no action"},
	} {
		got := target.Check(t.Context(), tc.probe)
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%+v: %q, want %q", tc.probe.ProbeHandler, got, tc.want)
		}
	}
}

func TestCheck_times_out(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // accepts, never answers
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	target := Target{
		Container: &corev1.Container{}, PodIP: "127.0.0.1", Socket: func(int32) string { return l.Addr().String() },
		Exec: func(ctx context.Context, _ []string) (string, error) { <-ctx.Done(); return "", ctx.Err() },
	}
	for what, p := range map[string]*corev1.Probe{
		"deadline exceeded": {TimeoutSeconds: 1, ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(80)}}},
		"timed out after":   {TimeoutSeconds: 1, ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"x"}}}},
	} {
		if got := target.Check(t.Context(), p); !strings.Contains(got, what) {
			t.Errorf("%q, want %q", got, what)
		}
	}
}
