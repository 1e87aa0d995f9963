package sqs_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/furl-dev/furl/lab/sqs"
)

func TestServer_refuses_what_the_policy_of_a_queue_denies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, sqs.New(sqs.Config{}))
		deny := func(who string) map[string]string {
			return map[string]string{"Policy": `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":` + who + `,"Action":["sqs:Get*","sqs:ReceiveMessage"],"Resource":"*"}}`}
		}
		url := s.create("orders", deny(`{"AWS":"arn:aws:iam::000000000000:user/lab"}`))
		counts := func() error {
			_, err := s.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{"All"}})
			return err
		}
		const words = "User: arn:aws:iam::000000000000:user/lab is not authorized to perform: sqs:getqueueattributes on resource: arn:aws:sqs:us-west-2:000000000000:orders"
		var refusal smithy.APIError
		if err := counts(); !errors.As(err, &refusal) || refusal.ErrorCode() != "AccessDenied" || !strings.HasPrefix(refusal.ErrorMessage(), words) {
			t.Errorf("the user that is denied is told %v", err)
		}
		s.send(url, "what is not denied goes on", 0)
		set := func(a map[string]string) {
			t.Helper()
			if _, err := s.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: url, Attributes: a}); err != nil {
				t.Errorf("the policy cannot be replaced: %v", err)
			}
		}
		set(deny(`{"AWS":["arn:aws:iam::000000000000:user/other"]}`))
		if err := counts(); err != nil {
			t.Errorf("another user is denied: %v", err)
		}
		set(deny(`"*"`))
		if err := counts(); err == nil {
			t.Error("everybody is denied, and the answer came")
		}
		set(map[string]string{"Policy": ""})
		s.want(url, "1 0 0", "without a policy")
		_, err := s.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: url, Attributes: map[string]string{"Policy": "{"}})
		if !errors.As(err, &refusal) || refusal.ErrorCode() != "InvalidAttributeValue" {
			t.Errorf("half a policy: %v", err)
		}
	})
}
