package resource

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"k8s.io/client-go/rest"
)

// rotation is how often files with keys and tokens are read again. A bound
// service account token is renewed minutes before it ends.
const rotation = time.Minute

// Access is how Furl shows itself to kubelets and knows them. A file wins over
// what stands beside it, and is read again when it may have been renewed.
type Access struct {
	TokenFile, Token  string
	CAFile            string
	CA                []byte // PEM
	CertFile, KeyFile string
	Cert, Key         []byte // PEM
	Insecure          bool   // accept any certificate
	ServerName        string // expected of every certificate; empty: the address
}

// AccessFrom takes the API server's access, as metrics-server does, and lays
// the options over it.
func AccessFrom(c *rest.Config, o Options) Access {
	a := Access{
		TokenFile: c.BearerTokenFile, Token: c.BearerToken,
		CAFile: c.CAFile, CA: c.CAData,
		CertFile: c.CertFile, KeyFile: c.KeyFile, Cert: c.CertData, Key: c.KeyData,
		Insecure: o.InsecureTLS,
	}
	if o.CAFile != "" {
		a.CAFile, a.CA = o.CAFile, nil
	}
	if o.ClientCertFile != "" {
		a.CertFile, a.KeyFile = o.ClientCertFile, o.ClientKeyFile
	}
	return a
}

// identity holds the transport built from the files as they were read last.
type identity struct {
	access    Access
	handshake time.Duration // how long connecting may take
	idle      time.Duration // how long a connection waits for the next scrape

	mu        sync.Mutex // guards what follows
	read      time.Time
	token     string
	files     [3][]byte // CA, certificate, key
	transport *http.Transport
}

// at returns the transport and the token to use at an instant.
func (i *identity) at(now time.Time) (*http.Transport, string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.transport != nil && now.Sub(i.read) < rotation {
		return i.transport, i.token, nil
	}
	if err := i.load(); err != nil {
		if i.transport == nil {
			return nil, "", err
		}
		// What was read before may still be good; a kubelet will say.
		return i.transport, i.token, nil
	}
	i.read = now
	return i.transport, i.token, nil
}

// stale has the files read again at once: a kubelet refused what they said.
func (i *identity) stale() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.read = time.Time{}
}

// close ends the connections that wait for the next scrape.
func (i *identity) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.transport != nil {
		i.transport.CloseIdleConnections()
	}
}

func (i *identity) load() error {
	token, err := content(i.access.TokenFile, []byte(i.access.Token))
	if err != nil {
		return err
	}
	i.token = strings.TrimSpace(string(token))
	files, err := i.access.files()
	if err != nil {
		return err
	}
	if i.transport != nil && equal(files, i.files) {
		return nil
	}
	t, err := i.build(files)
	if err != nil {
		return err
	}
	if i.transport != nil {
		i.transport.CloseIdleConnections()
	}
	i.files, i.transport = files, t
	return nil
}

func (a *Access) files() (out [3][]byte, err error) {
	var wrong [3]error
	out[0], wrong[0] = content(a.CAFile, a.CA)
	out[1], wrong[1] = content(a.CertFile, a.Cert)
	out[2], wrong[2] = content(a.KeyFile, a.Key)
	return out, errors.Join(wrong[:]...)
}

// build makes the transport. HTTP/1.1: there is one request at a time to each
// node, and nothing to multiplex.
func (i *identity) build(files [3][]byte) (*http.Transport, error) {
	a := &i.access
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: a.ServerName}
	c.InsecureSkipVerify = a.Insecure // --kubelet-insecure-tls asks for it by name
	if len(files[0]) > 0 && !a.Insecure {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(files[0]) {
			return nil, fmt.Errorf("CA of the kubelets %s: no PEM certificate in it", a.CAFile)
		}
	}
	if len(files[1]) > 0 {
		pair, err := tls.X509KeyPair(files[1], files[2])
		if err != nil {
			return nil, fmt.Errorf("client certificate for kubelets %s: %w", a.CertFile, err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return &http.Transport{
		TLSClientConfig:     c,
		DialContext:         dial(i.handshake),
		TLSHandshakeTimeout: i.handshake,
		MaxIdleConnsPerHost: 1,
		IdleConnTimeout:     i.idle,
		DisableCompression:  true, // asked for and undone by kubelets.body, with pooled readers
	}, nil
}

// content returns the file's bytes, or fallback where no file is named.
func content(file string, fallback []byte) ([]byte, error) {
	if file == "" {
		return fallback, nil
	}
	b, err := os.ReadFile(file) //nolint:gosec // the user names it
	if err != nil {
		return nil, fmt.Errorf("access to kubelets: %w", err)
	}
	return b, nil
}

func equal(a, b [3][]byte) bool {
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}
