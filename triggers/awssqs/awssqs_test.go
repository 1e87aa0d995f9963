package awssqs

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/evidence"
	"github.com/furl-dev/furl/trigger/triggertest"
	"github.com/google/go-cmp/cmp"
)

const (
	keyID  = "AKIDEXAMPLE"
	secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	token  = "AQoDYXdzEJr/session+token=="
)

// service is a small SQS: it knows one queue and answers GetQueueAttributes as AWS documents its JSON protocol.
type service struct {
	attributes map[string]string

	mu    sync.Mutex // guards asked
	asked []question
}

// question is what a request said.
type question struct {
	Target, Type, Key, Token string
	QueueURL                 string
	Attributes               []string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		QueueUrl       string // the protocol's name
		AttributeNames []string
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		fault(w, "InvalidRequest", "")
		return
	}
	s.mu.Lock()
	s.asked = append(s.asked, question{
		r.Header.Get("X-Amz-Target"), r.Header.Get("Content-Type"), scope(r.Header.Get("Authorization")),
		r.Header.Get("X-Amz-Security-Token"), in.QueueUrl, in.AttributeNames,
	})
	s.mu.Unlock()
	switch queue := in.QueueUrl; {
	case strings.HasSuffix(queue, "/forbidden"):
		fault(w, "com.amazonaws.sqs#AccessDeniedException", "User: arn:aws:iam::1:user/u is not authorized to perform: sqs:getqueueattributes")
	case !strings.HasSuffix(queue, "orders"):
		w.Header().Set("X-Amzn-Query-Error", "AWS.SimpleQueueService.NonExistentQueue;Sender")
		fault(w, "com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.")
	default:
		out := map[string]string{}
		for _, name := range in.AttributeNames {
			if v, ok := s.attributes[name]; ok {
				out[name] = v
			}
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_ = json.NewEncoder(w).Encode(map[string]any{"Attributes": out}) // the client may have gone
	}
}

// scope is who signed, for which day (left out), region and service.
func scope(authorization string) string {
	_, rest, _ := strings.Cut(authorization, "Credential=")
	credential, _, _ := strings.Cut(rest, ",")
	parts := strings.Split(credential, "/")
	if len(parts) != 5 {
		return authorization
	}
	return strings.Join(slices.Delete(parts, 1, 2), "/")
}

func fault(w http.ResponseWriter, code, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message}) // the client may have gone
}

func busy() *service {
	return &service{attributes: map[string]string{
		"ApproximateNumberOfMessages": "30", "ApproximateNumberOfMessagesNotVisible": "12", "ApproximateNumberOfMessagesDelayed": "5",
	}}
}

func input(url string) trigger.Input {
	return trigger.Input{
		Metadata: map[string]string{"queueURL": "https://sqs.eu-west-1.amazonaws.com/1234/orders", "awsRegion": "eu-west-1", "awsEndpoint": url},
		Auth:     map[string]string{"awsAccessKeyID": keyID, "awsSecretAccessKey": secret, "awsSessionToken": token},
	}
}

func TestSource_keeps_what_every_trigger_promises(t *testing.T) {
	triggertest.Run(t, triggertest.Suite{
		Kind: Kind(), Input: input, Good: busy(), Want: 42, Secrets: []string{secret, token}, Evidence: evidence.Recorded,
		Bad: []triggertest.Bad{
			{Why: "a URL without a queue", Change: map[string]string{"queueURL": "https://sqs.eu-west-1.amazonaws.com"}, Says: "queueURL"},
			{Why: "a URL with no name", Change: map[string]string{"queueURL": "https://sqs.eu-west-1.amazonaws.com/1234/"}, Says: "queueURL"},
		},
	})
}

// opened opens a source of a server with changed settings.
func opened(t *testing.T, k trigger.Kind, url string, change func(*trigger.Input)) trigger.Source {
	t.Helper()
	in := input(url)
	change(&in)
	c, err := k.Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	s, err := c.Open(t.Context(), trigger.Env{HTTP: &http.Client{Transport: transport}, Now: triggertest.Noon})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		transport.CloseIdleConnections()
	})
	return s
}

