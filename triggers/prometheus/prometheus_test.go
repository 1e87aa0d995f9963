package prometheus

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/evidence"
	"github.com/furl-dev/furl/trigger/triggertest"
	"github.com/google/go-cmp/cmp"
)

const secret = "s3cret-of+the/test"

// vector is the answer of one series.
func vector(value string) string {
	return `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"a"},"value":[1772452800.123,` + value + `]}]}}`
}

func result(kind, text string) string {
	return `{"status":"success","data":{"resultType":"` + kind + `","result":` + text + `}}`
}

// guarded answers who has the token.
var guarded = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+secret || r.URL.Path != "/api/v1/query" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, _ = io.WriteString(w, vector(`"42"`))
})

func input(url string) trigger.Input {
	return trigger.Input{
		Metadata: map[string]string{"serverAddress": url, "query": "sum(rate(http_requests_total[2m]))", "threshold": "100", "authModes": "bearer"},
		Auth:     map[string]string{"bearerToken": secret},
	}
}

func TestSource_keeps_what_every_trigger_promises(t *testing.T) {
	triggertest.Run(t, triggertest.Suite{
		Kind: Kind(), Input: input, Good: guarded, Want: 42, Secrets: []string{secret}, Evidence: evidence.Recorded,
		Bad: []triggertest.Bad{
			{Why: "a parameter without a value", Change: map[string]string{"queryParameters": "a=b,c"}, Says: "queryParameters"},
			{Why: "two ways at a time", Change: map[string]string{"authModes": "bearer,basic"}, Says: "authModes"},
			{Why: "a mode without its part", Change: map[string]string{"authModes": "oauth"}, Says: "oauthTokenURI"},
		},
	})
}

// opened opens a source of changed settings that closes with the test.
func opened(t *testing.T, address string, change func(*trigger.Input)) (trigger.Source, error) {
	t.Helper()
	in := trigger.Input{Metadata: map[string]string{"serverAddress": address, "query": "up", "threshold": "100"}, Auth: map[string]string{}}
	change(&in)
	c, err := Kind().Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	s, err := c.Open(t.Context(), trigger.Env{HTTP: &http.Client{Transport: transport}, Now: triggertest.Noon})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		transport.CloseIdleConnections()
	})
	return s, nil
}

func read(t *testing.T, address string, change func(*trigger.Input)) (trigger.Sample, error) {
	t.Helper()
	s, err := opened(t, address, change)
	if err != nil {
		t.Fatal(err)
	}
	return s.Read(t.Context())
}

func serve(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(answer))
	t.Cleanup(server.Close)
	return server.URL
}

func says(t *testing.T, status int, text string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	})
}

func TestRead_asks_what_the_settings_say(t *testing.T) {
	var got url.Values
	var header http.Header
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got, header = r.URL.Query(), r.Header
		_, _ = io.WriteString(w, vector(`"3.5"`))
	})
	sample, err := read(t, address+"/prom/", func(in *trigger.Input) {
		in.Metadata["query"], in.Metadata["namespace"] = `sum(x{a="b & c"})`, "shop"
		in.Metadata["queryParameters"], in.Metadata["customHeaders"] = "dedup=true, k=v w", "X-Tenant=t1,X-Id=7"
	})
	if diff := cmp.Diff(trigger.Sample{At: triggertest.Noon(), Value: 3.5}, sample); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	want := url.Values{
		"query": {`sum(x{a="b & c"})`}, "time": {"2026-03-02T12:00:00Z"}, "namespace": {"shop"}, "dedup": {"true"}, "k": {"v w"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the parameters (-want +got)\n%s", diff)
	}
	if header.Get("X-Tenant") != "t1" || header.Get("X-Id") != "7" {
		t.Errorf("headers %v, want the two of customHeaders", header)
	}
}

