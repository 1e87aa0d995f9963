package cluster_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
	"github.com/furl-dev/furl/lab/pki"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// names asks for Services from within a pod by all ways of the shell, and copies a file there and back.
func names(t *testing.T, lab *labtest.Lab) {
	t.Helper()
	lab.Apply(web)
	ready(t, lab, "app=web", 2)
	s, err := lab.Client.CoreV1().Services("default").Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	lab.Kubectl("run", "asker", "--image=busybox", "--", "sleep", "1000000")
	ready(t, lab, "run=asker", 1)
	for _, test := range []struct{ script, want string }{
		{"nslookup web", "Address 1: " + s.Spec.ClusterIP},
		{"nslookup nobody", "can't resolve 'nobody': name or service not known"},
		{"wget -qO- http://web:8080", "OK!"},
		{"wget -qO- http://nobody", "wget: bad address 'nobody'"},
		{"nc -zv web 8080", "web (8080) open"},
		{"nc nobody 80", "nc: bad address 'nobody'"},
		{"echo at $WEB_SERVICE_HOST", "at " + s.Spec.ClusterIP},
		{"wget --no-check-certificate -qO- https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/version", "gitVersion"},
	} {
		out := lab.Kubectl("exec", "asker", "--", "sh", "-c", test.script+" 2>&1; true")
		if !strings.Contains(out, test.want) {
			t.Errorf("%s printed %q, want %q in it", test.script, out, test.want)
		}
	}
	there, back := filepath.Join(t.TempDir(), "there"), filepath.Join(t.TempDir(), "back")
	if err := os.WriteFile(there, []byte("carried"), 0o600); err != nil {
		t.Fatal(err)
	}
	lab.Kubectl("cp", there, "asker:/tmp/file")
	lab.Kubectl("cp", "asker:/tmp/file", back)
	if text, err := os.ReadFile(back); err != nil || string(text) != "carried" {
		t.Errorf("kubectl cp brought %q back, %v", text, err)
	}
}

// aggregated registers a server of this test as an API of the lab.
func aggregated(t *testing.T, lab *labtest.Lab) {
	t.Helper()
	own, err := pki.NewAuthority("test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := own.Issue(pki.Leaf{Name: "api", DNS: []string{"api.default.svc"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/apis/test.furl.dev/v1/whoami" {
			_, _ = fmt.Fprintf(w, `{"user": %q, "proxy": %q}`, r.Header.Get("X-Remote-User"), r.TLS.PeerCertificates[0].Subject.CommonName)
			return
		}
		_, _ = w.Write([]byte(`{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"test.furl.dev/v1","resources":[]}`))
	}))
	srv.TLS = tlsFor(t, lab, cert)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	lab.Apply(fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {type: ExternalName, externalName: 127.0.0.1}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.test.furl.dev}
spec:
  {group: test.furl.dev, version: v1, groupPriorityMinimum: 100, versionPriority: 100, caBundle: %s, service: {name: api, namespace: default, port: %d}}
`, base64Text(own.PEM), netip.MustParseAddrPort(srv.Listener.Addr().String()).Port()))
	lab.Kubectl("wait", "--for=condition=Available", "apiservice/v1.test.furl.dev", "--timeout=30s")
	got := lab.Kubectl("get", "--raw", "/apis/test.furl.dev/v1/whoami")
	if want := `{"user": "furl-lab-admin", "proxy": "front-proxy-client"}`; strings.TrimSpace(got) != want {
		t.Errorf("the API was asked as %s, want %s", got, want)
	}
	lab.Kubectl("delete", "apiservice/v1.test.furl.dev")
}
