package kube

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/rest"
)

// Counted returns a configuration whose clients count what they ask of the API
// server, under the name that client-go's users know.
func Counted(c *rest.Config, r prometheus.Registerer) *rest.Config {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rest_client_requests_total", Help: "Requests to the API server by status code (<error>: there was no answer), method and host.",
	}, []string{"code", "method", "host"})
	r.MustRegister(requests)
	counted := rest.CopyConfig(c)
	counted.Wrap(func(next http.RoundTripper) http.RoundTripper { return &counter{next: next, requests: requests} })
	return counted
}

// counter counts answers on their way.
type counter struct {
	next     http.RoundTripper
	requests *prometheus.CounterVec
}

// RoundTrip implements http.RoundTripper.
func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.next.RoundTrip(r)
	code := "<error>" // as client-go has it
	if err == nil {
		code = strconv.Itoa(res.StatusCode)
	}
	c.requests.WithLabelValues(code, r.Method, r.URL.Host).Inc()
	return res, err
}