func TestRead_takes_the_one_value_of_an_answer(t *testing.T) {
	for _, tc := range []struct {
		why, answer string
		want        float64
		empty, bad  bool // without a value: 0 or an error, as the user says; an error in any case
	}{
		{why: "one series", answer: vector(`"7.5"`), want: 7.5},
		{why: "an exponent", answer: vector(`"1e3"`), want: 1000},
		{why: "a scalar", answer: result("scalar", `[1,"9"]`), want: 9},
		{why: "a server that leaves the type out", answer: `{"data":{"result":[{"value":[1,"2"]}]}}`, want: 2},
		{why: "nothing matches", answer: result("vector", `[]`), empty: true},
		{why: "no point", answer: result("vector", `[{"value":[]}]`), empty: true},
		{why: "null", answer: vector(`null`), empty: true},
		{why: "0/0", answer: vector(`"NaN"`), empty: true},
		{why: "1/0", answer: vector(`"+Inf"`), empty: true},
		{why: "two series", answer: result("vector", `[{"value":[1,"2"]},{"value":[1,"3"]}]`), bad: true},
		{why: "an instant without a value", answer: result("vector", `[{"value":[1]}]`), bad: true},
		{why: "a value without quotes", answer: vector(`2`), bad: true},
		{why: "a text", answer: vector(`"many"`), bad: true},
		{why: "a range", answer: result("matrix", `[{"values":[[1,"2"]]}]`), bad: true},
		{why: "an error with 200", answer: `{"status":"error","errorType":"timeout","error":"query timed out"}`, bad: true},
	} {
		address := says(t, http.StatusOK, tc.answer)
		for _, ignore := range []bool{true, false} {
			got, err := read(t, address, func(in *trigger.Input) { in.Metadata["ignoreNullValues"] = fmt.Sprint(ignore) })
			if wantErr := tc.bad || tc.empty && !ignore; (err != nil) != wantErr || got.Value != tc.want {
				t.Errorf("%s, ignoreNullValues %v: %v, %v, want %v, an error: %v", tc.why, ignore, got.Value, err, tc.want, wantErr)
			}
		}
	}
}

func TestRead_repeats_what_the_server_has_against_the_query(t *testing.T) {
	address := says(t, http.StatusBadRequest, `{"status":"error","errorType":"bad_data","error":"1:5: parse error: unexpected end of input"}`)
	_, err := read(t, address, func(*trigger.Input) {})
	if err == nil || !strings.Contains(err.Error(), "unexpected end of input") || !strings.Contains(err.Error(), "query") {
		t.Errorf("error %v, want the server's reason and the setting", err)
	}
}

