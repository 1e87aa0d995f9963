package web

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/furl-dev/furl/trigger"
)

// StatusError is an answer that is no success.
type StatusError struct {
	Request string // as [Name] names it
	Status  int
	// Body is the beginning of the answer. It is not in the error's text, for a
	// server may repeat what it was sent.
	Body []byte
}

// shown bounds [StatusError.Body].
const shown = 4 << 10

func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s: the server answers %d %s", e.Request, e.Status, http.StatusText(e.Status))
	switch e.Status {
	case http.StatusUnauthorized:
		return text + ": it does not know who asks, look at the authentication"
	case http.StatusForbidden:
		return text + ": who asks may not, look at the rights of the authentication"
	case http.StatusNotFound:
		return text + ": look at the address"
	}
	return text
}

// refusal reads an answer that is no success.
func (c Client) refusal(r *http.Request, response *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(response.Body, min(shown, c.bytes))) // the status says enough
	e := &StatusError{Request: Name(r), Status: response.StatusCode, Body: body}
	if after, ok := retryAfter(response.Header.Get("Retry-After"), c.now()); ok {
		return &trigger.Throttled{After: after, Err: e}
	}
	return e
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3).
func retryAfter(text string, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	return max(0, at.Sub(now)), true
}