func TestRead_counts_what_the_settings_ask_for(t *testing.T) {
	for _, tc := range []struct {
		inFlight, delayed string
		want              float64
		attributes        []string
	}{
		{"", "", 42, []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"}},
		{"false", "", 30, []string{"ApproximateNumberOfMessages"}},
		{"true", "true", 47, []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"}},
		{"false", "true", 35, []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed"}},
	} {
		queues := busy()
		server := httptest.NewServer(queues)
		t.Cleanup(server.Close)
		s := opened(t, Kind(), server.URL, func(in *trigger.Input) {
			in.Metadata["scaleOnInFlight"], in.Metadata["scaleOnDelayed"] = tc.inFlight, tc.delayed
		})
		got, err := s.Read(t.Context())
		if diff := cmp.Diff(trigger.Sample{At: triggertest.Noon(), Value: tc.want}, got); err != nil || diff != "" {
			t.Errorf("in flight %q, delayed %q: %v (-want +got)\n%s", tc.inFlight, tc.delayed, err, diff)
		}
		want := []question{{
			"AmazonSQS.GetQueueAttributes", "application/x-amz-json-1.0", keyID + "/eu-west-1/sqs/aws4_request", token,
			"https://sqs.eu-west-1.amazonaws.com/1234/orders", tc.attributes,
		}}
		if diff := cmp.Diff(want, queues.asked); diff != "" {
			t.Errorf("the request (-want +got)\n%s", diff)
		}
	}
}

func TestRead_takes_a_queue_by_its_bare_name(t *testing.T) {
	queues := busy()
	server := httptest.NewServer(queues)
	t.Cleanup(server.Close)
	s := opened(t, Kind(), server.URL, func(in *trigger.Input) { in.Metadata["queueURL"] = "orders" })
	if got, err := s.Read(t.Context()); err != nil || got.Value != 42 {
		t.Errorf("read %v, %v, want 42", got.Value, err)
	}
}

func TestRead_says_what_to_do_about_a_refusal(t *testing.T) {
	for _, tc := range []struct {
		queue string
		want  []string
	}{
		{"https://sqs.eu-west-1.amazonaws.com/1234/forbidden", []string{"access denied", "the access key of the trigger's authentication", "sqs:GetQueueAttributes"}},
		{"https://sqs.eu-west-1.amazonaws.com/1234/other", []string{"no such queue in region eu-west-1", "queueURL"}},
	} {
		server := httptest.NewServer(busy())
		t.Cleanup(server.Close)
		s := opened(t, Kind(), server.URL, func(in *trigger.Input) { in.Metadata["queueURL"] = tc.queue })
		_, err := s.Read(t.Context())
		if err == nil {
			t.Fatalf("%s: read, want an error", tc.queue)
		}
		for _, want := range tc.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q, want %q in it", tc.queue, err, want)
			}
		}
	}
}

func TestSum_has_no_data_where_an_attribute_is_missing(t *testing.T) {
	names := config{InFlight: true}.counted()
	for _, tc := range []struct {
		visible, inFlight string
		want              int64
	}{
		{"0", "1", 1},
		{"0", "2147483648", 2147483648},
		{"NotInt", "1", -1},
		{"1", "", -1},
	} {
		attributes := map[string]string{string(names[0]): tc.visible}
		if tc.inFlight != "" {
			attributes[string(names[1])] = tc.inFlight
		}
		got, err := sum(attributes, names)
		if (err != nil) != (tc.want < 0) || err == nil && got != tc.want {
			t.Errorf("sum of %q and %q = %d, %v, want %d", tc.visible, tc.inFlight, got, err, tc.want)
		}
	}
}

// tokens is a small STS: it gives a role away, and counts.
type tokens struct {
	refuseWeb bool

	mu    sync.Mutex // guards asked
	asked []string
}

func (s *tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	action := r.Form.Get("Action")
	s.mu.Lock()
	s.asked = append(s.asked, strings.Join([]string{action, r.Form.Get("RoleArn"), r.Form.Get("ExternalId")}, " "))
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/xml")
	if s.refuseWeb && action == "AssumeRoleWithWebIdentity" {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)
		return
	}
	_, _ = fmt.Fprintf(w, `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials><AccessKeyId>%[1]s</AccessKeyId>`+
		`<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2126-01-01T00:00:00Z</Expiration></Credentials></%[1]sResult></%[1]sResponse>`, action)
}

