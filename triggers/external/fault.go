package external

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/furl-dev/furl/trigger"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// callError is why a call gave no answer.
type callError struct {
	address, asked string
	code           codes.Code
	said           string
}

// Error names the service, the question and what came of it.
func (e *callError) Error() string {
	return fmt.Sprintf("external scaler %s, asked for %s: %s: %s", e.address, e.asked, e.code, e.said)
}

// Is says whether the call ended because its context did.
func (e *callError) Is(target error) bool {
	return e.code == codes.Canceled && target == context.Canceled ||
		e.code == codes.DeadlineExceeded && target == context.DeadlineExceeded
}

// longestSaid bounds what is repeated of a service's own words.
const longestSaid = 300

// fault words the error of a call. What the service says may repeat what it
// was told, secrets too.
func (s *source) fault(asked string, err error) error {
	st := status.Convert(err)
	said := s.conceal(st.Message())
	if len(said) > longestSaid {
		said = strings.ToValidUTF8(said[:longestSaid], "") + "…"
	}
	e := &callError{address: s.address, asked: s.conceal(asked), code: st.Code(), said: said}
	if after := backoffOf(st); after > 0 {
		return &trigger.Throttled{After: after, Err: e}
	}
	return e
}

// backoffOf is how long the service asks to be left alone, by a RetryInfo among
// the details of its error; 0 where it does not.
func backoffOf(st *status.Status) time.Duration {
	for _, d := range st.Details() {
		if r, ok := d.(*errdetails.RetryInfo); ok {
			return r.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

// conceal blots out the secrets of a text.
func (s *source) conceal(text string) string {
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}
