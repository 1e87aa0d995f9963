package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
)

// sizesOnly has the API server note who writes which size, and nothing else.
const sizesOnly = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Request
  verbs: [update, patch]
  resources: [{group: apps, resources: [deployments/scale, statefulsets/scale]}]
- level: None
`

// sizeLog is the API server's own word on who wrote which size.
type sizeLog struct {
	t    *testing.T
	path string
	from int // what was written before does not count
}

// logSizes returns a log, and the flags of furl-lab up that have it written.
func logSizes(t *testing.T) (*sizeLog, []string) {
	t.Helper()
	dir := t.TempDir()
	policy, log := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "audit.log")
	if err := os.WriteFile(policy, []byte(sizesOnly), 0o600); err != nil {
		t.Fatal(err)
	}
	return &sizeLog{t: t, path: log}, []string{
		"--apiserver-arg=--audit-policy-file=" + policy, "--apiserver-arg=--audit-log-path=" + log,
	}
}

// all are the sizes that were stored since the last mark, as "WHO OBJECT SIZE".
func (s *sizeLog) all() []string {
	s.t.Helper()
	raw, err := os.ReadFile(s.path)
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(raw)) {
		var e struct {
			UserAgent string `json:"userAgent"`
			ObjectRef struct {
				Name string `json:"name"`
			} `json:"objectRef"`
			ResponseStatus struct {
				Code int `json:"code"`
			} `json:"responseStatus"`
			RequestObject struct {
				Spec struct {
					Replicas int32 `json:"replicas"`
				} `json:"spec"`
			} `json:"requestObject"`
		}
		if json.Unmarshal([]byte(line), &e) != nil {
			break // the last line is being written
		}
		if e.ResponseStatus.Code == http.StatusOK {
			who, _, _ := strings.Cut(e.UserAgent, "/")
			out = append(out, fmt.Sprintf("%s %s %d", who, e.ObjectRef.Name, e.RequestObject.Spec.Replicas))
		}
	}
	return out[min(s.from, len(out)):]
}

// mark begins anew.
func (s *sizeLog) mark() { s.from += len(s.all()) }

// only wants that one program wrote all that was written since the mark, and
// that there was something; nobody wrote nothing. It sets the mark.
func (s *sizeLog) only(when, who string) {
	s.t.Helper()
	got := s.all()
	if (who == nobody) != (len(got) == 0) {
		s.t.Errorf("%s: sizes written %q, want some by %q only", when, got, who)
	}
	for _, w := range got {
		if !strings.HasPrefix(w, who+" ") {
			s.t.Errorf("%s: sizes written %q, want them by %q only", when, got, who)
			break
		}
	}
	s.mark()
}

// Who may write a size.
const (
	nobody   = ""
	byFurl   = "furl"
	upstream = "kube-controller-manager"
)

// uses sets what each simulated pod uses.
func uses(l *labtest.Lab, cpu string) {
	l.Kubectl("annotate", "pods", "--all", "--overwrite", "furl.dev/cpu="+cpu)
}

// quiet is how long nothing may happen for it to count as rest: a few syncs of
// a controller that looks each second.
const quiet = 4 * time.Second
