package resource

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"
)

// maxBody bounds an answer in bytes, on the wire and unpacked: some fifty
// times the largest node's.
const maxBody = 64 << 20

var errTooLong = fmt.Errorf("the answer is longer than %d MiB", maxBody>>20)

// kubelets asks kubelets for /metrics/resource. One connection a node is kept.
type kubelets struct {
	options  Options
	identity *identity
	unzip    sync.Pool // of *gzip.Reader
}

// scrape asks one kubelet and gives the answer to take, which must read it to its end.
func (k *kubelets) scrape(ctx context.Context, n Node, now time.Time, take func(io.Reader) error) error {
	host, err := k.options.host(n)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, k.options.RequestTimeout)
	defer cancel()
	err = k.get(ctx, host, now, take)
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return timeoutError{host: host, after: k.options.RequestTimeout}
	}
	return err
}

// timeoutError is a kubelet that did not answer in time.
type timeoutError struct {
	host  string
	after time.Duration
}

func (e timeoutError) Error() string { return fmt.Sprintf("%s timed out after %s", e.host, e.after) }

func (k *kubelets) get(ctx context.Context, host string, now time.Time, take func(io.Reader) error) error {
	transport, token, err := k.identity.at(now)
	if err != nil {
		return err
	}
	u := url.URL{Scheme: "https", Host: host, Path: "/metrics/resource"}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fmt.Errorf("address %s: %w", host, err)
	}
	req.Header["User-Agent"] = []string{"furl"}
	req.Header["Accept"] = []string{"text/plain;version=0.0.4"}
	req.Header["Accept-Encoding"] = []string{"gzip"}
	if token != "" {
		req.Header["Authorization"] = []string{"Bearer " + token}
	}
	// The transport, not a client: a redirect is an answer to refuse, for the
	// token is meant for this kubelet alone.
	res, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("get %s: %w", u.String(), err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end or given up
	if res.StatusCode == http.StatusUnauthorized {
		k.identity.stale()
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("get %s: %s", u.String(), res.Status)
	}
	return k.body(res, take)
}

// body unpacks the answer and reads a little beyond it, so that the connection
// can be used again.
func (k *kubelets) body(res *http.Response, take func(io.Reader) error) error {
	wire := &bounded{from: res.Body, left: maxBody}
	if res.Header.Get("Content-Encoding") != "gzip" {
		return take(wire)
	}
	z, ok := k.unzip.Get().(*gzip.Reader)
	if !ok {
		z = new(gzip.Reader)
	}
	defer k.unzip.Put(z)
	if err := z.Reset(wire); err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	if err := take(&bounded{from: z, left: maxBody}); err != nil {
		return err
	}
	_, err := io.CopyN(io.Discard, wire, 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("after the answer: %w", err)
	}
	return nil
}

// bounded fails, where [io.LimitReader] would end as if that were all.
type bounded struct {
	from io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n, errTooLong
	}
	return n, err
}

// dial connects directly: a node is never behind a proxy.
func dial(timeout time.Duration) func(ctx context.Context, network, addr string) (net.Conn, error) {
	d := &net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second}
	return d.DialContext
}
