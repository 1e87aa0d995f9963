package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// transcript is a log that may be read while it is written.
type transcript struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
	seen chan struct{} // closed when the word has been written
	word string
}

func (l *transcript) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := strings.Contains(l.text.String(), l.word)
	n, err := l.text.Write(b)
	if !before && strings.Contains(l.text.String(), l.word) {
		close(l.seen)
	}
	return n, err
}

func TestRun_answers_a_message_and_ends_when_it_is_told(t *testing.T) {
	var mu sync.Mutex
	sent, deleted := false, 0
	queue := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		mu.Lock()
		defer mu.Unlock()
		switch r.Header.Get("X-Amz-Target") {
		case "AmazonSQS.GetQueueAttributes":
			_, _ = io.WriteString(w, `{"Attributes":{"RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:aws:sqs:us-west-2:1:dead\",\"maxReceiveCount\":3}"}}`)
		case "AmazonSQS.ReceiveMessage":
			if sent {
				_, _ = io.WriteString(w, `{}`)
				return
			}
			sent = true
			_, _ = io.WriteString(w, `{"Messages":[{"MessageId":"m1","ReceiptHandle":"r1","Body":"{\"prompt\":\"x\"}","MD5OfBody":"7712ee49e49a88b4aace7587bdf1dd86","Attributes":{"ApproximateReceiveCount":"1"}}]}`)
		case "AmazonSQS.DeleteMessage":
			deleted++
			_, _ = io.WriteString(w, `{}`)
		}
	}))
	defer queue.Close()
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"hello"},"finish_reason":"stop"}],"usage":{"completion_tokens":3}}`)
	}))
	defer model.Close()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": queue.URL, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_CA_BUNDLE": "", "AWS_REGION": "",
	} {
		t.Setenv(name, value)
	}
	env := map[string]string{"SQS_QUEUE_URL": "https://sqs.us-west-2.amazonaws.com/1/q", "VLLM_ENDPOINT": model.URL, "LISTEN": "127.0.0.1:0", "POLL": "0s"}
	log := &transcript{word: `"answered"`, seen: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, nil, func(name string) string { return env[name] }, log, io.Discard) }()
	select {
	case <-log.seen:
	case err := <-ended:
		t.Fatalf("ended with %v", err)
	case <-time.After(20 * time.Second):
		t.Fatal("not answered within 20s")
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if text := log.text.String(); deleted != 1 || !strings.Contains(text, `"answer":"hello"`) || strings.Contains(text, "no_dead_letters") {
		t.Errorf("deleted %d, logged %s", deleted, text)
	}
}

func TestConfigure_reads_flags_over_environment_over_defaults(t *testing.T) {
	env := map[string]string{
		"SQS_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/1/q", "CONCURRENCY": "4", "GRACE": "20s", "LAB_LISTEN": "127.64.0.2:9090",
	}
	o, err := configure([]string{"--concurrency=2"}, func(name string) string { return env[name] }, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.settings.Slots != 2 || o.settings.Grace != 20*time.Second || o.listen != "127.64.0.2:9090" || o.region != "eu-central-1" || o.endpoint != "http://localhost:8000" {
		t.Errorf("got %+v", o)
	}
}

func TestConfigure_refuses_what_it_cannot_do(t *testing.T) {
	env := map[string]string{"SQS_QUEUE_URL": "https://h/1/q"}
	for why, test := range map[string]struct {
		args []string
		env  map[string]string
		want string
	}{
		"no queue":          {nil, nil, "SQS_QUEUE_URL"},
		"no number":         {nil, map[string]string{"SQS_QUEUE_URL": "https://h/1/q", "CONCURRENCY": "x"}, "CONCURRENCY"},
		"no slot":           {[]string{"--concurrency=0"}, env, "concurrency"},
		"too long a poll":   {[]string{"--poll=21s"}, env, "poll"},
		"no URL of a model": {[]string{"--endpoint=localhost"}, env, "VLLM_ENDPOINT"},
		"a word":            {[]string{"now"}, env, "now"},
	} {
		if _, err := configure(test.args, func(name string) string { return test.env[name] }, io.Discard); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q in it", why, err, test.want)
		}
	}
	var help bytes.Buffer
	if _, err := configure([]string{"--help"}, func(string) string { return "" }, &help); !errors.Is(err, flag.ErrHelp) || !strings.Contains(help.String(), "[VLLM_ENDPOINT]") {
		t.Errorf("%v, %s", err, help.String())
	}
}
