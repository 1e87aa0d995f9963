package applet

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/shell/confine"
	"github.com/google/go-cmp/cmp"
)

// bench runs commands over a fresh folder.
type bench struct {
	*Host
	folder    string
	env       []string
	out, errs bytes.Buffer
}

func newBench(t *testing.T, env ...string) *bench {
	t.Helper()
	b := &bench{folder: t.TempDir(), env: env}
	files, err := confine.OpenFiles(b.folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	b.Host = NewHost(files, time.Now)
	return b
}

func (b *bench) do(ctx context.Context, words ...string) int {
	run, found := b.Find(words[0])
	if !found {
		return NotFound
	}
	b.out.Reset()
	b.errs.Reset()
	return b.Do(ctx, run, Call{
		Name: words[0], Args: words[1:], Dir: "/", Getenv: lookup(b.env), Environ: func() []string { return b.env }, Stdout: &b.out, Stderr: &b.errs,
	})
}

// site is a web server with a page of each kind.
func site(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Kind", "page")
		fmt.Fprintf(w, "%s %s %s", r.Method, r.Host, r.Header.Get("X-Own"))
	})
	mux.HandleFunc("/post", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprint(w, r.Method, " ", string(body), " ", err)
	})
	mux.Handle("/moved", http.RedirectHandler("/page", http.StatusFound))
	mux.Handle("/round", http.RedirectHandler("/round", http.StatusFound))
	mux.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestWget(t *testing.T) {
	s := site(t)
	host := strings.TrimPrefix(s.URL, "http://")
	tests := []struct {
		why    string
		words  []string
		status int
		out    string
		errs   string
	}{
		{"a page", []string{"-q", "-O-", s.URL + "/page"}, 0, "GET " + host + " ", ""},
		{"joined letters", []string{"-qO-", s.URL + "/page"}, 0, "GET " + host + " ", ""},
		{"without a scheme", []string{"-qO-", host + "/page"}, 0, "GET " + host + " ", ""},
		{"not quiet", []string{"-O-", s.URL + "/page"}, 0, "GET " + host + " ", "Connecting to " + host + " (" + host + ")\n"},
		{"headers", []string{"-qO-", "--header", "X-Own: mine", "--header=Host: other", s.URL + "/page"}, 0, "GET other mine", ""},
		{"a body", []string{"-qO-", "--post-data=a=1", s.URL + "/post"}, 0, "POST a=1 <nil>", ""},
		{"a redirection", []string{"-qO-", s.URL + "/moved"}, 0, "GET " + host + " ", ""},
		{"for ever", []string{"-qO-", s.URL + "/round"}, 1, "", "wget: too many redirections\n"},
		{"no such page", []string{"-qO-", s.URL + "/none"}, 1, "", "wget: server returned error: HTTP/1.1 404 Not Found\n"},
		{"too slow", []string{"-qO-", "-T", "0.05", s.URL + "/slow"}, 1, "", "wget: download timed out\n"},
		{"nobody listens", []string{"-qO-", "http://127.0.0.1:1/"}, 1, "", "wget: can't connect to remote host (127.0.0.1): Connection refused\n"},
		{"only whether it is there", []string{"--spider", "-q", s.URL + "/page"}, 0, "", ""},
		{"or not", []string{"--spider", "-q", s.URL + "/none"}, 1, "", "wget: server returned error: HTTP/1.1 404 Not Found\n"},
		{"an option that it does not have", []string{"--what", s.URL}, 1, "", "wget: unrecognized option: what\n"},
	}
	for _, test := range tests {
		b := newBench(t)
		status := b.do(t.Context(), append([]string{"wget"}, test.words...)...)
		if status != test.status || b.out.String() != test.out || b.errs.String() != test.errs {
			t.Errorf("%s: status %d, want %d\nout %q, want %q\nerr %q, want %q", test.why, status, test.status, b.out.String(), test.out, b.errs.String(), test.errs)
		}
	}
}

