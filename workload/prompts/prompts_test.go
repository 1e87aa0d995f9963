package prompts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// post takes messages over the protocol of SQS; it is an HTTP transport, since virtual time knows no sockets.
type post struct {
	mu     sync.Mutex // guards all below
	calls  []string
	bodies []string
	refuse int // every so manieth call fails
}

func (p *post) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	p.calls = append(p.calls, name)
	answer := func(status int, text string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
	}
	if p.refuse > 0 && len(p.calls)%p.refuse == 0 {
		return answer(http.StatusBadRequest, `{"__type":"com.amazonaws.sqs#OverLimit","message":"full"}`)
	}
	var in struct {
		MessageBody string
		Entries     []struct{ Id, MessageBody string }
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	if name == "SendMessage" {
		p.bodies = append(p.bodies, in.MessageBody)
		return answer(http.StatusOK, `{"MessageId":"x"}`)
	}
	sent := []string{}
	for _, e := range in.Entries {
		p.bodies = append(p.bodies, e.MessageBody)
		sent = append(sent, fmt.Sprintf(`{"Id":%q,"MessageId":"x"}`, e.Id))
	}
	return answer(http.StatusOK, `{"Successful":[`+strings.Join(sent, ",")+`],"Failed":[]}`)
}

func generator(p *post, count int, delay time.Duration, out io.Writer) Generator {
	client := sqs.New(sqs.Options{
		Region: "us-west-2", HTTPClient: &http.Client{Transport: p}, Retryer: aws.NopRetryer{}, DisableMessageChecksumValidation: true,
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	return Generator{Client: client, URL: "https://sqs.us-west-2.amazonaws.com/1/q", Count: count, Delay: delay, Out: out}
}

func TestGenerator_sends_one_after_the_other_with_a_delay_between(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := &post{}
		g := generator(p, 50, 500*time.Millisecond, &out)
		sum, err := g.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if sum.Sent != 50 || sum.Took != 49*500*time.Millisecond || len(p.calls) != 50 {
			t.Errorf("%v in %d calls", sum, len(p.calls))
		}
		if !strings.Contains(out.String(), "10 of 50 messages sent\n") || !strings.HasSuffix(out.String(), "50 messages sent, 0 failed, in 24.5s\n") {
			t.Errorf("told %q", out.String())
		}
	})
}

func TestGenerator_sends_batches_when_there_is_no_delay(t *testing.T) {
	p := &post{}
	g := generator(p, 25, 0, io.Discard)
	if sum, err := g.Run(t.Context()); err != nil || sum.Sent != 25 || len(p.calls) != 3 || len(p.bodies) != 25 {
		t.Errorf("%v in %v, %v", sum, p.calls, err)
	}
	seen := map[string]bool{}
	for _, body := range p.bodies {
		var l Letter
		if err := json.Unmarshal([]byte(body), &l); err != nil {
			t.Fatal(err)
		}
		if _, err := time.Parse(time.RFC3339Nano, l.Timestamp); err != nil || l.Prompt == "" || l.Parameters != (Parameters{150, 0.7}) || seen[l.ID] {
			t.Errorf("sent %s: %v", body, err)
		}
		seen[l.ID] = true
	}
}

func TestGenerator_counts_what_failed_and_goes_on(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := generator(&post{refuse: 5}, 20, time.Second, io.Discard)
		sum, err := g.Run(t.Context())
		if !errors.Is(err, ErrUnfinished) || !strings.Contains(err.Error(), "full") || sum.Sent != 16 || sum.Failed != 4 {
			t.Errorf("%v, %v", sum, err)
		}
	})
}

func TestGenerator_ends_with_its_context(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		g := generator(&post{}, 20, time.Second, io.Discard)
		if sum, err := g.Run(ctx); !errors.Is(err, ErrUnfinished) || sum.Sent != 4 {
			t.Errorf("%v, %v", sum, err)
		}
	})
}

func TestSamples_are_twenty(t *testing.T) {
	all := map[string]bool{}
	for _, s := range samples() {
		all[s] = true
	}
	if len(all) != 20 {
		t.Errorf("%d different prompts", len(all))
	}
}
