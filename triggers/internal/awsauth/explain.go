package awsauth

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/furl-dev/furl/trigger"
)

// Explain turns what AWS answered into a sentence that says what to do, for
// the codes that every service of AWS has. Others keep their own words.
func Explain(err error, who Identity, action string) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var explained error = said{err}
	if advice := advise(err, who, action); advice != "" {
		explained = fmt.Errorf("%s: %w", advice, explained)
	}
	if after := pause(err); after > 0 {
		return &trigger.Throttled{After: after, Err: explained}
	}
	return explained
}

// pause is how long the server asks to be left alone.
func pause(err error) time.Duration {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || answer.Response == nil {
		return 0
	}
	seconds, err := strconv.ParseUint(answer.Response.Header.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second // 31 bits
}

func advise(err error, who Identity, action string) string {
	if failedAt(err, "STS") && who.RoleARN != "" {
		return fmt.Sprintf("%s cannot be assumed: let its trust policy name the operator's identity, and let that one sts:AssumeRole", who)
	}
	switch code := Code(err); {
	case strings.HasPrefix(code, "AccessDenied"), code == "UnauthorizedOperation", code == "AuthorizationError":
		return fmt.Sprintf("access denied: %s was used, allow it %s", who, action)
	case code == "InvalidClientTokenId", code == "UnrecognizedClientException", code == "InvalidAccessKeyId":
		return fmt.Sprintf("AWS does not know the access key: %s was used", who)
	case code == "SignatureDoesNotMatch", code == "IncompleteSignature":
		return fmt.Sprintf("the signature is wrong: %s was used, look at its awsSecretAccessKey", who)
	case strings.HasPrefix(code, "ExpiredToken"), code == "RequestExpired":
		return fmt.Sprintf("the credentials have ended: %s was used, renew its session token", who)
	case failedAt(err, "ec2imds"): // the end of the SDK's chain
		return "the operator has no AWS identity: give its service account a role, or the trigger an authentication"
	}
	return ""
}

// failedAt tells that a call to a service is what went wrong, below the call that was asked for.
func failedAt(err error, service string) bool {
	for op, ok := errors.AsType[*smithy.OperationError](err); ok; op, ok = errors.AsType[*smithy.OperationError](op.Unwrap()) {
		if op.Service() == service {
			return true
		}
	}
	return false
}

// Code is the code of AWS's answer, empty where there was none.
func Code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

// said is AWS's own code and message, without the request around it.
type said struct{ error }

// Error cuts what no message of AWS needs.
func (s said) Error() string {
	const longest = 400
	text := s.error.Error()
	if api, ok := errors.AsType[smithy.APIError](s.error); ok {
		text = api.ErrorCode() + ": " + api.ErrorMessage()
	}
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "..."
	}
	return text
}

// Unwrap leaves the answer to those who look for its type.
func (s said) Unwrap() error { return s.error }
