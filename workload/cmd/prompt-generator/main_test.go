package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// cleared keeps this machine's own AWS account out of the test.
func cleared(t *testing.T, endpoint string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_CA_BUNDLE": "",
	} {
		t.Setenv(name, value)
	}
}

func TestRun_says_by_its_status_whether_messages_failed(t *testing.T) {
	refuse := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		if refuse {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}`)
			return
		}
		_, _ = io.WriteString(w, `{"Successful":[{"Id":"0","MessageId":"x"},{"Id":"1","MessageId":"y"}],"Failed":[]}`)
	}))
	defer server.Close()
	cleared(t, server.URL)
	env := map[string]string{"SQS_QUEUE_URL": "https://sqs.us-west-2.amazonaws.com/1/q", "NUM_MESSAGES": "2", "DELAY_SECONDS": "0"}
	getenv := func(name string) string { return env[name] }
	for _, test := range []struct {
		why    string
		refuse bool
		status int
		told   string
	}{
		{"all were sent", false, 0, "2 messages sent, 0 failed"},
		{"the queue is not there", true, 1, "2 not sent"},
	} {
		refuse = test.refuse
		var out, errs bytes.Buffer
		if got := run(t.Context(), nil, getenv, &out, &errs); got != test.status || !strings.Contains(out.String(), test.told) {
			t.Errorf("%s: status %d, told %q, %q", test.why, got, out.String(), errs.String())
		}
	}
}

func TestRun_refuses_what_it_cannot_do(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"--queue-url=x"},
		{"--queue-url=http://h/q", "--messages=-1"},
		{"--queue-url=http://h/q", "--delay=-1"},
		{"--queue-url=http://h/q", "--delay=NaN"},
		{"--queue-url=http://h/q", "more"},
		{"--what"},
	} {
		var out, errs bytes.Buffer
		if got := run(t.Context(), args, func(string) string { return "" }, &out, &errs); got != 2 || errs.Len() == 0 {
			t.Errorf("%q: status %d, told %q", args, got, errs.String())
		}
	}
	for _, name := range []string{"NUM_MESSAGES", "DELAY_SECONDS"} {
		var out, errs bytes.Buffer
		if got := run(t.Context(), nil, func(asked string) string { return map[string]string{name: "many"}[asked] }, &out, &errs); got != 2 || !strings.Contains(errs.String(), name) {
			t.Errorf("%s=many: status %d, told %q", name, got, errs.String())
		}
	}
}
