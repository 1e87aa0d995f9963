package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// operatorUser is who the operator is to the API server.
const operatorUser = "system:serviceaccount:furl-system:furl"

// auditPolicy has the API server note the operator's requests, and who else writes deployments, each once, when it is
// answered.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
  users: ["` + operatorUser + `"]
- level: Metadata
  verbs: [update, patch]
  resources: [{group: apps, resources: [deployments, deployments/status]}]
- level: None
`

// AuditArgs writes the policy of an audit log into a folder and returns the arguments that have kube-apiserver keep that
// log, and where it will be.
func AuditArgs(dir string) (args []string, log string, err error) {
	policy := filepath.Join(dir, "audit.yaml")
	if err := os.WriteFile(policy, []byte(auditPolicy), 0o600); err != nil {
		return nil, "", fmt.Errorf("write the audit policy: %w", err)
	}
	log = filepath.Join(dir, "audit.log")
	return []string{"--audit-policy-file=" + policy, "--audit-log-path=" + log}, log, nil
}

// auditEvent is what is read of a line of the log.
type auditEvent struct {
	Verb       string    `json:"verb"`
	RequestURI string    `json:"requestURI"`
	Received   time.Time `json:"requestReceivedTimestamp"`
	Answered   time.Time `json:"stageTimestamp"`
	User       struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

// what names a request: its verb and its resource, or its path where there is none.
func (e *auditEvent) what() string {
	if e.ObjectRef.Resource == "" {
		path, _, _ := strings.Cut(e.RequestURI, "?")
		return e.Verb + " " + path
	}
	name := e.Verb + " " + e.ObjectRef.Resource
	if e.ObjectRef.Subresource != "" {
		name += "/" + e.ObjectRef.Subresource
	}
	return name
}

// isOurs says that the operator asked.
func (e *auditEvent) isOurs() bool { return e.User.Username == operatorUser }

// requests counts what the log has of the operator between two instants.
func (b *Bench) requests(from, to time.Time) (Requests, error) {
	all := Requests{}
	return all, b.audited(func(e *auditEvent) {
		if e.isOurs() && !e.Answered.Before(from) && e.Answered.Before(to) {
			all[e.what()]++
		}
	})
}

// scaleWrite is when a write of a deployment's size arrived at the API server. One that was refused, because somebody
// else had written the deployment meanwhile, is tried again.
type scaleWrite struct {
	at      time.Time
	refused bool
	after   string // who else had written the deployment since the operator did, if refused
}

// scaleWrites are those the log has, by deployment.
func (b *Bench) scaleWrites() (map[string][]scaleWrite, error) {
	all, other := map[string][]scaleWrite{}, map[string]string{}
	return all, b.audited(func(e *auditEvent) {
		of, code := e.ObjectRef.Name, e.ResponseStatus.Code
		switch {
		case e.ObjectRef.Resource != "deployments" || e.Verb != "update" && e.Verb != "patch":
		case !e.isOurs() && code < http.StatusBadRequest:
			other[of] = e.User.Username[strings.LastIndex(e.User.Username, ":")+1:]
		case e.isOurs() && code == http.StatusConflict:
			all[of] = append(all[of], scaleWrite{e.Received, true, other[of]})
		case e.isOurs():
			all[of] = append(all[of], scaleWrite{at: e.Received})
			delete(other, of)
		}
	})
}

func (b *Bench) audited(each func(*auditEvent)) error {
	log, err := os.Open(b.Audit)
	if err != nil {
		return fmt.Errorf("read the audit log: %w", err)
	}
	defer func() { _ = log.Close() }() // only read
	return read(log, each)
}

// read passes on every event but the last line, where that is still being written.
func read(log io.Reader, each func(*auditEvent)) error {
	for d := json.NewDecoder(log); ; {
		var e auditEvent
		switch err := d.Decode(&e); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return fmt.Errorf("a line of the audit log: %w", err)
		}
		each(&e)
	}
}
