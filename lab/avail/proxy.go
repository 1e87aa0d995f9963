package avail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/furl-dev/furl/lab/pki"
	"github.com/furl-dev/furl/lab/route/loopback"
)

// answer is what a proxy says in the API server's place.
type answer int

const (
	// itself passes every request on.
	itself answer = iota
	// busy says 429 to everything, and to come again in a second.
	busy
	// conflicts says 409 to every write but that of the lease.
	conflicts
	// blind ends the watches that there are and refuses new ones.
	blind
)

// proxy stands between one operator and the API server. It speaks TLS with the lab's own authority.
type proxy struct {
	url    string
	valve  *valve
	server *http.Server
	ended  chan struct{}
	on     *httputil.ReverseProxy

	mu      sync.Mutex // guards what follows
	answer  answer
	watches map[*http.Request]context.CancelFunc
	looked  time.Time // at the lease, last
}

func newProxy(ctx context.Context, authority *pki.Authority, target *url.URL) (*proxy, error) {
	pair, err := authority.Issue(pki.Leaf{Name: "furl-avail", IPs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}, time.Now())
	if err != nil {
		return nil, err
	}
	certificate, err := pair.TLS()
	if err != nil {
		return nil, err
	}
	l, err := loopback.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen as the API server: %w", err)
	}
	p := &proxy{
		url: "https://" + l.Addr().String(), valve: newValve(l), ended: make(chan struct{}), watches: map[*http.Request]context.CancelFunc{},
	}
	silent := log.New(io.Discard, "", 0) // connections are cut here all the time
	p.on = &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		FlushInterval: -1, // watches
		ErrorLog:      silent,
		Transport: &http.Transport{
			DialContext: loopback.Dial, ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{RootCAs: authority.Pool(), MinVersion: tls.VersionTLS13},
		},
	}
	p.server = &http.Server{
		Handler: p, ErrorLog: silent, ReadHeaderTimeout: time.Minute,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13},
	}
	go func() {
		defer close(p.ended)
		_ = p.server.ServeTLS(p.valve, "", "") // ends at close
	}()
	return p, nil
}

func (p *proxy) close() error {
	p.valve.set(refused)
	err := p.server.Close()
	<-p.ended
	if errors.Is(err, errReset) {
		return nil
	}
	return err
}

// say changes the answer.
func (p *proxy) say(a answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = a
	if a != blind {
		return
	}
	for _, end := range p.watches {
		end()
	}
}

// lastLook is when the operator last looked at the lease.
func (p *proxy) lastLook() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.looked
}

// ServeHTTP passes a request on, or answers it.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	watches := r.URL.Query().Get("watch")
	ctx, end := context.WithCancel(r.Context())
	defer end()
	r = r.WithContext(ctx)
	p.mu.Lock()
	says := p.answer
	if strings.HasSuffix(r.URL.Path, "/leases/"+leaseName) {
		p.looked = time.Now()
	}
	if watches != "" {
		p.watches[r] = end
	}
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watches, r)
	}()
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case says == busy:
		w.Header().Set("Retry-After", "1")
		fail(w, http.StatusTooManyRequests, "TooManyRequests")
	case says == conflicts && !reads && !strings.Contains(r.URL.Path, "/leases/"):
		fail(w, http.StatusConflict, "Conflict")
	case says == blind && watches != "":
		fail(w, http.StatusServiceUnavailable, "ServiceUnavailable")
	default:
		p.on.ServeHTTP(w, r)
	}
}

// fail answers as API servers do.
func fail(w http.ResponseWriter, code int, reason string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"message":"said by the harness","code":%d}`, reason, code) // who asked has gone
}
