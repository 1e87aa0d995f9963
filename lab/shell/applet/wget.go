package applet

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/furl-dev/furl/lab/shell/confine"
)

// patience is how long wget waits for a server without -T, as busybox does.
const patience = 900 * time.Second

// hops is how many redirections wget follows, as busybox does.
const hops = 5

// transport is the one pool of connections of the program: a loop of wget reuses its connection.
func transport() *http.Transport {
	return &http.Transport{
		DialContext:            confine.Dial,
		Proxy:                  func(r *http.Request) (*url.URL, error) { return proxyOf(r.Context()), nil },
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        30 * time.Second,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		TLSHandshakeTimeout:    30 * time.Second,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
	}
}

// unchecked is transport for who says --no-check-certificate.
func unchecked() *http.Transport {
	t := transport()
	t.TLSClientConfig.InsecureSkipVerify = true // the option says so, as busybox's does
	return t
}

type proxyKey struct{}

func proxyOf(ctx context.Context) *url.URL {
	proxy, _ := ctx.Value(proxyKey{}).(*url.URL)
	return proxy
}

// proxyFor reads http_proxy, https_proxy and no_proxy as the environment of the call has them. A loopback address is
// reached without the proxy: it is the pod's own.
func (c *Call) proxyFor(target *url.URL) (*url.URL, error) {
	if local(target.Hostname()) || excepted(target.Hostname(), cmp.Or(c.Getenv("no_proxy"), c.Getenv("NO_PROXY"))) {
		return nil, nil //nolint:nilnil // no proxy and no mistake
	}
	name := target.Scheme + "_proxy"
	text := cmp.Or(c.Getenv(name), c.Getenv(strings.ToUpper(name)))
	if text == "" {
		return nil, nil //nolint:nilnil // no proxy and no mistake
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	proxy, err := url.Parse(text)
	if err != nil || proxy.Host == "" {
		return nil, fmt.Errorf("bad address in %s", name)
	}
	return proxy, nil
}

// unknownName says that a proxy knows nobody of the name that it was asked for (RFC 9209).
func unknownName(answer *http.Response) bool {
	return answer.StatusCode == http.StatusBadGateway && strings.Contains(answer.Header.Get("Proxy-Status"), "dns_error")
}

func local(host string) bool {
	return host == "localhost" || strings.HasPrefix(host, "127.") || host == "::1"
}

func excepted(host, list string) bool {
	for pattern := range strings.SplitSeq(list, ",") {
		pattern = strings.TrimPrefix(strings.TrimSpace(pattern), ".")
		if pattern != "" && (pattern == "*" || host == pattern || strings.HasSuffix(host, "."+pattern)) {
			return true
		}
	}
	return false
}

// wget fetches URLs. Its status is 1 when one of them cannot be had.
func wget(ctx context.Context, c *Call) int {
	o, words, fine := c.options("qcSO:o:P:U:T:t:Y:", "quiet>q", "output-document=>O", "server-response>S", "timeout=>T",
		"tries=>t", "user-agent=>U", "directory-prefix=>P", "proxy=>Y", "header=", "post-data=", "spider", "no-check-certificate")
	if !fine {
		return failure
	}
	if len(words) == 0 {
		return c.fail("give a URL")
	}
	d := download{call: c, o: o, limit: patience}
	if text, given := o.last("T"); given {
		limit, err := period(text)
		if err != nil || limit == 0 {
			return c.fail("invalid number '%s'", text)
		}
		d.limit = limit
	}
	status := ok
	for _, word := range words {
		if err := d.fetch(ctx, word); err != nil {
			if ctx.Err() != nil {
				return failure
			}
			status = c.fail("%v", err)
		}
	}
	return status
}

type download struct {
	call  *Call
	o     options
	limit time.Duration
}

// fetch gets one URL. Its errors are worded as busybox words them.
func (d *download) fetch(ctx context.Context, word string) error {
	if !strings.Contains(word, "://") {
		word = "http://" + word
	}
	target, err := url.Parse(word)
	if err != nil || target.Host == "" || (target.Scheme != "http" && target.Scheme != "https") {
		return fmt.Errorf("not an http or ftp url: %s", word)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, d.limit, errTimeout)
	defer cancel()
	for range hops + 1 {
		next, err := d.hop(ctx, target)
		if next == nil || err != nil {
			if errors.Is(context.Cause(ctx), errTimeout) {
				return errors.New("download timed out")
			}
			return err
		}
		target = next
	}
	return errors.New("too many redirections")
}

// hop asks one server; it gives the next URL when the server says so.
func (d *download) hop(ctx context.Context, target *url.URL) (*url.URL, error) {
	proxy, err := d.call.proxyFor(target)
	if err != nil {
		return nil, err
	}
	request, err := d.request(context.WithValue(ctx, proxyKey{}, proxy), target)
	if err != nil {
		return nil, err
	}
	d.note("Connecting to %s (%s)\n", target.Host, cmp.Or(proxy, target).Host)
	web := d.call.host.web
	if d.o.has("no-check-certificate") {
		web = d.call.host.unchecked
	}
	response, err := web.RoundTrip(request)
	if err != nil {
		return nil, unreachable(err, cmp.Or(proxy, target))
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	d.headers(response)
	switch {
	case proxy != nil && unknownName(response):
		return nil, fmt.Errorf("bad address '%s'", target.Hostname())
	case response.StatusCode >= 300 && response.StatusCode < 400 && response.Header.Get("Location") != "":
		return target.Parse(response.Header.Get("Location"))
	case response.StatusCode >= 400:
		// What little is left is read, so that the connection can be used again.
		_, _ = io.CopyN(io.Discard, response.Body, 64<<10)
		return nil, fmt.Errorf("server returned error: %s %s", response.Proto, response.Status)
	}
	return nil, d.keep(target, response)
}

func (d *download) request(ctx context.Context, target *url.URL) (*http.Request, error) {
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if d.o.has("spider") {
		method = http.MethodHead
	}
	post, posting := d.o.last("post-data")
	if posting {
		method, body = http.MethodPost, bytes.NewReader([]byte(post))
	}
	request, err := http.NewRequestWithContext(ctx, method, target.String(), body)
	if err != nil {
		return nil, err
	}
	agent, _ := d.o.last("U")
	request.Header.Set("User-Agent", cmp.Or(agent, "Wget"))
	if posting {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if user := target.User; user != nil {
		password, _ := user.Password()
		request.SetBasicAuth(user.Username(), password)
	}
	for _, line := range d.o["header"] {
		name, value, found := strings.Cut(line, ":")
		if !found {
			return nil, fmt.Errorf("bad header '%s'", line)
		}
		if name, value = strings.TrimSpace(name), strings.TrimSpace(value); strings.EqualFold(name, "Host") {
			request.Host = value
		}
		request.Header.Set(name, value)
	}
	return request, nil
}

// unreachable words what went wrong before a server answered.
func unreachable(err error, server *url.URL) error {
	var errno syscall.Errno
	switch {
	case errors.Is(err, confine.ErrName):
		return fmt.Errorf("bad address '%s'", server.Hostname())
	case errors.Is(err, confine.ErrOutside):
		return fmt.Errorf("can't connect to remote host (%s): %w", server.Hostname(), confine.ErrOutside)
	case errors.As(err, &errno):
		return fmt.Errorf("can't connect to remote host (%s): %s", server.Hostname(), reason(errno))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("error getting response")
	}
	return err
}

func (d *download) note(format string, args ...any) {
	if !d.o.has("q") {
		fmt.Fprintf(d.call.Stderr, format, args...)
	}
}

func (d *download) headers(response *http.Response) {
	if !d.o.has("S") {
		return
	}
	fmt.Fprintf(d.call.Stderr, "  %s %s\n", response.Proto, response.Status)
	names := make([]string, 0, len(response.Header))
	for name := range response.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, value := range response.Header[name] {
			fmt.Fprintf(d.call.Stderr, "  %s: %s\n", name, value)
		}
	}
	fmt.Fprintln(d.call.Stderr)
}

// keep writes the body where -O says, or to a file named as the URL ends.
func (d *download) keep(target *url.URL, response *http.Response) error {
	if d.o.has("spider") {
		d.note("remote file exists\n")
		return nil
	}
	name, given := d.o.last("O")
	if given && name == "-" {
		_, err := io.Copy(d.call.out, response.Body)
		return err
	}
	flag := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if !given {
		if name = path.Base(target.Path); name == "/" || name == "." {
			name = "index.html"
		}
		folder, _ := d.o.last("P")
		name = path.Join(folder, name)
		flag = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	}
	file, err := d.call.host.Files.OpenFile(d.call.Dir, name, flag, 0o644)
	if err != nil {
		return fmt.Errorf("can't open '%s': %s", name, reason(err))
	}
	d.note("saving to '%s'\n", name)
	n, err := io.Copy(file, response.Body)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	d.note("%-20s 100%% |%s| %5s  0:00:00 ETA\n'%s' saved\n", path.Base(name), strings.Repeat("*", 32), strconv.FormatInt(n, 10), name)
	return nil
}
