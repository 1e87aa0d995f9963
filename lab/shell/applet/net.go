package applet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/furl-dev/furl/lab/shell/confine"
)

// netcat says with -z whether something listens at a port, and without it connects input and output to the port.
func netcat(ctx context.Context, c *Call) int {
	o, words, fine := c.options("zvw:nlp:")
	switch {
	case !fine:
		return failure
	case o.has("l"):
		return c.fail("listening (-l) is not to be had in this shell")
	case len(words) != 2:
		return c.fail("give HOST and PORT")
	}
	limit := 30 * time.Second
	if text, given := o.last("w"); given {
		d, err := period(text)
		if err != nil {
			return c.fail("%v", err)
		}
		limit = d
	}
	dialing, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := c.connect(dialing, words[0], words[1])
	if err != nil {
		if o.has("z") && !o.has("v") {
			return failure
		}
		if errors.Is(err, confine.ErrName) {
			return c.fail("%v", err)
		}
		return c.fail("%s (%s): %s", words[0], words[1], reason(err))
	}
	defer conn.Close() //nolint:errcheck // nothing is lost that somebody waits for
	if o.has("v") {
		fmt.Fprintf(c.Stderr, "%s (%s) open\n", words[0], words[1])
	}
	if o.has("z") {
		return ok
	}
	return c.talk(ctx, conn)
}

// connect dials a loopback address, or asks the forward proxy to connect to a name.
func (c *Call) connect(ctx context.Context, host, port string) (net.Conn, error) {
	address := net.JoinHostPort(host, port)
	if _, err := netip.ParseAddr(host); err == nil || host == "localhost" {
		return confine.Dial(ctx, "tcp", address)
	}
	proxy, err := c.proxyFor(&url.URL{Scheme: "http", Host: address})
	if err != nil {
		return nil, err
	}
	if proxy == nil {
		return nil, fmt.Errorf("%w '%s'", confine.ErrName, host)
	}
	conn, err := confine.Dial(ctx, "tcp", proxy.Host)
	if err != nil {
		return nil, err
	}
	if err := tunnel(ctx, conn, address); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// tunnel asks the proxy at the other end of a connection to pass it on.
func tunnel(ctx context.Context, conn net.Conn, address string) error {
	if deadline, limited := ctx.Deadline(); limited {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if err := request.Write(conn); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReaderSize(conn, 1), request) //nolint:bodyclose // an answer to CONNECT has no body
	if err != nil {
		return fmt.Errorf("forward proxy: %w", err)
	}
	if unknownName(response) {
		host, _, _ := net.SplitHostPort(address)
		return fmt.Errorf("%w '%s'", confine.ErrName, host)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("forward proxy: %s", strings.ToLower(response.Status))
	}
	return conn.SetDeadline(time.Time{})
}

// talk copies standard input to the connection, and what comes back to standard output, until both have ended.
func (c *Call) talk(ctx context.Context, conn net.Conn) int {
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	sent := make(chan error, 1)
	go func() {
		var err error
		if c.Stdin != nil {
			_, err = io.Copy(conn, c.Stdin)
		}
		if half, can := conn.(*net.TCPConn); can {
			err = errors.Join(err, half.CloseWrite())
		}
		sent <- err
	}()
	_, err := io.Copy(c.Stdout, conn)
	if err != nil && ctx.Err() == nil {
		return c.fail("%s", reason(err))
	}
	return ok
}

// nslookup asks the lab's forward proxy, which is what answers names for pods: there is no name server.
func nslookup(ctx context.Context, c *Call) int {
	if len(c.Args) < 1 {
		return c.fail("give a HOST")
	}
	name := c.Args[0]
	proxy, err := c.proxyFor(&url.URL{Scheme: "http", Host: name})
	if err != nil {
		return c.fail("%v", err)
	}
	if proxy == nil && !local(name) {
		return c.fail("can't resolve '%s': there is no name server here, and http_proxy names no forward proxy", name)
	}
	addresses := []string{"127.0.0.1"}
	server := "localhost"
	if proxy != nil {
		server = proxy.Host
		limited, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if addresses, err = c.ask(limited, proxy, name); err != nil {
			return c.fail("can't resolve '%s': %v", name, err)
		}
	}
	c.print("Server:    ", server, "\n\nName:      ", name, "\n")
	for i, address := range addresses {
		fmt.Fprintf(c.out, "Address %d: %s\n", i+1, address)
	}
	return ok
}

// errProxy says that a proxy does not tell addresses; names work all the same.
var errProxy = errors.New("the forward proxy answers names of http requests only; try wget http://")

// ask gets the addresses of a name from the proxy's own resolver: one a line, 404 for a name that it does not know.
func (c *Call) ask(ctx context.Context, proxy *url.URL, name string) ([]string, error) {
	at := &url.URL{Scheme: "http", Host: proxy.Host, Path: "/resolve", RawQuery: url.Values{"name": {name}}.Encode()}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := c.host.web.RoundTrip(request)
	if err != nil {
		return nil, unreachable(err, proxy)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	switch {
	case err != nil:
		return nil, err
	case response.Header.Get("Furl-Resolver") == "":
		return nil, errProxy
	case response.StatusCode != http.StatusOK:
		return nil, errors.New("name or service not known")
	}
	return strings.Fields(string(text)), nil
}
