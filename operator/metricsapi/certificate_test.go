package metricsapi_test

import (
	"bytes"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/furl-dev/furl/operator/cert"
	"github.com/furl-dev/furl/operator/metricsapi"
)

func TestServer_serves_with_the_certificate_it_is_given(t *testing.T) {
	given, err := cert.NewServing(cert.Names{"furl.furl-system.svc"}, time.Now(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	o := metricsapi.DefaultOptions()
	o.Certificate = given
	if o.Serving.Listener, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Serving.Listener.Close() })
	o.Serving.BindPort = 0
	s, err := metricsapi.New(metricsapi.Config{
		Options: o, Groups: []metricsapi.Group{metricsapi.Metrics(usage(1))}, Authenticator: tokens{}, Authorizer: onlyAlice{},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := given.CurrentCertKeyContent(); !bytes.Equal(want, s.Certificate()) {
		t.Error("it serves with another one")
	}
}
