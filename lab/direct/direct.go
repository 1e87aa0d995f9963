// Package direct asks an HTTP handler without a network, so that a test of client and server runs in virtual time.
package direct

import (
	"net/http"
	"net/http/httptest"
)

// Transport is an http.RoundTripper that calls Handler. As over a network, a request whose context ends fails even if
// the handler has answered by then; the handler sees the end of the context as that of the connection.
type Transport struct{ Handler http.Handler }

// RoundTrip implements http.RoundTripper. It returns when the handler has.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	asked := r.Clone(r.Context())
	if asked.Body == nil {
		asked.Body = http.NoBody
	}
	if asked.Host == "" {
		asked.Host = asked.URL.Host
	}
	t.Handler.ServeHTTP(answer, asked)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	response := answer.Result()
	response.Request = r
	return response, nil
}

// Client gives an HTTP client that calls a handler.
func Client(h http.Handler) *http.Client { return &http.Client{Transport: Transport{h}} }