func TestRead_is_who_the_settings_say(t *testing.T) {
	const role = "arn:aws:iam::1234:role/reader"
	for _, tc := range []struct {
		why    string
		change func(*trigger.Input)
		web    bool // the operator has a web identity token
		refuse bool // and STS does not take it for this role
		key    string
		asked  []string
	}{
		{
			"identityOwner operator: the default chain", func(in *trigger.Input) { in.Auth, in.Metadata["identityOwner"] = nil, "operator" },
			false, false, "OPERATOR", nil,
		},
		{
			"awsRoleArn of the authentication: assumed by the operator", func(in *trigger.Input) { in.Auth = map[string]string{"awsRoleArn": role} },
			true, false, "AssumeRole",
			[]string{"AssumeRole " + role + " "},
		},
		{
			"podIdentity aws: the operator", func(in *trigger.Input) { in.Auth, in.Identity = nil, trigger.Identity{Provider: "aws"} },
			true, false, "OPERATOR", nil,
		},
		{
			"podIdentity aws with a role and no token: assumed, with the external id",
			func(in *trigger.Input) {
				in.Auth, in.Identity = nil, trigger.Identity{Provider: "aws", RoleARN: role, ExternalID: "x1"}
			},
			false, false, "AssumeRole",
			[]string{"AssumeRole " + role + " x1"},
		},
		{
			"podIdentity aws with a role: by the token", func(in *trigger.Input) { in.Auth, in.Identity = nil, trigger.Identity{Provider: "aws", RoleARN: role} },
			true, false, "AssumeRoleWithWebIdentity",
			[]string{"AssumeRoleWithWebIdentity " + role + " "},
		},
		{
			"podIdentity aws with a role that does not trust the token: assumed",
			func(in *trigger.Input) {
				in.Auth, in.Identity = nil, trigger.Identity{Provider: "aws", RoleARN: role}
			},
			true, true, "AssumeRole",
			[]string{"AssumeRoleWithWebIdentity " + role + " ", "AssumeRole " + role + " "},
		},
	} {
		t.Run(tc.why, func(t *testing.T) {
			queues, roles := busy(), &tokens{refuseWeb: tc.refuse}
			server, sts := httptest.NewServer(queues), httptest.NewServer(roles)
			t.Cleanup(server.Close)
			t.Cleanup(sts.Close)
			operator(t, sts.URL, tc.web)
			kind := Kind()
			for range 2 { // the second shares the first's credentials
				if _, err := opened(t, kind, server.URL, tc.change).Read(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got := queues.asked[1].Key; got != tc.key+"/eu-west-1/sqs/aws4_request" {
				t.Errorf("signed by %s, want %s", got, tc.key)
			}
			if diff := cmp.Diff(tc.asked, roles.asked); diff != "" {
				t.Errorf("STS was asked (-want +got)\n%s", diff)
			}
		})
	}
}

// operator gives the process the environment of an operator in a cluster.
func operator(t *testing.T, sts string, web bool) {
	t.Helper()
	dir := t.TempDir()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "OPERATOR", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_ROLE_ARN": "",
		"AWS_CONFIG_FILE": dir + "/config", "AWS_SHARED_CREDENTIALS_FILE": dir + "/credentials", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ENDPOINT_URL_STS": sts, "AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "", "AWS_CA_BUNDLE": "",
	} {
		t.Setenv(name, value)
	}
	if web {
		t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", writeToken(t, dir))
	}
}

func TestRead_trusts_the_bundle_of_the_operators_environment(t *testing.T) {
	server := httptest.NewTLSServer(busy())
	t.Cleanup(server.Close)
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)
	s := opened(t, Kind(), server.URL, func(*trigger.Input) {})
	if got, err := s.Read(t.Context()); err != nil || got.Value != 42 {
		t.Errorf("read %v, %v, want 42", got.Value, err)
	}
}

