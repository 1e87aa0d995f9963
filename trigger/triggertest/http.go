package triggertest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
)

// overHTTP meets servers that do not answer as they should.
func (s Suite) overHTTP(t *testing.T, w *watch) {
	for name, answer := range map[string]http.HandlerFunc{
		"status_500":  func(rw http.ResponseWriter, r *http.Request) { echo(rw, r, http.StatusInternalServerError) },
		"status_401":  func(rw http.ResponseWriter, r *http.Request) { echo(rw, r, http.StatusUnauthorized) },
		"status_404":  func(rw http.ResponseWriter, r *http.Request) { echo(rw, r, http.StatusNotFound) },
		"garbage":     func(rw http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(rw, "\x00\xff{]<") },
		"nothing":     func(http.ResponseWriter, *http.Request) {},
		"breaks_off":  breakOff,
		"echo_as_200": func(rw http.ResponseWriter, r *http.Request) { echo(rw, r, http.StatusOK) },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answer)
			defer server.Close()
			_ = s.fails(t, w, server.URL)
		})
	}
	t.Run("oversize", func(t *testing.T) { s.oversize(t, w) })
	t.Run("throttled", func(t *testing.T) { s.throttled(t, w) })
	t.Run("redirect_to_a_stranger", func(t *testing.T) { s.stranger(t, w) })
	t.Run("cancel", func(t *testing.T) {
		url, arrived := hangingHTTP(t)
		s.cancels(t, w, url, arrived)
	})
}

// echo answers with the question: what a source then quotes may be a secret.
func echo(w http.ResponseWriter, r *http.Request, status int) {
	text, err := httputil.DumpRequest(r, true)
	if err != nil {
		text = []byte(err.Error())
	}
	w.WriteHeader(status)
	_, _ = w.Write(text) //nolint:gosec // no browser looks at it; the client may have gone
}

// breakOff promises more than it sends.
func breakOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, "{") // the client may have gone
}

// most is what a source may take from a server that does not stop.
const most = 64 << 20

// oversize sends blanks, which no parser stumbles over, for as long as they are taken.
func (s Suite) oversize(t *testing.T, w *watch) {
	var mu sync.Mutex // guards taken
	taken := 0
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		blanks := []byte(strings.Repeat(" ", 64<<10))
		for sent := 0; sent < 2*most; sent += len(blanks) {
			if _, err := rw.Write(blanks); err != nil {
				return
			}
			mu.Lock()
			taken += len(blanks)
			mu.Unlock()
		}
	}))
	defer server.Close()
	_ = s.fails(t, w, server.URL)
	mu.Lock()
	defer mu.Unlock()
	if taken > most {
		t.Errorf("took %d bytes of an answer that does not end, want at most %d", taken, most)
	}
}

// throttled asks for patience, and wants the error to carry for how long.
func (s Suite) throttled(t *testing.T, w *watch) {
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Retry-After", "7")
		echo(rw, r, http.StatusTooManyRequests)
	}))
	defer server.Close()
	err := s.fails(t, w, server.URL)
	if after, ok := trigger.RetryAfter(err); !ok || after != 7*time.Second {
		t.Errorf("RetryAfter of %v is %s, %v; want 7s", err, after, ok)
	}
}

// stranger is sent the question by a redirect; it may see nothing secret of it.
func (s Suite) stranger(t *testing.T, w *watch) {
	seen := &watch{}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		text, err := httputil.DumpRequest(r, true)
		seen.note(errors.Join(err, errors.New(string(text))))
		s.Good.ServeHTTP(rw, r)
	}))
	defer elsewhere.Close()
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				http.Redirect(rw, r, elsewhere.URL+r.URL.RequestURI(), status) //nolint:gosec // that is the test
			}))
			defer server.Close()
			_ = s.fails(t, w, server.URL)
		})
	}
	if form := leak(seen.said.String(), s.Secrets); form != "" {
		t.Errorf("a stranger was sent the secret %s", form)
	}
}

// hangingHTTP takes questions and does not answer.
func hangingHTTP(t *testing.T) (url string, arrived <-chan struct{}) {
	t.Helper()
	came := make(chan struct{}, 100)
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		came <- struct{}{}
		select {
		case <-r.Context().Done():
		case <-over:
		}
	}))
	t.Cleanup(func() {
		close(over)
		server.Close()
	})
	return server.URL, came
}
