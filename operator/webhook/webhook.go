// Package webhook answers the API server that asks, over HTTPS, whether an
// object may be stored. What to answer is package admit's to say.
package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Limits of a server that everybody in the cluster can reach.
const (
	headerTimeout = 5 * time.Second
	// ruleTimeout is below the timeoutSeconds of deploy/70-webhooks.yaml, so that
	// an API server hears what took so long.
	ruleTimeout   = 4 * time.Second
	answerTimeout = 10 * time.Second
	idleTimeout   = 90 * time.Second
	endTimeout    = 5 * time.Second
	// bodyBytes holds two objects of the largest size that an API server stores (1.5 MiB in etcd) with room.
	bodyBytes   = 8 << 20
	headerBytes = 64 << 10
	// atOnce bounds the requests under way, and with bodyBytes the memory for them.
	atOnce = 32
)

// Certificate is what the server serves with at the moment, in PEM.
type Certificate interface {
	CurrentCertKeyContent() (cert, key []byte)
}

// Files are a certificate that somebody else renews. They are read at each
// handshake: an API server keeps its connections, so those are few.
type Files struct{ Cert, Key string }

// CurrentCertKeyContent implements [Certificate]; what cannot be read is empty.
func (f Files) CurrentCertKeyContent() (cert, key []byte) {
	cert, _ = os.ReadFile(f.Cert) // the handshake fails and says so
	key, _ = os.ReadFile(f.Key)
	return cert, key
}

// Config is what a server is made of.
type Config struct {
	// Address is where to listen, such as :9443.
	Address     string
	Certificate Certificate
	Reviewers   []Reviewer
	Meter       *Meter
	Log         *slog.Logger
}

// Server answers admission reviews.
type Server struct {
	config  Config
	handler http.Handler
	serving chain
}

// New returns a server that does not listen yet.
func New(c Config) *Server {
	mux := http.NewServeMux()
	free := make(chan struct{}, atOnce)
	for _, r := range c.Reviewers {
		mux.Handle("POST "+r.Path, &door{reviewer: r, meter: c.Meter, log: c.Log, free: free})
	}
	return &Server{config: c, handler: mux, serving: chain{source: c.Certificate}}
}

// Run serves until ctx ends and the requests under way are answered.
func (s *Server) Run(ctx context.Context) error {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", s.config.Address)
	if err != nil {
		return fmt.Errorf("listen on --webhook-bind-address %s (empty serves no webhooks): %w", s.config.Address, err)
	}
	return s.Serve(ctx, l)
}

// Serve is [Server.Run] on a listener, which it closes.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: answerTimeout, WriteTimeout: answerTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: headerBytes,
		// A client that does not trust us, or a port scan, is worth a look and no warning.
		ErrorLog: slog.NewLogLogger(s.config.Log.Handler(), slog.LevelDebug),
		TLSConfig: &tls.Config{
			MinVersion:     tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.serving.current() },
		},
	}
	defer context.AfterFunc(ctx, func() {
		end, stop := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer stop()
		if server.Shutdown(end) != nil {
			_ = server.Close() // somebody would not stop reading
		}
	})()
	if err := server.ServeTLS(l, "", ""); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve webhooks on %s: %w", l.Addr(), err)
	}
	return nil
}

// chain parses a certificate once for all handshakes until it changes.
type chain struct {
	source Certificate

	mu        sync.Mutex // guards what follows
	cert, key string
	parsed    *tls.Certificate
}

func (c *chain) current() (*tls.Certificate, error) {
	cert, key := c.source.CurrentCertKeyContent()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parsed != nil && c.cert == string(cert) && c.key == string(key) {
		return c.parsed, nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("certificate of the webhooks: %w", err)
	}
	c.cert, c.key, c.parsed = string(cert), string(key), &pair
	return c.parsed, nil
}