func TestRead_gets_a_token_once_and_a_new_one_after_a_refusal(t *testing.T) {
	asked, withdrawn := 0, false
	tokens := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		id, password, _ := r.BasicAuth()
		password, _ = url.QueryUnescape(password) // RFC 6749, 2.3.1
		if err := r.ParseForm(); err != nil || id != "me" || password != secret || r.Form.Get("scope") != "read write" || r.Form.Get("aud") != "x" {
			t.Errorf("token asked by %q with %v", id, r.Form)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": fmt.Sprint("token", asked), "token_type": "Bearer", "expires_in": 3600})
	})
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if withdrawn && r.Header.Get("Authorization") == "Bearer token1" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer token") {
			t.Errorf("asked with %q", r.Header.Get("Authorization"))
		}
		_, _ = io.WriteString(w, vector(`"1"`))
	})
	s, err := opened(t, address, func(in *trigger.Input) {
		in.Metadata["authModes"] = "oauth"
		in.Auth = map[string]string{
			"oauthTokenURI": tokens, "clientID": "me", "clientSecret": secret, "scopes": "read, ,write", "endpointParams": "aud=x",
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := s.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	withdrawn = true
	if _, err := s.Read(t.Context()); err == nil {
		t.Error("read with a token that was withdrawn")
	}
	if _, err := s.Read(t.Context()); err != nil || asked != 2 {
		t.Errorf("after the refusal: %v with %d tokens, want a second one", err, asked)
	}
}

func TestRead_names_no_secret_where_there_is_no_token(t *testing.T) {
	tokens := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"`+secret+` is wrong"}`)
	})
	_, err := read(t, "http://127.0.0.1:1", func(in *trigger.Input) {
		in.Metadata["authModes"] = "oauth"
		in.Auth = map[string]string{"oauthTokenURI": tokens + "/?k=" + secret, "clientID": "me", "clientSecret": secret}
	})
	if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "invalid_client") {
		t.Errorf("error %v, want the code and no secret", err)
	}
}

func TestRead_trusts_a_certificate_that_it_is_given(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, vector(`"1"`)) }))
	t.Cleanup(server.Close)
	for _, tc := range []struct {
		why    string
		change func(*trigger.Input)
		fails  bool
	}{
		{"a stranger", func(*trigger.Input) {}, true},
		{"unsafeSsl", func(in *trigger.Input) { in.Metadata["unsafeSsl"] = "true" }, false},
		{"its ca, without any mode", func(in *trigger.Input) { in.Auth["ca"] = certificate(server) }, false},
	} {
		if _, err := read(t, server.URL, tc.change); (err != nil) != tc.fails {
			t.Errorf("%s: %v, want an error: %v", tc.why, err, tc.fails)
		}
	}
	if _, err := opened(t, server.URL, func(in *trigger.Input) { in.Auth["ca"] = "caaa" }); err == nil || !strings.Contains(err.Error(), "PEM") {
		t.Errorf("a ca that is none: %v, want an error that says so", err)
	}
}

func TestOpen_refuses_identities_that_are_not_supported_yet(t *testing.T) {
	for _, provider := range []string{"gcp", "azure-workload"} {
		_, err := opened(t, "http://127.0.0.1:1", func(in *trigger.Input) { in.Identity.Provider = provider })
		if err == nil || !strings.Contains(err.Error(), "not supported yet") || !strings.Contains(err.Error(), provider) {
			t.Errorf("%s: %v, want a refusal", provider, err)
		}
	}
	_, err := opened(t, "http://127.0.0.1:1", func(in *trigger.Input) { in.Auth["GoogleApplicationCredentials"] = secret })
	if err == nil || !strings.Contains(err.Error(), "not supported yet") || strings.Contains(err.Error(), secret) {
		t.Errorf("Google's credentials: %v, want a refusal without the secret", err)
	}
}

func TestDecode_takes_one_way_to_authenticate(t *testing.T) {
	in := input("http://127.0.0.1:1")
	in.Identity.Provider = "aws"
	if _, err := Kind().Decode(in); err == nil || !strings.Contains(err.Error(), "podIdentity aws") {
		t.Errorf("a mode beside a pod identity: %v, want an error", err)
	}
}

func TestRead_signs_for_Amazons_Prometheus(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "OPERATOR")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s")
	t.Setenv("AWS_SESSION_TOKEN", "")
	var signed string
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		signed = r.Header.Get("Authorization")
		_, _ = io.WriteString(w, vector(`"100"`))
	})
	for name, change := range map[string]func(*trigger.Input){
		"OPERATOR": func(in *trigger.Input) { in.Identity.Provider = "aws" },
		"KEY": func(in *trigger.Input) {
			in.Auth = map[string]string{"awsAccessKeyID": "KEY", "awsSecretAccessKey": secret}
		},
	} {
		got, err := read(t, address, func(in *trigger.Input) {
			in.Metadata["awsRegion"] = "eu-west-1"
			change(in)
		})
		want := "AWS4-HMAC-SHA256 Credential=" + name + "/20260302/eu-west-1/aps/aws4_request"
		if err != nil || got.Value != 100 || !strings.HasPrefix(signed, want) {
			t.Errorf("%v, %v, signed %q, want %s", got.Value, err, signed, want)
		}
	}
	if _, err := read(t, address, func(*trigger.Input) {}); err != nil || signed != "" {
		t.Errorf("nobody is named: %v, signed %q, want no signature", err, signed)
	}
}

func certificate(server *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}
