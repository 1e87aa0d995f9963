package webauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/web"
	"github.com/furl-dev/furl/triggers/internal/clients"
)

// Clients keeps a client, its connections and its token for all accounts that
// prove themselves alike. Make it with [New].
type Clients struct {
	pool clients.Pool[proof, *connection]
}

// New returns the clients of one kind of trigger.
func New() *Clients {
	return &Clients{pool: clients.Pool[proof, *connection]{Done: (*connection).end}}
}

// proof is what tells one connection from another.
type proof struct {
	cert, key, ca string
	unsafe        bool
	grant         grant
}

type connection struct {
	client *http.Client
	own    bool // the transport belongs to this connection alone
	tokens *tokens
}

func (c *connection) end() {
	if c.own {
		c.client.CloseIdleConnections()
	}
}

// Account is one trigger's way to a server.
type Account struct {
	ask      web.Client
	settings Settings
	tokens   *tokens // nil without oauth
	release  func()
}

// Options are what a trigger's settings say about the connection itself.
type Options struct {
	// Unsafe accepts any certificate.
	Unsafe bool
	// Timeout replaces the client's where it is above zero.
	Timeout time.Duration
}

// CheckURL finds a setting that is no URL for HTTP, without repeating it: it may have a password in it.
func CheckURL(setting, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%s is no address: want http://HOST or https://HOST", setting)
	}
	return nil
}

// Open returns an account over the client of env. Close it.
func (c *Clients) Open(env trigger.Env, s Settings, o Options) (*Account, error) {
	p := proof{ca: s.CA, unsafe: o.Unsafe}
	if s.Uses("tls") {
		p.cert, p.key = s.Cert, s.Key
	}
	if s.Uses("oauth") {
		p.grant = s.grant()
	}
	shared, release, err := c.pool.Use(p, func() (*connection, error) { return p.connect(env.HTTP) })
	if err != nil {
		return nil, err
	}
	client := *shared.client
	if o.Timeout > 0 {
		client.Timeout = o.Timeout
	}
	return &Account{ask: web.New(&client, env.Now), settings: s, tokens: shared.tokens, release: release}, nil
}

// Get asks for a URL; also writes more into the request than the settings do.
func (a *Account) Get(ctx context.Context, from string, also ...func(*http.Request) error) (web.Answer, error) {
	answer, err := a.ask.Get(ctx, from, func(r *http.Request) error {
		for _, write := range also {
			if err := write(r); err != nil {
				return err
			}
		}
		return a.sign(r)
	})
	if refusal, ok := errors.AsType[*web.StatusError](err); ok && refusal.Status == http.StatusUnauthorized && a.tokens != nil {
		a.tokens.drop() // it may have been withdrawn: ask for a new one next time
	}
	return answer, err
}

func (a *Account) sign(r *http.Request) error {
	if a.tokens != nil {
		token, err := a.tokens.get(r.Context())
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return a.settings.sign(r)
}

// Close gives the client back; it may be called more than once.
func (a *Account) Close() error {
	a.release()
	return nil
}

func (p proof) connect(base *http.Client) (*connection, error) {
	c := &connection{client: base}
	if p.cert != "" || p.ca != "" || p.unsafe {
		settings, err := p.tls()
		if err != nil {
			return nil, err
		}
		transport, err := ownTransport(base, settings)
		if err != nil {
			return nil, err
		}
		own := *base
		own.Transport = transport
		c.client, c.own = &own, true
	}
	if p.grant != (grant{}) {
		c.tokens = newTokens(p.grant, c.client)
	}
	return c, nil
}

// ownTransport is base's with a trust of its own.
func ownTransport(base *http.Client, settings *tls.Config) (*http.Transport, error) {
	from := base.Transport
	if from == nil {
		from = http.DefaultTransport
	}
	transport, ok := from.(*http.Transport)
	if !ok {
		return nil, errors.New("certificates can be used with a plain HTTP transport only")
	}
	transport = transport.Clone()
	transport.TLSClientConfig = settings
	return transport, nil
}

func (p proof) tls() (*tls.Config, error) {
	c := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: p.unsafe, //nolint:gosec // unsafeSsl asks for it
	}
	if p.ca != "" {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool() // a system without any
		}
		if !roots.AppendCertsFromPEM([]byte(p.ca)) {
			return nil, errors.New("ca is no certificate in PEM form: want -----BEGIN CERTIFICATE-----")
		}
		c.RootCAs = roots
	}
	if p.cert != "" {
		pair, err := tls.X509KeyPair([]byte(p.cert), []byte(p.key))
		if err != nil {
			return nil, errors.New("cert and key are no pair in PEM form: want -----BEGIN CERTIFICATE----- and its private key")
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
