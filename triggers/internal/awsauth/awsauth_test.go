package awsauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/furl-dev/furl/trigger"
	"github.com/google/go-cmp/cmp"
)

const role, other = "arn:aws:iam::1:role/r", "arn:aws:iam::1:role/o"

func TestResolve_chooses_who_as_KEDA_does(t *testing.T) {
	for _, tc := range []struct {
		why      string
		settings Settings
		pod      trigger.Identity
		want     Identity
		fails    string
	}{
		{"pod identity without a role", Settings{}, trigger.Identity{Provider: "aws"}, Identity{}, ""},
		{"pod identity with one", Settings{}, trigger.Identity{Provider: "aws", RoleARN: role, ExternalID: "x"}, Identity{RoleARN: role, ExternalID: "x", FromToken: true}, ""},
		{"its role before the parameter's", Settings{RoleARN: other}, trigger.Identity{Provider: "aws", RoleARN: role}, Identity{RoleARN: role, FromToken: true}, ""},
		{"the parameter's, where it has none", Settings{RoleARN: other}, trigger.Identity{Provider: "aws"}, Identity{RoleARN: other, FromToken: true}, ""},
		{"pod identity before keys and owner", Settings{KeyID: "k", Key: "s", IdentityOwner: "pod"}, trigger.Identity{Provider: "aws"}, Identity{}, ""},
		{"operator", Settings{IdentityOwner: "operator"}, trigger.Identity{}, Identity{}, ""},
		{"operator before keys", Settings{IdentityOwner: "operator", KeyID: "k", Key: "s"}, trigger.Identity{}, Identity{}, ""},
		{"a word that is neither is the operator", Settings{IdentityOwner: "keda"}, trigger.Identity{Provider: "none"}, Identity{}, ""},
		{"a role before keys", Settings{RoleARN: role, KeyID: "k", Key: "s"}, trigger.Identity{}, Identity{RoleARN: role}, ""},
		{"keys", Settings{KeyID: "k", Key: "s", Token: "t", IdentityOwner: "pod"}, trigger.Identity{}, Identity{keyID: "k", key: "s", token: "t"}, ""},
		{"nobody", Settings{}, trigger.Identity{}, Identity{}, "identityOwner: operator"},
		{"half a key", Settings{KeyID: "k"}, trigger.Identity{}, Identity{}, "awsSecretAccessKey"},
		{"the other half", Settings{Key: "s"}, trigger.Identity{}, Identity{}, "awsAccessKeyID"},
		{"aws-eks is like none", Settings{RoleARN: role}, trigger.Identity{Provider: "aws-eks"}, Identity{RoleARN: role}, ""},
	} {
		got, err := tc.settings.Resolve(tc.pod)
		if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(Identity{})); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tc.why, diff)
		}
		if tc.fails == "" && err != nil || tc.fails != "" && (err == nil || !strings.Contains(err.Error(), tc.fails)) {
			t.Errorf("%s: %v, want an error with %q", tc.why, err, tc.fails)
		}
	}
}

func TestString_names_no_secret(t *testing.T) {
	for want, who := range map[string]Identity{
		"the operator's own identity":                    {},
		"role " + role:                                   {RoleARN: role},
		"the access key of the trigger's authentication": {keyID: "k", key: "s", token: "t"},
	} {
		if got := who.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// answered is an error as the SDK makes it of an answer with a code.
func answered(service, code string, inner error) error {
	if inner == nil {
		inner = &smithy.GenericAPIError{Code: code, Message: "in AWS's words"}
	}
	return &smithy.OperationError{ServiceID: service, OperationName: "Do", Err: fmt.Errorf("https response error: %w", inner)}
}

func TestExplain_says_what_to_do(t *testing.T) {
	who := Identity{RoleARN: role}
	for _, tc := range []struct {
		err  error
		want []string
	}{
		{answered("SQS", "AccessDenied", nil), []string{"access denied", role, "sqs:Do", "AccessDenied: in AWS's words"}},
		{answered("SQS", "AccessDeniedException", nil), []string{"access denied"}},
		{answered("SQS", "InvalidClientTokenId", nil), []string{"does not know the access key"}},
		{answered("SQS", "SignatureDoesNotMatch", nil), []string{"awsSecretAccessKey"}},
		{answered("SQS", "ExpiredTokenException", nil), []string{"have ended", "renew"}},
		{answered("SQS", "", answered("STS", "AccessDenied", nil)), []string{"cannot be assumed", "trust policy", role}},
		{answered("SQS", "", errors.Join(answered("STS", "AccessDenied", nil), answered("STS", "AccessDenied", nil))), []string{"cannot be assumed"}},
		{answered("SQS", "", answered("ec2imds", "NotFound", nil)), []string{"no AWS identity"}},
		{answered("SQS", "QueueDoesNotExist", nil), []string{"QueueDoesNotExist: in AWS's words"}},
	} {
		got := Explain(tc.err, who, "sqs:Do")
		for _, want := range tc.want {
			if !strings.Contains(got.Error(), want) {
				t.Errorf("%v: %q, want %q in it", tc.err, got, want)
			}
		}
		if !errors.Is(got, tc.err) {
			t.Errorf("%v: the error itself is lost", tc.err)
		}
	}
}

func TestExplain_leaves_the_end_of_a_context_alone(t *testing.T) {
	for _, err := range []error{context.Canceled, context.DeadlineExceeded, nil} {
		if got := Explain(err, Identity{}, "x"); !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestExplain_carries_how_long_to_wait(t *testing.T) {
	response := &smithyhttp.Response{Response: &http.Response{Header: http.Header{"Retry-After": {"7"}}}}
	err := Explain(&smithyhttp.ResponseError{Response: response, Err: errors.New("busy")}, Identity{}, "x")
	if after, ok := trigger.RetryAfter(err); !ok || after != 7*time.Second {
		t.Errorf("RetryAfter of %v = %s, %v, want 7s", err, after, ok)
	}
}

func TestBody_ends_with_an_error_where_an_answer_does_not_end(t *testing.T) {
	b := &body{ReadCloser: io.NopCloser(strings.NewReader(strings.Repeat(" ", answerBytes+1))), left: answerBytes}
	n, err := io.Copy(io.Discard, b)
	if err == nil || n != answerBytes {
		t.Errorf("read %d bytes, %v, want %d and an error", n, err, answerBytes)
	}
}

func TestConfig_uses_the_connections_it_is_given(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "")
	client := &http.Client{Transport: &http.Transport{}}
	c, err := Config(t.Context(), Identity{keyID: "k", key: "s"}, "eu-west-1", client)
	if err != nil {
		t.Fatal(err)
	}
	b, ok := c.HTTPClient.(bounded)
	if !ok || b.own || b.client.Transport != client.Transport {
		t.Errorf("requests go through %+v, want the client's own transport", c.HTTPClient)
	}
}
