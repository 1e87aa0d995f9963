package webhook_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/operator/cert"
	"github.com/furl-dev/furl/operator/webhook"
	"github.com/furl-dev/furl/operator/webhook/admit"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
)

// serve runs a server with one reviewer and returns how to ask it.
func serve(t *testing.T, c webhook.Certificate, judge func(*admissionv1.AdmissionRequest) (admit.Answer, error)) func(kind, body string) (int, string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := webhook.New(webhook.Config{
		Certificate: c, Meter: webhook.NewMeter(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler),
		Reviewers: []webhook.Reviewer{{Path: "/x", Kind: "X", Judge: func(_ context.Context, r *admissionv1.AdmissionRequest) (admit.Answer, error) {
			return judge(r)
		}}},
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}} // what it is trusted by is tested in cert
	return func(kind, body string) (int, string) {
		t.Helper()
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+l.Addr().String()+"/x", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", kind)
		r, err := client.Do(q)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = r.Body.Close() }()
		text, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, string(text)
	}
}

func own(t *testing.T) *cert.Serving {
	t.Helper()
	c, err := cert.NewServing(nil, time.Now(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const question = `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","operation":"CREATE","object":{}}}`

func TestServer_answers_and_lets_through_what_it_does_not_understand(t *testing.T) {
	answers := map[string]func() (admit.Answer, error){
		"refused": func() (admit.Answer, error) {
			return admit.Answer{Refusals: []admit.Refusal{{Reason: "r", Text: "no"}, {Reason: "s", Text: "never"}}, Warnings: []string{"careful"}}, nil
		},
		"allowed": func() (admit.Answer, error) { return admit.Answer{}, nil },
		"unknown": func() (admit.Answer, error) { return admit.Answer{}, errors.New("nobody knows") },
		"panic":   func() (admit.Answer, error) { panic("oh") },
	}
	ask := serve(t, own(t), func(r *admissionv1.AdmissionRequest) (admit.Answer, error) { return answers[r.Name]() })
	named := func(name string) string { return strings.Replace(question, `"uid"`, `"name":"`+name+`","uid"`, 1) }
	for _, tc := range []struct {
		why, kind, body string
		code            int
		says            string
	}{
		{"a refusal", "application/json", named("refused"), 200, `"allowed":false,"status":{"metadata":{},"status":"Failure","message":"no; never","reason":"Forbidden","code":403},"warnings":["careful"]`},
		{"good", "application/json; charset=utf-8", named("allowed"), 200, `"uid":"u","allowed":true`},
		{"a deletion is let through unseen", "application/json", strings.Replace(named("panic"), "CREATE", "DELETE", 1), 200, `"allowed":true`},
		{"nobody knows", "application/json", named("unknown"), 500, "nobody knows"},
		{"a panic", "application/json", named("panic"), 500, "panic: oh"},
		{"no JSON", "application/json", "?", 400, "review"},
		{"another type", "text/plain", question, 400, "application/json"},
		{"another version", "application/json", strings.Replace(question, "/v1", "/v1beta1", 1), 400, "want admission.k8s.io/v1"},
		{"nothing asked", "application/json", `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`, 400, "without a request"},
		{"too much", "application/json", `{"x":"` + strings.Repeat("x", 9<<20) + `"}`, 400, "too large"},
	} {
		code, text := ask(tc.kind, tc.body)
		if code != tc.code || !strings.Contains(text, tc.says) {
			t.Errorf("%s: %d %.300s, want %d with %s", tc.why, code, text, tc.code, tc.says)
		}
	}
}

func TestServer_takes_a_certificate_that_changes(t *testing.T) {
	dir := t.TempDir()
	files := webhook.Files{Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key")}
	ask := serve(t, files, func(*admissionv1.AdmissionRequest) (admit.Answer, error) { return admit.Answer{}, nil })
	if code, _ := ask("application/json", question); code != 0 {
		t.Errorf("%d without a certificate", code)
	}
	leaf, key := own(t).CurrentCertKeyContent()
	for name, text := range map[string][]byte{files.Cert: leaf, files.Key: key} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, text := ask("application/json", question)
	var r admissionv1.AdmissionReview
	if err := json.NewDecoder(bytes.NewReader([]byte(text))).Decode(&r); err != nil || code != 200 || !r.Response.Allowed {
		t.Errorf("%d %s: %v", code, text, err)
	}
}
