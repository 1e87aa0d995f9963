package kube

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Fence lets writes pass while this process holds the lease. It stands below all
// clients, where a request goes out: a process that was stopped in the middle of
// a decision meets it when it goes on. A nil fence lets everything pass: there
// is one replica.
//
//	renewed                     RenewDeadline        Duration
//	   |--- writes go out ------------|--- none does ---|--- another may lead ---
//	   |--- the API server may carry out what went out -|
type Fence struct {
	term Term
	now  func() time.Time

	mu    sync.Mutex // guards since
	since time.Time  // begin of the last renewal that worked; zero: the lease is not held
}

// NewFence returns a fence that is closed until the lease is held. The clock
// must have a monotonic reading, which goes on while the process is stopped.
func NewFence(t Term, now func() time.Time) *Fence { return &Fence{term: t, now: now} }

// held notes that a renewal that began at an instant has worked.
func (f *Fence) held(begun time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.since = begun
}

// close notes that the lease is another's or nobody's.
func (f *Fence) close() { f.held(time.Time{}) }

// age is how long ago the last renewal began, and whether there was one.
func (f *Fence) age() (time.Duration, bool) {
	at := f.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	return passed(f.since, at), !f.since.IsZero()
}

// expired tells that the lease was held, and could be another's by now.
func (f *Fence) expired() bool {
	age, was := f.age()
	return was && age >= f.term.Duration
}

// left is for how long what is written now may take effect; none: it may not be written.
func (f *Fence) left() time.Duration {
	age, was := f.age()
	if !was || age >= f.term.RenewDeadline {
		return 0
	}
	return f.term.Duration - age
}

// passed is the span between two instants by the clock that went further: the
// monotonic one does not see that the machine was asleep, the other one may be set back.
func passed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}

// Wrap puts the fence before a transport.
func (f *Fence) Wrap(next http.RoundTripper) http.RoundTripper {
	if f == nil {
		return next
	}
	return &fenced{f, next}
}

type fenced struct {
	fence *Fence
	next  http.RoundTripper
}

// RoundTrip sends what is no write, and what may be written now: with the time
// that is left of the lease, after which the API server gives it up.
func (t *fenced) RoundTrip(r *http.Request) (*http.Response, error) {
	if !isWrite(r) {
		return t.next.RoundTrip(r)
	}
	left := t.fence.left()
	if left <= 0 {
		if r.Body != nil {
			_ = r.Body.Close() // a transport must, whatever it answers
		}
		return nil, fmt.Errorf("%s %s was not sent, for another may lead: %w", r.Method, r.URL.Path, ErrLeaseLost)
	}
	return t.next.RoundTrip(within(r, left))
}

// isWrite tells what the leader alone may do. Who stands by renews and asks for
// the lease, asks what it may do, tries what a cluster can, and tells events of what was.
func isWrite(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	if r.URL.Query().Get("dryRun") != "" {
		return false // it leaves nothing
	}
	if _, named, ok := strings.Cut(r.URL.Path, "/apis/"); ok {
		switch group, _, _ := strings.Cut(named, "/"); group {
		case "coordination.k8s.io", "authorization.k8s.io", "authentication.k8s.io", "events.k8s.io":
			return false
		}
		return true
	}
	_, named, _ := strings.Cut(r.URL.Path, "/api/v1/namespaces/")
	parts := strings.Split(named, "/")
	return len(parts) < 2 || parts[1] != "events"
}

// within is the request with the parameter by which the API server bounds it,
// unless it is bounded closer.
func within(r *http.Request, left time.Duration) *http.Request {
	query := r.URL.Query()
	if d, err := time.ParseDuration(query.Get("timeout")); err == nil && d > 0 && d <= left {
		return r
	}
	query.Set("timeout", left.Truncate(time.Millisecond).String())
	bounded := *r
	address := *r.URL
	address.RawQuery = query.Encode()
	bounded.URL = &address
	return &bounded
}
