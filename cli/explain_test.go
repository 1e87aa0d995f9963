package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/cli"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/metricsapi"
	"github.com/furl-dev/furl/record"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// workload is three pods at twice their target, at the loop's ports.
type workload struct{ size int32 }

func (w *workload) Size(context.Context) (engine.Replicas, error) {
	return engine.Replicas{Spec: w.size, Status: w.size}, nil
}

func (w *workload) Scale(_ context.Context, _, to int32) error {
	w.size = to
	return nil
}

func (w *workload) Read(_ context.Context, at time.Time, p engine.Policy) ([]engine.Reading, error) {
	pods := make([]engine.Pod, 0, 3)
	for i := range 3 {
		pods = append(pods, engine.Pod{
			Name: fmt.Sprintf("web-%d", i), Readiness: engine.Ready, Begun: true, Started: at.Add(-time.Hour), ReadySince: at.Add(-time.Hour),
			Request: 200, Measured: true, Value: 200, At: at, Window: 10 * time.Second,
		})
	}
	s := p.Signals[0]
	return []engine.Reading{{Signal: s.Name, At: at, Usage: engine.Group(pods, at, s, p.Grace)}}, nil
}

type anyone struct{ authorizer.Authorizer }

func (anyone) AuthenticateRequest(*http.Request) (*authenticator.Response, bool, error) {
	return &authenticator.Response{User: &user.DefaultInfo{Name: "anyone"}}, true, nil
}

func (anyone) Authorize(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
	return authorizer.DecisionAllow, "", nil
}

// A decision of the real loop and engine, served by the operator's API server
// and read by the command.
func TestExplainReadsWhatTheOperatorServes(t *testing.T) {
	book := record.NewBook(1 << 20)
	w := &workload{size: 3}
	l := &loop.Loop{
		Observer: w, Actuator: w,
		Recorder: book.Recorder(record.Workload{Namespace: "shop", Kind: "hpa", Name: "web"}),
	}
	l.Use(engine.Policy{
		Min: 1, Max: 10, Tolerance: engine.Tolerance{Up: 0.1, Down: 0.1}, Burst: engine.Burst{Factor: 2, Floor: 4, Period: 15 * time.Second},
		Signals: []engine.Signal{{Name: "cpu", CPU: true, Target: engine.Target{Kind: engine.Utilization, Value: 50}}},
	})
	for i := range 2 {
		if _, err := l.Tick(t.Context(), now().Add(time.Duration(i-2)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	config := serveBook(t, book)

	got := furlSays(t, "explain", "hpa/web", "--kubeconfig", config)
	for _, want := range []string{
		"shop/hpa/web  6  unchanged, 60s ago\n", // three measured pods at twice their target ask for six, then and now
		"cpu: 100% of the requests over a target of 50% on 3 ready pods",
		"SIGNAL  NOW   TARGET  ASKS FOR\ncpu     100%  50%     6",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("want %q in\n%s", want, got)
		}
	}
	history := furlSays(t, "explain", "hpa/web", "--history", "--kubeconfig", config)
	if lines := strings.Split(strings.TrimSpace(history), "\n"); len(lines) != 3 || !strings.Contains(lines[2], "3 → 6") {
		t.Errorf("want both decisions, the newest first, got\n%s", history)
	}
}

func furlSays(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	root := cli.New(cli.Terminal{In: strings.NewReader(""), Out: &out, Err: &errs, Clock: now})
	root.SetArgs(args)
	if code := cli.Run(t.Context(), root); code != cli.ExitOK {
		t.Fatalf("furl %s: exit code %d: %s", strings.Join(args, " "), code, errs.String())
	}
	return out.String()
}

// serveBook runs the API server and returns a kubeconfig for it.
func serveBook(t *testing.T, book *record.Book) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := metricsapi.DefaultOptions()
	o.Serving.Listener = listener
	o.Serving.ServerCert.CertDirectory = ""
	s, err := metricsapi.New(metricsapi.Config{
		Options: o, Groups: []metricsapi.Group{metricsapi.Decisions(book, now)}, Authenticator: anyone{}, Authorizer: anyone{},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("the API server ended with %v", err)
		}
	})
	dir := t.TempDir()
	ca, file := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "kubeconfig")
	text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: a,
clusters: [{name: a, cluster: {server: "https://%s", certificate-authority: %q}}],
users: [{name: a, user: {}}], contexts: [{name: a, context: {cluster: a, user: a, namespace: shop}}]}`, s.Address(), ca)
	if err := errors.Join(os.WriteFile(ca, s.Certificate(), 0o600), os.WriteFile(file, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	return file
}
