package external

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/external/externalscaler"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// service is a small honest external scaler. What is nil is answered as a
// server answers that does not implement it.
type service struct {
	externalscaler.UnimplementedExternalScalerServer

	specs    func(context.Context) (*externalscaler.GetMetricSpecResponse, error)
	values   func(ctx context.Context, metric string) (*externalscaler.GetMetricsResponse, error)
	active   func(context.Context) (bool, error)
	activity func(context.Context, func(bool) error) error
	metrics  func(context.Context, func(*externalscaler.GetMetricSpecResponse) error) error

	mu    sync.Mutex // guards the fields below
	asked []string
	ref   *externalscaler.ScaledObjectRef
}

func (s *service) note(what string, ref *externalscaler.ScaledObjectRef) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked, s.ref = append(s.asked, what), ref
}

// questions are those since the last call.
func (s *service) questions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func (s *service) lastRef() *externalscaler.ScaledObjectRef {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ref
}

func (s *service) GetMetricSpec(ctx context.Context, ref *externalscaler.ScaledObjectRef) (*externalscaler.GetMetricSpecResponse, error) {
	s.note("specs", ref)
	if s.specs == nil {
		return s.UnimplementedExternalScalerServer.GetMetricSpec(ctx, ref)
	}
	return s.specs(ctx)
}

func (s *service) GetMetrics(ctx context.Context, r *externalscaler.GetMetricsRequest) (*externalscaler.GetMetricsResponse, error) {
	s.note("value of "+r.GetMetricName(), r.GetScaledObjectRef())
	if s.values == nil {
		return s.UnimplementedExternalScalerServer.GetMetrics(ctx, r)
	}
	return s.values(ctx, r.GetMetricName())
}

func (s *service) IsActive(ctx context.Context, ref *externalscaler.ScaledObjectRef) (*externalscaler.IsActiveResponse, error) {
	s.note("active", ref)
	if s.active == nil {
		return s.UnimplementedExternalScalerServer.IsActive(ctx, ref)
	}
	active, err := s.active(ctx)
	return &externalscaler.IsActiveResponse{Result: active}, err
}

func (s *service) StreamIsActive(ref *externalscaler.ScaledObjectRef, stream grpc.ServerStreamingServer[externalscaler.IsActiveResponse]) error {
	s.note("stream of activity", ref)
	if s.activity == nil {
		return s.UnimplementedExternalScalerServer.StreamIsActive(ref, stream)
	}
	return s.activity(stream.Context(), func(active bool) error {
		return stream.Send(&externalscaler.IsActiveResponse{Result: active})
	})
}

func (s *service) StreamMetricSpec(ref *externalscaler.ScaledObjectRef, stream grpc.ServerStreamingServer[externalscaler.GetMetricSpecResponse]) error {
	s.note("stream of metrics", ref)
	if s.metrics == nil {
		return s.UnimplementedExternalScalerServer.StreamMetricSpec(ref, stream)
	}
	return s.metrics(stream.Context(), stream.Send)
}

// queue is a service with seven messages and a target.
func queue(target float64) *service {
	return &service{
		specs: func(context.Context) (*externalscaler.GetMetricSpecResponse, error) {
			return specs(&externalscaler.MetricSpec{MetricName: "queue", TargetSizeFloat: target}), nil
		},
		values: func(context.Context, string) (*externalscaler.GetMetricsResponse, error) {
			return values(&externalscaler.MetricValue{MetricName: "queue", MetricValue: 7}), nil
		},
		active: func(context.Context) (bool, error) { return true, nil },
	}
}

func specs(all ...*externalscaler.MetricSpec) *externalscaler.GetMetricSpecResponse {
	return &externalscaler.GetMetricSpecResponse{MetricSpecs: all}
}

func values(all ...*externalscaler.MetricValue) *externalscaler.GetMetricsResponse {
	return &externalscaler.GetMetricsResponse{MetricValues: all}
}

// running is a server until the test ends or it is stopped.
type running struct {
	*grpc.Server
	address string

	mu          sync.Mutex // guards the field below
	connections int
}

// Accept counts.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.on.mu.Lock()
		l.on.connections++
		l.on.mu.Unlock()
	}
	return c, err
}

// listener counts connections.
type listener struct {
	net.Listener
	on *running
}

func (r *running) accepted() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.connections
}

// serve runs a service. A handler that panics answers Internal, with what it said.
func serve(t *testing.T, s *service, options ...grpc.ServerOption) *running {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	options = append(options, grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (_ any, err error) {
		defer func() {
			if v := recover(); v != nil {
				err = status.Errorf(codes.Internal, "panic: %v", v)
			}
		}()
		return next(ctx, req)
	}))
	r := &running{Server: grpc.NewServer(options...), address: l.Addr().String()}
	externalscaler.RegisterExternalScalerServer(r.Server, s)
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(&listener{l, r}) }()
	t.Cleanup(func() {
		r.Stop()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return r
}

// input is a trigger for an address.
func input(address string) trigger.Input {
	return trigger.Input{
		Namespace: "shop", Object: "orders",
		Metadata: map[string]string{"scalerAddress": address},
		Auth:     map[string]string{}, Env: map[string]string{},
	}
}

func env() trigger.Env {
	return trigger.Env{HTTP: http.DefaultClient, Log: slog.New(slog.DiscardHandler), Now: time.Now}
}

// opens opens a source of the first (external) or second (external-push) kind.
func opens(t *testing.T, kind trigger.Kind, in trigger.Input) trigger.Source {
	t.Helper()
	c, err := kind.Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Open(t.Context(), env())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func pull(t *testing.T, in trigger.Input) trigger.Source { return opens(t, Kinds()[0], in) }

// authority signs certificates of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.cert, a.key, a.pem = a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return a
}

func (a *authority) sign(t *testing.T, c *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(1), time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, by := c, key
	if a.cert != nil {
		parent, by = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// pair is a certificate with its key, in PEM.
func (a *authority) pair(t *testing.T, use x509.ExtKeyUsage) (cert, key string) {
	t.Helper()
	_, private, cert := a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: "leaf"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{use}, KeyUsage: x509.KeyUsageDigitalSignature,
	})
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// secure makes a server speak TLS, and ask for a certificate where isMutual.
func (a *authority) secure(t *testing.T, isMutual bool) grpc.ServerOption {
	t.Helper()
	cert, key := a.pair(t, x509.ExtKeyUsageServerAuth)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{pair}}
	if isMutual {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		c.ClientCAs.AddCert(a.cert)
	}
	return grpc.Creds(credentials.NewTLS(c))
}
