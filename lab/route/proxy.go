package route

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/furl-dev/furl/lab/route/loopback"
)

const (
	// proxyPort is the usual port of a forward proxy.
	proxyPort     = 3128
	headerTimeout = 10 * time.Second
	idleTimeout   = time.Minute
	// idlePerPod bounds connections kept for the next request; a load generator has some dozens of workers.
	idlePerPod = 64
)

// proxies are the forward proxies, one for each namespace, because names mean something else in each. The address that a
// request comes in by tells the namespace.
type proxies struct {
	mu          sync.Mutex      // guards all below
	ctx         context.Context //nolint:containedctx // of the run: proxies are opened when they are first asked for
	router      *Router
	byNamespace map[string]*proxy
	free        netip.Addr // the last address given away
}

type proxy struct {
	address string
	server  *http.Server
}

var errNotRunning = errors.New("the router does not run")

func (p *proxies) begin(ctx context.Context, r *Router) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !loopback.Contains(r.Proxies.Addr()) {
		return fmt.Errorf("addresses of the proxies %v: %w", r.Proxies, loopback.ErrOutside)
	}
	p.ctx, p.router = ctx, r
	return nil
}

// of returns the proxy of a namespace and opens it when it is the first to ask.
func (p *proxies) of(namespace string) (*proxy, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if have := p.byNamespace[namespace]; have != nil {
		return have, nil
	}
	if p.ctx == nil || p.ctx.Err() != nil {
		return nil, errNotRunning
	}
	l, err := p.listen()
	if err != nil {
		return nil, err
	}
	r, ctx := p.router, p.ctx
	made := &proxy{address: l.Addr().String(), server: &http.Server{
		Handler:           r.forward(namespace),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(r.Log.Handler(), slog.LevelDebug),
	}}
	p.byNamespace[namespace] = made
	r.ended.Go(func() {
		if err := made.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			r.Log.Error("proxy ended", "namespace", namespace, "reason", err)
		}
	})
	return made, nil
}

// listen takes the next address of the range, or any port of the usual address once there is none.
func (p *proxies) listen() (net.Listener, error) {
	p.free = p.free.Next()
	const claimed = 254 // the lab itself holds the last addresses
	if a := p.free.As4(); p.router.Proxies.Contains(p.free) && a[3] < claimed {
		l, err := loopback.Listen(p.ctx, net.JoinHostPort(p.free.String(), strconv.Itoa(proxyPort)))
		if err == nil {
			return l, nil
		}
	}
	return loopback.Listen(p.ctx, "127.0.0.1:0")
}

// close ends all proxies and their requests.
func (p *proxies) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range p.byNamespace {
		_ = one.server.Close()
	}
}

func newTransport() *http.Transport {
	return &http.Transport{
		DialContext: loopback.Dial, DisableCompression: true,
		MaxIdleConnsPerHost: idlePerPod, IdleConnTimeout: idleTimeout,
	}
}

// forward serves a proxy: requests with a whole URL, and CONNECT.
func (r *Router) forward(namespace string) http.Handler {
	pass := &httputil.ReverseProxy{
		Rewrite:       func(p *httputil.ProxyRequest) { p.Out.Host = p.In.Host },
		Transport:     turns{r, namespace},
		FlushInterval: -1, // a stream is passed on as it comes
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, err error) { refuse(w, err) },
		ErrorLog:      slog.NewLogLogger(r.Log.Handler(), slog.LevelDebug),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		switch {
		case q.Method == http.MethodConnect:
			r.tunnel(w, q, namespace)
		case q.URL.Host == "" && q.URL.Path == "/resolve" && q.Method == http.MethodGet:
			r.answer(w, q, namespace)
		case q.URL.Scheme != "http" || q.URL.Host == "":
			http.Error(w, "this is a forward proxy: ask it for a whole http:// URL", http.StatusBadRequest)
		default:
			pass.ServeHTTP(w, q)
		}
	})
}

// refuse answers a request that leads nowhere. A client may tell a name that nobody has from one that does not answer.
func refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadGateway
	switch {
	case errors.Is(err, errNoPod):
		status = http.StatusServiceUnavailable
	case errors.Is(err, errUnknown):
		w.Header().Set("Proxy-Status", "furl; error=dns_error") // RFC 9209
	}
	http.Error(w, err.Error(), status)
}

// turns sends each request to the pod whose turn it is, and to the next when that one does not take connections.
type turns struct {
	r         *Router
	namespace string
}

func (t turns) RoundTrip(q *http.Request) (*http.Response, error) {
	port, err := portOf(q.URL.Port(), 80)
	if err != nil {
		return nil, err
	}
	all, err := t.r.resolve(t.namespace, q.URL.Hostname(), port)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, address := range all {
		out := q.Clone(q.Context())
		out.URL.Host = address
		if q.Body != nil && q.Body != http.NoBody {
			// Closed by the server in the end. A transport that could not even connect has closed it, but not read it.
			out.Body = io.NopCloser(q.Body)
		}
		resp, err := t.r.transport.RoundTrip(out)
		if err == nil {
			return resp, nil
		}
		errs = append(errs, err)
		if !notConnected(err) {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func notConnected(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func portOf(text string, otherwise int32) (int32, error) {
	if text == "" {
		return otherwise, nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("port %q: %w", text, err)
	}
	return int32(port), nil
}

// tunnel answers CONNECT.
func (r *Router) tunnel(w http.ResponseWriter, q *http.Request, namespace string) {
	port, err := portOf(q.URL.Port(), 443)
	if err != nil {
		refuse(w, err)
		return
	}
	all, err := r.resolve(namespace, q.URL.Hostname(), port)
	if err != nil {
		refuse(w, err)
		return
	}
	out, err := dial(q.Context(), all)
	if err != nil {
		refuse(w, err)
		return
	}
	defer func() { _ = out.Close() }()
	hijacked, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		refuse(w, err)
		return
	}
	in, err := halfCloser(hijacked)
	if err != nil {
		return
	}
	defer func() { _ = in.Close() }()
	if _, err := io.WriteString(in, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	// What the client sent without waiting for the answer has been read already.
	early := make([]byte, buffered.Reader.Buffered())
	if _, err := io.ReadFull(buffered, early); err != nil {
		return
	}
	if _, err := out.Write(early); err != nil {
		return
	}
	splice(q.Context(), in, out)
}
