package webauth

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/triggertest"
)

// pair is a certificate of a client that signs itself, and its key.
func pair(t *testing.T) (cert, key string, parsed *x509.Certificate) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "furl"}, NotBefore: triggertest.Noon().AddDate(-1, 0, 0),
		NotAfter: triggertest.Noon().AddDate(50, 0, 0), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return encode("CERTIFICATE", der), encode("EC PRIVATE KEY", text), parsed
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func env() trigger.Env {
	return trigger.Env{HTTP: &http.Client{Transport: &http.Transport{}}, Now: triggertest.Noon}
}

func TestGet_shows_the_clients_certificate(t *testing.T) {
	cert, key, parsed := pair(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := r.BasicAuth()
		_, _ = w.Write([]byte(r.TLS.PeerCertificates[0].Subject.CommonName + " " + user))
	}))
	known := x509.NewCertPool()
	known.AddCert(parsed)
	server.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: known} // of a test
	server.StartTLS()
	t.Cleanup(server.Close)
	settings := Settings{
		Modes: []string{"tls", "basic"}, Username: "me", Cert: cert, Key: key,
		CA: encode("CERTIFICATE", server.Certificate().Raw),
	}
	account, err := New().Open(env(), settings, Options{Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = account.Close() })
	answer, err := account.Get(t.Context(), server.URL)
	if err != nil || string(answer.Body) != "furl me" {
		t.Errorf("%q, %v, want the certificate's name and the user", answer.Body, err)
	}
}

func TestOpen_shares_a_connection_between_those_who_prove_themselves_alike(t *testing.T) {
	cert, key, _ := pair(t)
	mine := Settings{Modes: []string{"tls", "bearer"}, Cert: cert, Key: key, Token: "a"}
	clients := New()
	all := []Settings{mine, {Modes: []string{"tls"}, Cert: cert, Key: key}, {}}
	accounts := make([]*Account, 0, len(all))
	for _, s := range all {
		account, err := clients.Open(env(), s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		accounts = append(accounts, account)
	}
	if n := clients.pool.Len(); n != 2 {
		t.Errorf("%d connections, want one with the certificate and one without", n)
	}
	for _, a := range accounts {
		for range 2 {
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if n := clients.pool.Len(); n != 0 {
		t.Errorf("%d connections are left when all are closed", n)
	}
}

func TestOpen_refuses_what_is_no_certificate(t *testing.T) {
	cert, _, _ := pair(t)
	_, strange, _ := pair(t)
	for _, s := range []Settings{
		{CA: "secret words"},
		{Modes: []string{"tls"}, Cert: "cert", Key: "secret words"},
		{Modes: []string{"tls"}, Cert: cert, Key: strange},
	} {
		_, err := New().Open(env(), s, Options{})
		if err == nil || !strings.Contains(err.Error(), "PEM") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v, want an error that says PEM and no secret", err)
		}
	}
}

func TestGet_refuses_a_header_that_would_be_two(t *testing.T) {
	const split = "secret\r\nX-Other: 1"
	account, err := New().Open(env(), Settings{Modes: []string{"custom"}, Header: "X-Auth", HeaderValue: split}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := account.Get(t.Context(), "http://127.0.0.1:1"); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "X-Auth") {
		t.Errorf("%v, want an error that names the header and not its value", err)
	}
}

func TestComplete_misses_what_a_mode_needs(t *testing.T) {
	for _, tc := range []struct {
		settings Settings
		misses   string
	}{
		{Settings{Modes: []string{"bearer"}}, "bearerToken"},
		{Settings{Modes: []string{"basic"}, Password: "p"}, "username"},
		{Settings{Modes: []string{"tls"}, Cert: "c", CA: "a"}, "key"},
		{Settings{Modes: []string{"oauth"}, OAuthURL: "u"}, "clientID"},
		{Settings{Modes: []string{"custom"}, Header: "h"}, "customAuthValue"},
		{Settings{Modes: []string{"apiKey"}}, "apiKey"},
		{Settings{Modes: []string{"basic"}, Username: "u"}, ""},
		{Settings{Cert: "c"}, ""},
	} {
		err := tc.settings.Complete()
		if tc.misses == "" && err != nil || tc.misses != "" && (err == nil || !strings.Contains(err.Error(), tc.misses)) {
			t.Errorf("%v: %v, want it to miss %q", tc.settings.Modes, err, tc.misses)
		}
	}
}

func TestCheckURL_names_the_setting_and_not_its_value(t *testing.T) {
	for _, bad := range []string{"prometheus:9090", "http://", "ftp://host", "http://secret:word@h ost/", "/path", ""} {
		if err := CheckURL("serverAddress", bad); err == nil || !strings.Contains(err.Error(), "serverAddress") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want an error that names serverAddress", bad, err)
		}
	}
	if err := CheckURL("serverAddress", "https://user:secret@prometheus.monitoring:9090/prefix"); err != nil {
		t.Error(err)
	}
}
