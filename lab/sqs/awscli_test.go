package sqs_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/furl-dev/furl/lab/sqs"
	"github.com/google/go-cmp/cmp"
)

var record = flag.Bool("record", false, "run the AWS CLI and write down what it sends")

// exchange is a command of the AWS CLI, what it sent, and what it printed.
type exchange struct {
	Command     string `json:"command"`
	Target      string `json:"target"`
	ContentType string `json:"contentType"`
	Body        string `json:"body"`
	Printed     string `json:"printed"`
}

const (
	seen        = "awscli.json" // in testdata, written by version 1.45.11 of the CLI
	placeholder = "http://127.0.0.1:4100"
)

// commands are those of the walkthrough, and the others that people type around it.
func commands() []string {
	const queue = " --queue-url " + placeholder + "/000000000000/furl-keda"
	return []string{
		"create-queue --queue-name furl-keda",
		"get-queue-url --queue-name furl-keda",
		"list-queues",
		"send-message --message-body hello" + queue,
		"get-queue-attributes --attribute-names ApproximateNumberOfMessages" + queue,
		"receive-message --max-number-of-messages 1 --visibility-timeout 5" + queue,
		"get-queue-attributes --attribute-names ApproximateNumberOfMessagesNotVisible ApproximateNumberOfMessagesDelayed" + queue,
		"purge-queue" + queue,
		"delete-queue" + queue,
		"get-queue-url --queue-name furl-keda",
	}
}

// TestServer_answers_what_the_AWS_CLI_sends replays recorded requests; what the CLI prints is the answer's JSON, set wide.
func TestServer_answers_what_the_AWS_CLI_sends(t *testing.T) {
	if *record {
		t.Skip("recording")
	}
	raw, err := os.ReadFile(filepath.Join("testdata", seen))
	if err != nil {
		t.Fatal(err)
	}
	var all []exchange
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	server := sqs.New(sqs.Config{})
	for _, one := range all {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, placeholder+"/", strings.NewReader(one.Body))
		r.Header.Set("X-Amz-Target", one.Target)
		r.Header.Set("Content-Type", one.ContentType)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		var answer, printed map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%s: %v", one.Command, err)
		}
		if start := strings.Index(one.Printed, "{"); start >= 0 {
			if err := json.Unmarshal([]byte(one.Printed[start:]), &printed); err != nil {
				t.Fatalf("%s: %v", one.Command, err)
			}
			settle(answer)
			settle(printed)
			if diff := cmp.Diff(printed, answer); diff != "" {
				t.Errorf("aws sqs %s: -printed +answer\n%s", one.Command, diff)
			}
		}
		if strings.Contains(one.Printed, "NonExistentQueue") != (w.Code == http.StatusBadRequest) {
			t.Errorf("aws sqs %s: status %d, %s; printed %s", one.Command, w.Code, w.Body, one.Printed)
		}
	}
}

// settle makes equal what differs from run to run.
func settle(answer map[string]any) {
	delete(answer, "MessageId")
	all, _ := answer["Messages"].([]any)
	for _, m := range all {
		if one, ok := m.(map[string]any); ok {
			delete(one, "MessageId")
			delete(one, "ReceiptHandle")
		}
	}
}

// TestServer_serves_the_AWS_CLI runs the CLI itself against a server on this machine.
func TestServer_serves_the_AWS_CLI(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	aws, err := exec.LookPath("aws")
	if err != nil {
		t.Log("no aws on this machine: what one sent is replayed by the test above")
		return
	}
	var mu sync.Mutex
	var last exchange
	service := sqs.New(sqs.Config{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		last = exchange{Target: r.Header.Get("X-Amz-Target"), ContentType: r.Header.Get("Content-Type"), Body: string(body)}
		mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		service.ServeHTTP(w, r)
	}))
	defer server.Close()
	all := commands()
	if !*record {
		all = all[4:5] // each takes a second of CPU
		direct := start(t, service)
		direct.send(direct.create("furl-keda", nil), "hello", 0)
	}
	seenNow := make([]exchange, 0, len(all))
	for _, command := range all {
		args := strings.Fields("--endpoint-url " + server.URL + " sqs " + strings.ReplaceAll(command, placeholder, server.URL))
		cmd := exec.CommandContext(t.Context(), aws, args...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab",
			"AWS_REGION=us-west-2", "AWS_DEFAULT_REGION=us-west-2", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
		printed, err := cmd.CombinedOutput()
		mu.Lock()
		one := last
		mu.Unlock()
		one.Command = command
		one.Body = strings.ReplaceAll(one.Body, server.URL, placeholder)
		one.Printed = strings.ReplaceAll(string(printed), server.URL, placeholder)
		seenNow = append(seenNow, one)
		if err != nil && !strings.HasPrefix(command, "get-queue-url") { // the last one asks for what is gone
			t.Errorf("aws sqs %s: %v\n%s", command, err, printed)
		}
		if strings.HasPrefix(command, "get-queue-attributes --attribute-names ApproximateNumberOfMessages ") && !strings.Contains(string(printed), `"ApproximateNumberOfMessages": "1"`) {
			t.Errorf("aws sqs %s printed %s", command, printed)
		}
	}
	if *record {
		writeSeen(t, seenNow)
	}
}

func writeSeen(t *testing.T, all []exchange) {
	t.Helper()
	raw, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("testdata", seen), append(raw, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}
