package kube

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
)

// sent notes the requests that pass.
type sent struct {
	mu  sync.Mutex // guards all
	all []string
}

func (s *sent) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, r.Method+" "+r.URL.RequestURI())
	return reply(r, http.StatusOK, "application/json", []byte(`{}`)), nil
}

// ask sends a request through a fence and returns how it passed; empty for refused.
func ask(t *testing.T, f *Fence, method, path string) string {
	t.Helper()
	var passed sent
	r := httptest.NewRequestWithContext(t.Context(), method, "https://api"+path, strings.NewReader("{}"))
	answer, err := f.Wrap(&passed).RoundTrip(r)
	if err != nil {
		if !errors.Is(err, ErrLeaseLost) || len(passed.all) > 0 {
			t.Errorf("%s %s: %v, and %v was sent, want ErrLeaseLost and nothing", method, path, err, passed.all)
		}
		return ""
	}
	_ = answer.Body.Close()
	return strings.TrimPrefix(passed.all[0], method+" ")
}

const scalePath = "/apis/apps/v1/namespaces/ns/deployments/web/scale"

// clock is set by hand, each of its two readings by itself.
type clock struct {
	begun time.Time
	at    time.Time
}

func newClock() *clock {
	now := time.Now()
	return &clock{now, now}
}

func (c *clock) now() time.Time { return c.at }

// slept is what a clock shows after the machine has slept: the monotonic reading stood still.
func (c *clock) slept(d time.Duration) { c.at = c.begun.Round(0).Add(d) }

func TestFence_lets_writes_pass_while_the_lease_is_held(t *testing.T) {
	tests := []struct {
		why   string
		after time.Duration
		path  string
		want  string
	}{
		{"renewed just now: until the lease runs out", 0, scalePath, scalePath + "?timeout=15s"},
		{"the API server may go on for as long as the lease does", 9999 * time.Millisecond, scalePath, scalePath + "?timeout=5.001s"},
		{"the client's own bound is closer", 0, scalePath + "?timeout=10s", scalePath + "?timeout=10s"},
		{"the lease's is closer", 6 * time.Second, scalePath + "?fieldManager=furl&timeout=10s", scalePath + "?fieldManager=furl&timeout=9s"},
		{"not renewed for so long that it might arrive too late", 10 * time.Second, scalePath, ""},
		{"run out", time.Hour, scalePath, ""},
		{"reads always pass", -1, "GET " + scalePath, scalePath},
		{"nobody writes who was never leader", -1, scalePath, ""},
		{"nor a status", -1, "PATCH /apis/keda.sh/v1alpha1/namespaces/ns/scaledobjects/web/status", ""},
		{"nor anything of the core group", -1, "PATCH /api/v1/namespaces/ns/pods/web-1", ""},
		{"a namespace may be called so", -1, "PATCH /api/v1/namespaces/events/pods/web-1", ""},
		{"the lease is what it is about", -1, "/apis/coordination.k8s.io/v1/namespaces/ns/leases/furl", "/apis/coordination.k8s.io/v1/namespaces/ns/leases/furl"},
		{"to ask what one may do changes nothing", -1, "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"},
		{"a trial leaves nothing", -1, "POST /apis/autoscaling/v2/namespaces/ns/horizontalpodautoscalers?dryRun=All", "/apis/autoscaling/v2/namespaces/ns/horizontalpodautoscalers?dryRun=All"},
		{"events tell of what was", -1, "POST /apis/events.k8s.io/v1/namespaces/ns/events", "/apis/events.k8s.io/v1/namespaces/ns/events"},
		{"of the old kind, too", -1, "POST /api/v1/namespaces/ns/events", "/api/v1/namespaces/ns/events"},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			c := newClock()
			f := NewFence(DefaultTerm(), c.now)
			if tt.after >= 0 {
				f.held(c.at)
				c.at = c.at.Add(tt.after)
			}
			method, path, ok := strings.Cut(tt.path, " ")
			if !ok {
				method, path = http.MethodPut, tt.path
			}
			if got := ask(t, f, method, path); got != tt.want {
				t.Errorf("%s %s passed as %q, want %q", method, path, got, tt.want)
			}
		})
	}
}

func TestFence_goes_by_the_clock_that_went_further(t *testing.T) {
	c := newClock()
	f := NewFence(DefaultTerm(), c.now)
	f.held(c.at)
	c.slept(time.Minute)
	if got := ask(t, f, http.MethodPut, scalePath); got != "" {
		t.Errorf("%s passed after the machine had slept for a minute", got)
	}
	// The other clock set back by an hour, ten seconds later.
	c.at = c.begun.Add(10 * time.Second)
	if got := ask(t, f, http.MethodPut, scalePath); got != "" {
		t.Errorf("%s passed 10 s after the last renewal", got)
	}
}