func TestWget_shows_the_server_s_headers(t *testing.T) {
	b := newBench(t)
	if status := b.do(t.Context(), "wget", "-qSO-", site(t).URL+"/page"); status != 0 || !strings.Contains(b.errs.String(), "  HTTP/1.1 200 OK\n") || !strings.Contains(b.errs.String(), "  X-Kind: page\n") {
		t.Errorf("status %d, %q", status, b.errs.String())
	}
}

func TestWget_saves_what_it_fetched(t *testing.T) {
	s, b := site(t), newBench(t)
	for _, words := range [][]string{{"wget", s.URL + "/page"}, {"wget", "-q", "-O", "own", s.URL + "/page"}} {
		if status := b.do(t.Context(), words...); status != 0 {
			t.Errorf("%q: status %d, %s", words, status, b.errs.String())
		}
	}
	for _, name := range []string{"page", "own"} {
		if text, err := os.ReadFile(filepath.Join(b.folder, name)); err != nil || !strings.HasPrefix(string(text), "GET ") {
			t.Errorf("%s holds %q, %v", name, text, err)
		}
	}
	if status := b.do(t.Context(), "wget", "-q", s.URL+"/page"); status != 1 || b.errs.String() != "wget: can't open 'page': File exists\n" {
		t.Errorf("a file that was there: status %d, %q", status, b.errs.String())
	}
}

// proxy is a forward proxy that knows php-apache and tells what it was asked.
func proxy(t *testing.T) (env string, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch {
		case r.Method == http.MethodConnect && r.Host == "php-apache:80":
			w.WriteHeader(http.StatusOK)
		case r.URL.Path == "/resolve":
			w.Header().Set("Furl-Resolver", "1")
			if r.URL.Query().Get("name") != "php-apache" {
				http.NotFound(w, r)
				return
			}
			fmt.Fprintln(w, "127.96.0.7")
		case r.URL.Host == "php-apache":
			fmt.Fprint(w, "OK! ", r.URL)
		default:
			w.Header().Set("Proxy-Status", "lab; error=dns_error")
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	t.Cleanup(s.Close)
	return "http_proxy=" + s.URL, asked
}

func TestWget_asks_the_proxy_for_names(t *testing.T) {
	s := site(t)
	env, asked := proxy(t)
	b := newBench(t, env, "no_proxy=.cluster.local,direct")
	if status := b.do(t.Context(), "wget", "-qO-", "http://php-apache/x"); status != 0 || b.out.String() != "OK! http://php-apache/x" {
		t.Errorf("a name: status %d, %q %q", status, b.out.String(), b.errs.String())
	}
	if status := b.do(t.Context(), "wget", "-qO-", "http://nobody/x"); status != 1 || b.errs.String() != "wget: bad address 'nobody'\n" {
		t.Errorf("a name that the proxy does not know: status %d, %q", status, b.errs.String())
	}
	before := asked.Load()
	if status := b.do(t.Context(), "wget", "-qO-", s.URL+"/page"); status != 0 || asked.Load() != before {
		t.Errorf("the pod's own server was reached by the proxy: status %d", status)
	}
	for _, name := range []string{"a.cluster.local", "direct"} {
		if status := b.do(t.Context(), "wget", "-qO-", "http://"+name); status != 1 || asked.Load() != before {
			t.Errorf("%s, which no_proxy excepts, was asked of the proxy: status %d", name, status)
		}
	}
}

func TestNames_are_the_proxy_s_to_answer(t *testing.T) {
	env, _ := proxy(t)
	b := newBench(t, env)
	tests := []struct {
		words  []string
		status int
		told   string
	}{
		{[]string{"nslookup", "php-apache"}, 0, "Name:      php-apache\nAddress 1: 127.96.0.7\n"},
		{[]string{"nslookup", "nobody"}, 1, "nslookup: can't resolve 'nobody': name or service not known\n"},
		{[]string{"nc", "-z", "php-apache", "80"}, 0, ""},
		{[]string{"nc", "-zv", "php-apache", "80"}, 0, "php-apache (80) open\n"},
		{[]string{"nc", "-zv", "php-apache", "81"}, 1, "nc: bad address 'php-apache'\n"},
		{[]string{"nc", "-l", "-p", "80"}, 1, "nc: listening (-l) is not to be had in this shell\n"},
	}
	for _, test := range tests {
		status := b.do(t.Context(), test.words...)
		if told := b.out.String() + b.errs.String(); status != test.status || !strings.HasSuffix(told, test.told) {
			t.Errorf("%q: status %d, want %d; told %q, want %q", test.words, status, test.status, told, test.told)
		}
	}
}

func TestNetcat_passes_bytes_on(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // it served once
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		text, _ := io.ReadAll(conn)
		_, _ = conn.Write(bytes.ToUpper(text))
		_ = conn.Close()
	}()
	in, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := feed.WriteString("hello"); err != nil {
		t.Fatal(err)
	}
	_ = feed.Close()
	at, err := url.Parse("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	run, _ := b.Find("nc")
	status := b.Do(t.Context(), run, Call{Name: "nc", Args: []string{"127.0.0.1", at.Port()}, Stdin: in, Stdout: &b.out, Stderr: &b.errs, Getenv: lookup(nil)})
	if status != 0 || b.out.String() != "HELLO" {
		t.Errorf("status %d, %q %q", status, b.out.String(), b.errs.String())
	}
}

func TestWget_checks_certificates_unless_told_otherwise(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "OK!") }))
	defer s.Close()
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	b := newBench(t)
	if status := b.do(t.Context(), "wget", "-qO-", s.URL); status != 1 || !strings.Contains(b.errs.String(), "certificate") {
		t.Errorf("status %d, %q", status, b.errs.String())
	}
	if status := b.do(t.Context(), "wget", "--no-check-certificate", "-qO-", s.URL); status != 0 || b.out.String() != "OK!" {
		t.Errorf("status %d, %q %q", status, b.out.String(), b.errs.String())
	}
}

