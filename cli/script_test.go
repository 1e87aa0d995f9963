package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/api/decisions/v1alpha1"
	"github.com/furl-dev/furl/cli"
	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func now() time.Time { return time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC) }

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"furl": furl, "kubectl-furl": furl, "kubectl_complete-furl": furl})
}

// furl is the program of the scripts; what it hands over to is printed.
func furl() {
	ctx, stop := signalContext()
	defer stop()
	root := cli.New(cli.Terminal{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Exec: func(path string, args []string) error {
			_, err := fmt.Println("exec", path, strings.Join(args, " "))
			return err
		},
		LookPath: func(name string) (string, error) {
			if path := os.Getenv("LAB"); path != "" {
				return path, nil
			}
			return "", errors.New("not found")
		},
		Clock: now,
	})
	cli.CalledAs(root, os.Args)
	os.Exit(cli.Run(ctx, root))
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			server := httptest.NewTLSServer(http.HandlerFunc(serve))
			e.Defer(server.Close)
			e.Setenv("HOME", e.WorkDir)
			return errors.Join(
				kubeconfig(filepath.Join(e.WorkDir, "kubeconfig"), server.URL),
				kubeconfig(filepath.Join(e.WorkDir, "without-furl"), server.URL+"/elsewhere"),
			)
		},
	})
}

func kubeconfig(file, url string) error {
	return os.WriteFile(file, fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters:
- {name: a, cluster: {server: %q, insecure-skip-tls-verify: true}}
users:
- {name: a, user: {token: secret-of-the-test}}
contexts:
- {name: a, context: {cluster: a, user: a, namespace: shop}}
- {name: b, context: {cluster: a, user: a, namespace: elsewhere}}
current-context: a
`, url), 0o600)
}

// serve is the decisions API with one workload in namespace shop.
func serve(w http.ResponseWriter, r *http.Request) {
	const decisions = "/apis/decisions.furl.dev/v1alpha1/namespaces/"
	switch path := r.URL.Path; {
	case r.Header.Get("Authorization") != "Bearer secret-of-the-test":
		answer(w, http.StatusUnauthorized, status(http.StatusUnauthorized, metav1.StatusReasonUnauthorized, ""))
	case serveHPAs(w, r):
	case path == decisions+"shop/decisions", path == "/apis/decisions.furl.dev/v1alpha1/decisions":
		answer(w, http.StatusOK, v1alpha1.DecisionList{
			TypeMeta: metav1.TypeMeta{Kind: "DecisionList", APIVersion: "decisions.furl.dev/v1alpha1"},
			Items:    []v1alpha1.Decision{decision(), shadowed()},
		})
	case path == decisions+"shop/decisions/hpa.shadowed/history":
		answer(w, http.StatusOK, shadowed())
	case path == decisions+"shop/decisions/hpa.php-apache":
		answer(w, http.StatusOK, decision())
	case path == decisions+"shop/decisions/hpa.held":
		d := decision()
		d.Latest.Steps = append(d.Latest.Steps, v1alpha1.Step{Rule: "hold", Before: 5, After: 5, Sentence: "the first says: no answer"})
		answer(w, http.StatusOK, d)
	case path == decisions+"shop/decisions/hpa.watched":
		d := decision()
		d.Latest.Outcome = "observed"
		answer(w, http.StatusOK, d)
	case strings.HasPrefix(path, decisions+"shop/decisions/hpa.lost"):
		d := decision()
		d.Latest = v1alpha1.Record{At: d.Latest.At, Outcome: "unseen", Error: "deployments.apps not found"}
		d.History = []v1alpha1.Record{d.Latest}
		answer(w, http.StatusOK, d)
	case path == decisions+"shop/decisions/hpa.php-apache/history" && r.URL.Query().Get("limit") != "":
		d := decision()
		earlier := d.Latest
		earlier.At, earlier.From, earlier.Outcome, earlier.Alike = metav1.NewMicroTime(now().Add(-time.Hour)), 5, "unchanged", 40
		earlier.Rule, earlier.Why = "tolerance", "ratio 1 is within the tolerance, 0.9 to 1.1"
		d.History = []v1alpha1.Record{d.Latest, earlier}
		answer(w, http.StatusOK, d)
	case strings.HasPrefix(path, decisions+"locked/"):
		answer(w, http.StatusForbidden, status(http.StatusForbidden, metav1.StatusReasonForbidden, "x"))
	case strings.HasPrefix(path, decisions):
		answer(w, http.StatusNotFound, status(http.StatusNotFound, metav1.StatusReasonNotFound, "x"))
	default:
		http.NotFound(w, r)
	}
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // the client is gone
}

func status(code int32, reason metav1.StatusReason, name string) metav1.Status {
	return metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
		Status:   metav1.StatusFailure, Code: code, Reason: reason, Message: "said the server",
		Details: &metav1.StatusDetails{Name: name, Group: v1alpha1.GroupName, Kind: "decisions"},
	}
}

func decision() v1alpha1.Decision {
	percent, target, five := int32(250), int32(50), int32(5)
	ten := resource.MustParse("10")
	next := metav1.NewMicroTime(now().Add(40 * time.Second))
	return v1alpha1.Decision{
		TypeMeta:   metav1.TypeMeta{Kind: "Decision", APIVersion: "decisions.furl.dev/v1alpha1"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "hpa.php-apache"},
		Object:     "hpa/php-apache",
		Latest: v1alpha1.Record{
			At: metav1.NewMicroTime(now().Add(-12 * time.Second)), Since: metav1.NewMicroTime(now().Add(-time.Minute)), Alike: 3,
			From: 1, To: 5, Outcome: "scaled", Rule: "measure", Why: "250% of the requests over a target of 50% on 1 ready pod",
			Steps: []v1alpha1.Step{
				{Rule: "measure", Signal: "cpu", Before: 1, After: 5, Sentence: "250% of the requests over a target of 50% on 1 ready pod", Args: []string{"250", "50", "1"}},
				{Rule: "pick", Signal: "cpu", Before: 1, After: 5, Sentence: "the only proposal"},
			},
			Signals: []v1alpha1.Signal{
				{Name: "cpu", Target: v1alpha1.Target{Type: "Utilization", Utilization: &target}, Utilization: &percent, Replicas: &five},
				{Name: "external/queue", Target: v1alpha1.Target{Type: "Value", Value: &ten}, Missing: "no answer"},
			},
			Next: &next,
		},
	}
}

func signalContext() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt)
}