func TestFence_that_is_none_lets_everything_pass(t *testing.T) {
	if got := ask(t, nil, http.MethodPut, scalePath); got != scalePath {
		t.Errorf("passed as %q, want it unchanged", got)
	}
}

// leases is an API server with one lease, which refuses what was made from an old version of it.
type leases struct {
	coordinationclient.LeaseInterface

	mu  sync.Mutex // guards now
	now *coordinationv1.Lease
}

func (s *leases) Leases(string) coordinationclient.LeaseInterface { return s }

func (s *leases) Get(context.Context, string, metav1.GetOptions) (*coordinationv1.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		return nil, apierrors.NewNotFound(coordinationv1.Resource("leases"), "furl")
	}
	return s.now.DeepCopy(), nil
}

func (s *leases) Create(_ context.Context, l *coordinationv1.Lease, _ metav1.CreateOptions) (*coordinationv1.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now != nil {
		return nil, apierrors.NewAlreadyExists(coordinationv1.Resource("leases"), l.Name)
	}
	s.now = l.DeepCopy()
	s.now.Generation = 1
	return s.now.DeepCopy(), nil
}

// Update goes by the generation: a resource version would be a number in a string.
func (s *leases) Update(_ context.Context, l *coordinationv1.Lease, _ metav1.UpdateOptions) (*coordinationv1.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.Generation != s.now.Generation {
		return nil, apierrors.NewConflict(coordinationv1.Resource("leases"), l.Name, errors.New("written meanwhile"))
	}
	s.now = l.DeepCopy()
	s.now.Generation++
	return s.now.DeepCopy(), nil
}

func (s *leases) holder() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.now.Spec.HolderIdentity
}

// give writes the lease as another process does.
func (s *leases) give(holder string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.Spec.HolderIdentity = &holder
	s.now.Generation++
}

// stoppable is a process between its elector and the API server: while it is
// stopped, nothing that it asks comes back.
type stoppable struct {
	coordinationclient.LeaseInterface

	mu      sync.Mutex // guards stopped
	stopped chan struct{}
}

func (p *stoppable) Leases(string) coordinationclient.LeaseInterface { return p }

func (p *stoppable) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = make(chan struct{})
}

func (p *stoppable) goOn() { close(p.stopped) }

func (p *stoppable) wait() {
	p.mu.Lock()
	stopped := p.stopped
	p.mu.Unlock()
	if stopped != nil {
		<-stopped
	}
}

func (p *stoppable) Get(ctx context.Context, name string, o metav1.GetOptions) (*coordinationv1.Lease, error) {
	p.wait()
	return p.LeaseInterface.Get(ctx, name, o)
}

func (p *stoppable) Update(ctx context.Context, l *coordinationv1.Lease, o metav1.UpdateOptions) (*coordinationv1.Lease, error) {
	p.wait()
	return p.LeaseInterface.Update(ctx, l, o)
}

// contender is a process that would lead by this API server.
func contender(c coordinationclient.LeasesGetter, identity string) Lease {
	l := candidate(fake.NewClientset(), identity)
	l.Client = c
	return l
}

// soon is what comes within a minute.
func soon(t *testing.T, ended <-chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(time.Minute):
		t.Fatal("leading has not ended within a minute")
		return nil
	}
}

func TestFence_of_a_leader_that_was_stopped_refuses_what_it_goes_on_with(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := new(leases)
		process := &stoppable{LeaseInterface: server}
		first, second := contender(process, "first"), contender(server, "second")
		led, ended := make(chan struct{}), make(chan error, 1)
		go func() {
			ended <- first.Lead(t.Context(), func(ctx context.Context) error { close(led); <-ctx.Done(); return nil })
		}()
		<-led
		time.Sleep(3500 * time.Millisecond)
		if ask(t, first.Fence, http.MethodPut, scalePath) == "" {
			t.Error("the leader may not write")
		}
		process.stop()

		ctx, stop := context.WithCancel(t.Context())
		taken, over := make(chan time.Time, 1), make(chan error, 1)
		begun := time.Now()
		go func() {
			over <- second.Lead(ctx, func(ctx context.Context) error { taken <- time.Now(); <-ctx.Done(); return nil })
		}()
		if took := (<-taken).Sub(begun); took < 14*time.Second || took > 18*time.Second {
			t.Errorf("the second led after %v, want it when the lease had run out", took)
		}
		time.Sleep(time.Minute)
		if got := ask(t, first.Fence, http.MethodPut, scalePath); got != "" {
			t.Errorf("the first wrote %s when it went on, want nothing", got)
		}
		process.goOn()
		if err := soon(t, ended); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("the first ended with %v, want ErrLeaseLost", err)
		}
		if got := server.holder(); got != "second" {
			t.Errorf("the lease is held by %q after the first went on, want second: it is not the first's to release", got)
		}
		if ask(t, second.Fence, http.MethodPut, scalePath) == "" {
			t.Error("the second may not write")
		}
		stop()
		if err := <-over; err != nil {
			t.Errorf("second Lead: %v", err)
		}
	})
}

