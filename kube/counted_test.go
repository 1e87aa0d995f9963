package kube_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/furl-dev/furl/kube"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

func TestCounted_counts_answers_and_their_absence(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	r := prometheus.NewRegistry()
	config := &rest.Config{Host: server.URL}
	clients, err := kube.NewClients(kube.Access{Config: kube.Counted(config, r)})
	if err != nil {
		t.Fatal(err)
	}
	if config.WrapTransport != nil {
		t.Error("the configuration that was given was changed")
	}
	ask := func() {
		if _, err := clients.Core.CoreV1().Nodes().Get(t.Context(), "a", metav1.GetOptions{}); err == nil {
			t.Error("there is no such node")
		}
	}
	ask()
	ask()
	server.Close()
	ask()
	host := strings.TrimPrefix(server.URL, "http://")
	want := `
# HELP rest_client_requests_total Requests to the API server by status code (<error>: there was no answer), method and host.
# TYPE rest_client_requests_total counter
rest_client_requests_total{code="404",host="` + host + `",method="GET"} 2
rest_client_requests_total{code="<error>",host="` + host + `",method="GET"} 1
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}
