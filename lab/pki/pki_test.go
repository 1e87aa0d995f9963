package pki_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/pki"
	"github.com/google/go-cmp/cmp"
)

func serve(t *testing.T, pair pki.Pair, clients *x509.CertPool) string {
	t.Helper()
	cert, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.TLS.PeerCertificates[0].Subject.CommonName))
	}))
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients, MinVersion: tls.VersionTLS12}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return "https://127.0.0.1:" + portOf(t, srv.Listener.Addr())
}

func portOf(t *testing.T, a net.Addr) string {
	t.Helper()
	_, port, err := net.SplitHostPort(a.String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func get(t *testing.T, url string, pair pki.Pair, roots *x509.CertPool) error {
	t.Helper()
	cert, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func TestAuthorities(t *testing.T) {
	at := time.Now()
	set, err := pki.Open(t.TempDir(), at)
	if err != nil {
		t.Fatal(err)
	}
	server, err := set.Cluster.Issue(pki.Leaf{Name: "kubelet", IPs: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}, at)
	if err != nil {
		t.Fatal(err)
	}
	url := serve(t, server, set.KubeletClient.Pool())

	t.Run("let_in_whom_the_right_authority_signed", func(t *testing.T) {
		client, err := set.KubeletClient.Issue(pki.Leaf{Name: "kube-apiserver"}, at)
		if err != nil {
			t.Fatal(err)
		}
		if err := get(t, url, client, set.Cluster.Pool()); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("refuse_whom_another_authority_of_the_lab_signed", func(t *testing.T) {
		client, err := set.FrontProxy.Issue(pki.Leaf{Name: "kube-apiserver"}, at)
		if err != nil {
			t.Fatal(err)
		}
		if err := get(t, url, client, set.Cluster.Pool()); err == nil {
			t.Fatal("a certificate of the front proxy opened the kubelet")
		}
	})
	t.Run("refuse_an_address_that_the_leaf_does_not_name", func(t *testing.T) {
		elsewhere, err := set.Cluster.Issue(pki.Leaf{Name: "kubelet", IPs: []netip.Addr{netip.MustParseAddr("127.0.0.9")}}, at)
		if err != nil {
			t.Fatal(err)
		}
		client, err := set.KubeletClient.Issue(pki.Leaf{Name: "kube-apiserver"}, at)
		if err != nil {
			t.Fatal(err)
		}
		if err := get(t, serve(t, elsewhere, set.KubeletClient.Pool()), client, set.Cluster.Pool()); err == nil {
			t.Fatal("a certificate for 127.0.0.9 was accepted on 127.0.0.1")
		}
	})
}

func TestOpen(t *testing.T) {
	t.Run("keeps_what_it_made", func(t *testing.T) {
		dir := t.TempDir()
		first, err := pki.Open(dir, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		key, err := os.ReadFile(filepath.Join(dir, "sa.key"))
		if err != nil {
			t.Fatal(err)
		}
		second, err := pki.Open(dir, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(first.Cluster.PEM), string(second.Cluster.PEM)); diff != "" {
			t.Errorf("the authority changed:\n%s", diff)
		}
		again, err := os.ReadFile(filepath.Join(dir, "sa.key"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(key), string(again)); diff != "" {
			t.Errorf("the key of service accounts changed:\n%s", diff)
		}
	})
	t.Run("hides_keys_from_others", func(t *testing.T) {
		dir := t.TempDir()
		if _, err := pki.Open(dir, time.Now()); err != nil {
			t.Fatal(err)
		}
		keys, err := filepath.Glob(filepath.Join(dir, "*.key"))
		if err != nil || len(keys) != 5 {
			t.Fatalf("found keys %v: %v, want five", keys, err)
		}
		for _, key := range keys {
			info, err := os.Stat(key)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v", filepath.Base(key), info.Mode())
			}
		}
	})
	t.Run("says_how_to_get_out_of_a_broken_file", func(t *testing.T) {
		dir := t.TempDir()
		for _, name := range []string{"ca.crt", "ca.key"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("no PEM"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := pki.Open(dir, time.Now()); err == nil {
			t.Fatal("a broken authority was accepted")
		}
	})
}