func TestRead_says_who_could_not_become_whom(t *testing.T) {
	refuse := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)
	}))
	t.Cleanup(refuse.Close)
	operator(t, refuse.URL, true)
	s := opened(t, Kind(), "http://127.0.0.1:1", func(in *trigger.Input) {
		in.Auth, in.Identity = nil, trigger.Identity{Provider: "aws", RoleARN: "arn:aws:iam::1:role/r"}
	})
	_, err := s.Read(t.Context())
	if err == nil || !strings.Contains(err.Error(), "role arn:aws:iam::1:role/r cannot be assumed") || !strings.Contains(err.Error(), "trust policy") {
		t.Errorf("error %v, want one that says which role could not be assumed and what to look at", err)
	}
}

func TestRead_says_when_the_operator_is_nobody(t *testing.T) {
	operator(t, "http://127.0.0.1:1", false)
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	s := opened(t, Kind(), "http://127.0.0.1:1", func(in *trigger.Input) { in.Auth, in.Metadata["identityOwner"] = nil, "operator" })
	_, err := s.Read(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the operator has no AWS identity") {
		t.Errorf("error %v, want one that says that the operator has no identity", err)
	}
}

func TestRead_keeps_the_servers_answer_for_who_looks_for_its_type(t *testing.T) {
	server := httptest.NewServer(busy())
	t.Cleanup(server.Close)
	s := opened(t, Kind(), server.URL, func(in *trigger.Input) { in.Metadata["queueURL"] = "gone" })
	_, err := s.Read(t.Context())
	var coded interface{ ErrorCode() string }
	if !errors.As(err, &coded) || coded.ErrorCode() == "" {
		t.Errorf("error %v has no code of AWS", err)
	}
}

func writeToken(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "token")
	if err := os.WriteFile(path, []byte("web-identity-token"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDecode_checks_at_admission_what_needs_no_authentication(t *testing.T) {
	in := input("")
	in.Auth, in.Partial = nil, true
	if _, err := Kind().Decode(in); err != nil {
		t.Errorf("a sound trigger whose authentication is not known: %v", err)
	}
	in.Metadata["queueURL"] = "https://sqs.eu-west-1.amazonaws.com/"
	if _, err := Kind().Decode(in); err == nil || !strings.Contains(err.Error(), "queueURL") {
		t.Errorf("a URL without a queue: %v, want an error", err)
	}
	in = input("")
	in.Auth, in.Partial = map[string]string{}, true
	if _, err := Kind().Decode(in); err == nil || !strings.Contains(err.Error(), "identityOwner: operator") {
		t.Errorf("no authentication at all: %v, want an error that says how to be somebody", err)
	}
}

func TestDecode_shares_a_read_between_different_targets(t *testing.T) {
	one, other, hidden := input(""), input(""), input("")
	other.Metadata["queueLength"], other.Index = "50", 3
	hidden.Auth["awsSecretAccessKey"] = "another"
	inputs := []trigger.Input{one, other, hidden}
	keys := make([]string, 0, len(inputs))
	for _, in := range inputs {
		c, err := Kind().Decode(in)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, c.Key)
	}
	if keys[0] != keys[1] || keys[0] == keys[2] {
		t.Errorf("keys %v, want the first two equal and the third not", keys)
	}
}
