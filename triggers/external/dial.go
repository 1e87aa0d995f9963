package external

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/furl-dev/furl/triggers/internal/clients"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// connections are the open ones, one a route.
type connections = clients.Pool[route, *grpc.ClientConn]

// hangUp closes a connection after its last user. Its only error is to be closed already.
func hangUp(c *grpc.ClientConn) { _ = c.Close() }

// route is how a service is reached.
type route struct {
	address         string
	isTLS, isUnsafe bool
	ca, cert, key   string
}

const (
	// quiet is when an idle stream is checked: a gRPC server as it comes takes
	// checks more often than each 5 min for an attack.
	quiet = 6 * time.Minute
	// unanswered is how long a check or a request on a dead connection waits.
	unanswered = 20 * time.Second
	// redial bounds the wait between dials. Reads come at their own pace; the
	// connection need not add its own.
	redial = 5 * time.Second
	// answerBytes bounds an answer: some thousand metrics.
	answerBytes = 1 << 20
	// everyServer spreads calls over all addresses of the name, as KEDA does.
	everyServer = `{"loadBalancingConfig": [{"round_robin":{}}]}`
)

// dial prepares a connection. It is made when the first call needs it.
func (r route) dial() (*grpc.ClientConn, error) {
	secure, err := r.tls()
	if err != nil {
		return nil, err
	}
	transport := insecure.NewCredentials()
	if secure != nil {
		transport = credentials.NewTLS(secure)
	}
	pace := backoff.DefaultConfig
	pace.MaxDelay = redial
	c, err := grpc.NewClient(r.address,
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(everyServer),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: quiet, Timeout: unanswered}),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: pace, MinConnectTimeout: unanswered}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(answerBytes)),
	)
	if err != nil {
		return nil, fmt.Errorf("scalerAddress %q: %w", r.address, err)
	}
	return c, nil
}

// tls is nil where the service is spoken to in the clear. A certificate
// without a key, or a key without a certificate, is not shown, as in KEDA.
func (r route) tls() (*tls.Config, error) {
	shows := r.cert != "" && r.key != ""
	if !r.isTLS && r.ca == "" && !shows {
		return nil, nil
	}
	c := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: r.isUnsafe, //nolint:gosec // the user asked for it with unsafeSsl
	}
	if shows {
		pair, err := tls.X509KeyPair([]byte(r.cert), []byte(r.key))
		if err != nil {
			return nil, fmt.Errorf("tlsClientCert and tlsClientKey: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if r.ca == "" {
		return c, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("certificates of the system: %w", err)
	}
	if !roots.AppendCertsFromPEM([]byte(r.ca)) {
		return nil, errors.New("caCert: want at least one certificate in PEM")
	}
	c.RootCAs = roots
	return c, nil
}
