package web_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/web"
	"github.com/google/go-cmp/cmp"
)

func noon() time.Time { return time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC) }

func serve(t *testing.T, h http.HandlerFunc) (string, web.Client) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL, web.New(s.Client(), noon)
}

func TestGet_gives_the_whole_answer(t *testing.T) {
	url, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, r.Header.Get("X-Key")+r.URL.RawQuery)
	})
	got, err := c.Get(t.Context(), url+"?a=1", func(r *http.Request) error {
		r.Header.Set("X-Key", "k")
		return nil
	})
	if err != nil || string(got.Body) != "ka=1" || got.Status != http.StatusAccepted {
		t.Errorf("got %d %q, %v", got.Status, got.Body, err)
	}
}

func TestGet_tells_no_secret_of_the_url(t *testing.T) {
	url, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, r.RequestURI)
	})
	host := strings.TrimPrefix(url, "http://")
	for _, tc := range []struct{ why, url string }{
		{"a status", "http://user:s3cret@" + host + "/p?key=s3cret"},
		{"nobody answers", "http://user:s3cret@127.0.0.1:1/p?key=s3cret"},
		{"no URL", "http://user:s3cret@%zz/"},
		{"a control character", "http://user:s3cret@host/\x7f"},
		{"another scheme", "s3cret://host/"},
		{"no host", "/s3cret"},
	} {
		_, err := c.Get(t.Context(), tc.url, nil)
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, want an error without the secret", tc.why, err)
		}
	}
}

func TestGet_keeps_redirects_to_the_host(t *testing.T) {
	url, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/home":
			_, _ = io.WriteString(w, "home")
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/away":
			http.Redirect(w, r, "http://127.0.0.2:1/home", http.StatusFound)
		default:
			http.Redirect(w, r, "/home", http.StatusMovedPermanently)
		}
	})
	if got, err := c.Get(t.Context(), url+"/start", nil); err != nil || string(got.Body) != "home" {
		t.Errorf("within the host: %q, %v", got.Body, err)
	}
	for _, path := range []string{"/loop", "/away"} {
		if _, err := c.Get(t.Context(), url+path, nil); err == nil || !strings.Contains(err.Error(), "GET "+url) {
			t.Errorf("%s: got %v, want an error that names the request", path, err)
		}
	}
}

func TestAsk_bounds_the_answer(t *testing.T) {
	url, c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 11)) })
	if _, err := c.Within(11).Get(t.Context(), url, nil); err != nil {
		t.Errorf("11 bytes of 11: %v", err)
	}
	if _, err := c.Within(10).Get(t.Context(), url, nil); err == nil {
		t.Error("11 bytes of 10 were taken")
	}
}

func TestAsk_says_when_to_come_back(t *testing.T) {
	for _, tc := range []struct {
		why, header string
		after       time.Duration
		asks        bool
	}{
		{"seconds", "120", 2 * time.Minute, true},
		{"a date", "Mon, 02 Mar 2026 12:00:30 GMT", 30 * time.Second, true},
		{"a date that is over", "Mon, 02 Mar 2026 11:00:00 GMT", 0, true},
		{"nothing", "", 0, false},
		{"neither", "soon", 0, false},
		{"less than nothing", "-5", 0, false},
	} {
		url, c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", tc.header)
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "busy")
		})
		_, err := c.Get(t.Context(), url, nil)
		if after, ok := trigger.RetryAfter(err); after != tc.after || ok != tc.asks {
			t.Errorf("%s: come back in %s, %v; want %s, %v", tc.why, after, ok, tc.after, tc.asks)
		}
		got, _ := errors.AsType[*web.StatusError](err)
		want := &web.StatusError{Request: "GET " + url, Status: http.StatusServiceUnavailable, Body: []byte("busy")}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", tc.why, diff)
		}
	}
}
