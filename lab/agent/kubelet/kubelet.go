// Package kubelet serves the part of a kubelet's HTTPS interface that kubectl, the API server and metrics-server use.
package kubelet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
)

const (
	idleTimeout    = 4 * time.Hour // the kubelet's streamingConnectionIdleTimeout
	streamTimeout  = 30 * time.Second
	headerTimeout  = 10 * time.Second
	closingTimeout = 2 * time.Second
)

// Container names a container of a pod on this node.
type Container struct{ Namespace, Pod, Container string }

// Streams are the ends of a person's terminal or pipes. A nil one was not asked for.
type Streams struct {
	In       io.Reader
	Out, Err io.WriteCloser
	TTY      bool
	Resize   <-chan remotecommand.TerminalSize
}

// Pods is what the interface is about.
type Pods interface {
	// Logs writes a container's log; it may follow it until ctx ends.
	Logs(ctx context.Context, c Container, want *corev1.PodLogOptions, w io.Writer) error
	// Exec runs a command in a container; an exit code other than 0 is a k8s.io/utils/exec.ExitError.
	Exec(ctx context.Context, c Container, command []string, s Streams) error
	// Attach joins a container's own streams until it ends or the caller goes.
	Attach(ctx context.Context, c Container, s Streams) error
	// Forward copies between a connection and a port of a pod.
	Forward(ctx context.Context, c Container, port int32, conn io.ReadWriteCloser) error
}

// StatusError is an error with the HTTP status it is answered with.
type StatusError struct {
	Status int
	Text   string
}

func (e *StatusError) Error() string { return e.Text }

// Server answers for one node.
type Server struct {
	Node      string
	Client    kubernetes.Interface // reviews tokens
	ClientCAs *x509.CertPool       // whose certificates may call everything
	Serving   tls.Certificate
	Pods      Pods
	Metrics   func(w io.Writer) error // writes /metrics/resource
	Log       *slog.Logger
}

// Serve answers on l until ctx ends; it returns when every connection is closed.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerTimeout,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ErrorLog:          slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
		TLSConfig: &tls.Config{
			MinVersion:   tls.VersionTLS12,
			Certificates: []tls.Certificate{s.Serving},
			ClientCAs:    s.ClientCAs,
			ClientAuth:   tls.VerifyClientCertIfGiven,
			NextProtos:   []string{"http/1.1"}, // SPDY upgrades need it
		},
	}
	var closing sync.WaitGroup
	served := make(chan struct{})
	closing.Go(func() {
		select {
		case <-ctx.Done():
		case <-served:
		}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTimeout)
		defer cancel()
		if server.Shutdown(last) != nil {
			_ = server.Close()
		}
	})
	err := server.ServeTLS(l, "", "")
	close(served)
	closing.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving the kubelet's interface on %s: %w", l.Addr(), err)
}

func (s *Server) handler() http.Handler {
	door := &door{node: s.Node, client: s.Client, known: map[[32]byte]verdict{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	mux.Handle("GET /metrics/resource", door.metrics(http.HandlerFunc(s.metrics)))
	for path, serve := range map[string]http.HandlerFunc{
		"GET /containerLogs/{namespace}/{pod}/{container}": s.logs,
		"/exec/{namespace}/{pod}/{container}":              s.exec,
		"/exec/{namespace}/{pod}/{uid}/{container}":        s.exec,
		"/attach/{namespace}/{pod}/{container}":            s.attach,
		"/attach/{namespace}/{pod}/{uid}/{container}":      s.attach,
		"/portForward/{namespace}/{pod}":                   s.forward,
		"/portForward/{namespace}/{pod}/{uid}":             s.forward,
	} {
		mux.Handle(path, door.certificate(serve))
	}
	return mux
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	out, done := compressed(w, r)
	defer done()
	if err := s.Metrics(out); err != nil {
		s.Log.DebugContext(r.Context(), "metrics_not_sent", "error", err)
	}
}

func (s *Server) exec(w http.ResponseWriter, r *http.Request) {
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	remotecommand.ServeExec(w, r, bridge{s.Pods, named(r)}, r.PathValue("pod"), "", r.PathValue("container"),
		r.URL.Query()["command"], options, idleTimeout, streamTimeout, remotecommand.SupportedStreamingProtocols)
}

func (s *Server) attach(w http.ResponseWriter, r *http.Request) {
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	remotecommand.ServeAttach(w, r, bridge{s.Pods, named(r)}, r.PathValue("pod"), "", r.PathValue("container"),
		options, idleTimeout, streamTimeout, remotecommand.SupportedStreamingProtocols)
}

func (s *Server) forward(w http.ResponseWriter, r *http.Request) {
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, bridge{s.Pods, named(r)}, r.PathValue("pod"), "", options,
		idleTimeout, streamTimeout, portforward.SupportedProtocols)
}

func named(r *http.Request) Container {
	return Container{Namespace: r.PathValue("namespace"), Pod: r.PathValue("pod"), Container: r.PathValue("container")}
}

// bridge turns the streaming library's calls into those of Pods.
type bridge struct {
	pods Pods
	of   Container
}

// ExecInContainer implements remotecommand.Executor.
//
//nolint:revive // the signature is the library's
func (b bridge) ExecInContainer(ctx context.Context, _, _, _ string, command []string, in io.Reader, out, err io.WriteCloser,
	tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration,
) error {
	return b.pods.Exec(ctx, b.of, command, Streams{In: in, Out: out, Err: err, TTY: tty, Resize: resize})
}

// AttachContainer implements remotecommand.Attacher.
//
//nolint:revive // the signature is the library's
func (b bridge) AttachContainer(ctx context.Context, _, _, _ string, in io.Reader, out, err io.WriteCloser,
	tty bool, resize <-chan remotecommand.TerminalSize,
) error {
	return b.pods.Attach(ctx, b.of, Streams{In: in, Out: out, Err: err, TTY: tty, Resize: resize})
}

// PortForward implements portforward.PortForwarder.
func (b bridge) PortForward(ctx context.Context, _, _ string, port int32, conn io.ReadWriteCloser) error {
	return b.pods.Forward(ctx, b.of, port, conn)
}
