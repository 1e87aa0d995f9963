package operator

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/operator/cert"
	"github.com/furl-dev/furl/operator/webhook"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestExpiry_tells_when_a_certificate_ends_whoever_renews_it(t *testing.T) {
	begun := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	serving, err := cert.NewServing(served("furl-system", "furl"), begun, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	chain, key := serving.CurrentCertKeyContent()
	files := webhook.Files{Cert: filepath.Join(t.TempDir(), "tls.crt"), Key: filepath.Join(t.TempDir(), "tls.key")}
	for path, text := range map[string][]byte{files.Cert: chain, files.Key: key} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const head = `
# HELP furl_certificate_expiry_timestamp_seconds When the certificate ends that is served with, by what it serves (apis, webhooks).
# TYPE furl_certificate_expiry_timestamp_seconds gauge
`
	ends := `{serves="apis"} 1.7801424e+09` // 90 days after
	for why, c := range map[string]struct {
		of   webhook.Certificate
		want string
	}{
		"Furl's own":                 {serving, head + "furl_certificate_expiry_timestamp_seconds" + ends + "\n"},
		"cert-manager's":             {files, head + "furl_certificate_expiry_timestamp_seconds" + ends + "\n"},
		"files that are not there":   {webhook.Files{Cert: files.Cert + "x", Key: files.Key}, ""},
		"files that are none at all": {webhook.Files{Cert: "expiry.go", Key: files.Key}, ""},
	} {
		if err := testutil.CollectAndCompare(newExpiry(map[string]webhook.Certificate{"apis": c.of}), strings.NewReader(c.want), "furl_certificate_expiry_timestamp_seconds"); err != nil {
			t.Errorf("%s: %v", why, err)
		}
	}
}
