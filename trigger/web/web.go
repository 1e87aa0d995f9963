// Package web asks a server over HTTP one question at a time, takes an answer of
// bounded size, and tells in its errors no secret of the question.
//
// Every trigger over HTTP goes through it, so that a server which hangs, floods,
// sends elsewhere or asks for patience is met once and in one way.
package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Bytes bounds an answer where a client names no other bound: the answers of
// metric servers are a few kB, a page of a management API some 100 kB.
const Bytes = 4 << 20

// hops bounds redirects within one host.
const hops = 3

// Client asks. Its zero value cannot be used; see [New].
type Client struct {
	http  *http.Client
	now   func() time.Time
	bytes int64
}

// New is a client over another's connections, with redirects kept to the host
// that was asked. now reads dates in Retry-After.
func New(over *http.Client, now func() time.Time) Client {
	c := *over
	c.CheckRedirect = sameHost
	return Client{http: &c, now: now, bytes: Bytes}
}

// Within is the client with another bound on the size of an answer.
func (c Client) Within(bytes int64) Client {
	c.bytes = bytes
	return c
}

// Answer is what a server said, with a status from 200 to 299.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Request is [http.NewRequestWithContext] with an error that does not repeat
// the URL, which may have a password in it.
func Request(ctx context.Context, method, to string, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, to, body)
	if err != nil {
		return nil, fmt.Errorf("URL of the request: %w", cause(err))
	}
	if r.URL.Host == "" || (r.URL.Scheme != "http" && r.URL.Scheme != "https") {
		return nil, errors.New("URL of the request: want http://HOST or https://HOST")
	}
	return r, nil
}

// Ask sends a request and reads the whole answer. A status outside 200 to 299
// is a [*StatusError], inside a [*trigger.Throttled] where the server says
// when to come back.
func (c Client) Ask(r *http.Request) (Answer, error) {
	response, err := c.http.Do(r) //nolint:gosec // the user says which server to ask
	if err != nil {
		return Answer{}, fmt.Errorf("%s: %w", Name(r), cause(err))
	}
	defer response.Body.Close() //nolint:errcheck // it was read, or is left
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return Answer{}, c.refusal(r, response)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, c.bytes+1))
	if err != nil {
		return Answer{}, fmt.Errorf("answer to %s: %w", Name(r), cause(err))
	}
	if int64(len(body)) > c.bytes {
		return Answer{}, fmt.Errorf("answer to %s: longer than %d bytes", Name(r), c.bytes)
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: body}, nil
}

// Get asks for a URL; sign, where there is one, writes credentials into the request.
func (c Client) Get(ctx context.Context, from string, sign func(*http.Request) error) (Answer, error) {
	r, err := Request(ctx, http.MethodGet, from, http.NoBody)
	if err != nil {
		return Answer{}, err
	}
	if sign != nil {
		if err := sign(r); err != nil {
			return Answer{}, fmt.Errorf("sign %s: %w", Name(r), err)
		}
	}
	return c.Ask(r)
}

// Name names a request without what may be secret: user, password, query and fragment.
func Name(r *http.Request) string {
	u := url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: r.URL.Path}
	return r.Method + " " + u.String()
}

// cause is an error without the URL that net/http and net/url write into theirs.
func cause(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// errElsewhere is why a redirect was not followed.
var errElsewhere = errors.New("the server sends to another place, which is not followed: it would see the credentials")

func sameHost(r *http.Request, via []*http.Request) error {
	first := via[0].URL
	if r.URL.Host != first.Host || r.URL.Scheme != first.Scheme {
		return fmt.Errorf("%w: %s://%s", errElsewhere, r.URL.Scheme, r.URL.Host)
	}
	if len(via) > hops {
		return fmt.Errorf("more than %d redirects", hops)
	}
	return nil
}