func TestWget_uses_a_connection_again(t *testing.T) {
	var conns atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "OK!") }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	b := newBench(t)
	for range 20 {
		if status := b.do(t.Context(), "wget", "-q", "-O-", s.URL); status != 0 {
			t.Fatal(status, b.errs.String())
		}
	}
	if got := conns.Load(); got != 1 {
		t.Errorf("20 requests took %d connections, want 1", got)
	}
}

func TestOptions(t *testing.T) {
	tests := []struct {
		why   string
		spec  string
		args  []string
		want  options
		words []string
		fine  bool
	}{
		{"letters and values", "ab:c", []string{"-ac", "-b1", "x", "-b", "2", "y"}, options{"a": {""}, "c": {""}, "b": {"1", "2"}}, []string{"x", "y"}, true},
		{"to the first word", "+a", []string{"-a", "x", "-b"}, options{"a": {""}}, []string{"x", "-b"}, true},
		{"to the double dash", "a", []string{"--", "-a"}, options{}, []string{"-a"}, true},
		{"long names", "a", []string{"--all", "--size=3", "--size", "4"}, options{"a": {""}, "size": {"3", "4"}}, nil, true},
		{"a value that may be missing", "I::", []string{"-I", "-Iseconds"}, options{"I": {"", "seconds"}}, nil, true},
		{"an unknown letter", "a", []string{"-x"}, options{}, nil, false},
		{"a missing value", "a:", []string{"-a"}, options{}, nil, false},
		{"a value too many", "a", []string{"--all=1"}, options{}, nil, false},
	}
	for _, test := range tests {
		var errs bytes.Buffer
		b := newBench(t)
		var got options
		var words []string
		var fine bool
		b.Do(t.Context(), func(_ context.Context, c *Call) int {
			got, words, fine = c.options(test.spec, "all>a", "size=")
			return ok
		}, Call{Name: "x", Args: test.args, Stdout: io.Discard, Stderr: &errs})
		if fine != test.fine || fine == (errs.Len() > 0) {
			t.Errorf("%s: fine %v, told %q", test.why, fine, errs.String())
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" && fine {
			t.Errorf("%s: -want +got\n%s", test.why, diff)
		}
		if diff := cmp.Diff(test.words, words); diff != "" && fine {
			t.Errorf("%s: words -want +got\n%s", test.why, diff)
		}
	}
}