func TestFence_closes_for_good_when_another_led_in_between(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := new(leases)
		lease := contender(server, "one")
		led, ended := make(chan struct{}), make(chan error, 1)
		go func() {
			ended <- lease.Lead(t.Context(), func(ctx context.Context) error { close(led); <-ctx.Done(); return nil })
		}()
		<-led
		time.Sleep(500 * time.Millisecond)
		server.give("other")
		time.Sleep(time.Second) // it has met the conflict, and read who holds the lease
		server.give("")
		if err := soon(t, ended); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("Lead: %v, want ErrLeaseLost", err)
		}
		if got := ask(t, lease.Fence, http.MethodPut, scalePath); got != "" {
			t.Errorf("%s passed", got)
		}
		if got := server.holder(); got != "" {
			t.Errorf("the lease is held by %q, want nobody", got)
		}
	})
}

func TestTerm_says_what_is_wrong_with_it(t *testing.T) {
	tests := []struct {
		why  string
		term Term
		want []string
	}{
		{"the default is right", DefaultTerm(), nil},
		{"no time to retry", Term{15 * time.Second, 2 * time.Second, 2 * time.Second}, []string{"--leader-elect-renew-deadline is 2s: set more than 1.2 times --leader-elect-retry-period, 2.4s"}},
		{"it would write while another may lead", Term{10 * time.Second, 10 * time.Second, time.Second}, []string{"--leader-elect-lease-duration is 10s: set more than --leader-elect-renew-deadline, 10s"}},
		{"a lease counts seconds", Term{2500 * time.Millisecond, 2 * time.Second, time.Second}, []string{"--leader-elect-lease-duration is 2.5s: set whole seconds, a lease has no others"}},
		{"nothing is set", Term{}, []string{
			"--leader-elect-retry-period is 0s: set more than 0",
			"--leader-elect-renew-deadline is 0s: set more than 1.2 times --leader-elect-retry-period, 0s",
			"--leader-elect-lease-duration is 0s: set more than --leader-elect-renew-deadline, 0s",
			"--leader-elect-lease-duration is 0s: set whole seconds, a lease has no others",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			var got []string
			if err := tt.term.Validate(); err != nil {
				got = strings.Split(err.Error(), "\n")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("wrong (-want +got):\n%s", diff)
			}
		})
	}
}

// TestClients_meet_the_fence holds that no client goes around it.
func TestClients_meet_the_fence_and_say_who_they_are(t *testing.T) {
	var agents sync.Map
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agents.Store(r.Method+" "+r.URL.Path, r.UserAgent())
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	f := NewFence(DefaultTerm(), time.Now)
	c, err := NewClients(Access{Config: &rest.Config{Host: server.URL}, Identity: "pod-1", Fence: f, Term: DefaultTerm()})
	if err != nil {
		t.Fatal(err)
	}
	for what, write := range map[string]func() error{
		"core":   func() error { return deletePod(t.Context(), c.Core) },
		"watch":  func() error { return deletePod(t.Context(), c.Watch) },
		"config": func() error { return deletePod(t.Context(), kubernetes.NewForConfigOrDie(c.Config)) },
	} {
		if err := write(); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("%s: %v, want ErrLeaseLost", what, err)
		}
	}
	f.held(time.Now())
	if err := deletePod(t.Context(), c.Core); !apierrors.IsNotFound(err) {
		t.Errorf("while the lease is held: %v, want the server's answer", err)
	}
	if got, _ := agents.Load("DELETE /api/v1/namespaces/ns/pods/web"); got != "furl/pod-1" {
		t.Errorf("user agent %q, want furl/pod-1", got)
	}
}

func deletePod(ctx context.Context, c kubernetes.Interface) error {
	return c.CoreV1().Pods("ns").Delete(ctx, "web", metav1.DeleteOptions{})
}
