package avail

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// operatorUser is who every operator is to the API server. Which one it is says the user agent.
const operatorUser = "system:serviceaccount:furl-system:furl"

// auditPolicy has the API server note all that operators write, with what they write into leases, and every size that
// anybody writes.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Request
  verbs: [create, update, patch]
  users: ["` + operatorUser + `"]
  resources: [{group: coordination.k8s.io, resources: [leases]}]
- level: Request
  verbs: [update, patch]
  namespaces: [` + namespace + `]
  resources: [{group: apps, resources: [deployments/scale]}]
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
  users: ["` + operatorUser + `"]
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

// event is what is read of a line of the log.
type event struct {
	Verb     string    `json:"verb"`
	Agent    string    `json:"userAgent"`
	URI      string    `json:"requestURI"`
	Received time.Time `json:"requestReceivedTimestamp"`
	Answered time.Time `json:"stageTimestamp"`
	User     struct {
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
	Request struct {
		Spec struct {
			Holder   string `json:"holderIdentity"`
			Seconds  int    `json:"leaseDurationSeconds"`
			Replicas int32  `json:"replicas"`
		} `json:"spec"`
	} `json:"requestObject"`
}

// is tells of which kind it is, such as "deployments/scale".
func (e *event) is(kind string) bool { return e.kind() == kind }

func (e *event) kind() string {
	if e.ObjectRef.Subresource == "" {
		return e.ObjectRef.Resource
	}
	return e.ObjectRef.Resource + "/" + e.ObjectRef.Subresource
}

// by is the replica that asked; empty for anybody else.
func (e *event) by() string {
	name, ours := strings.CutPrefix(e.Agent, "furl/")
	if !ours || e.User.Username != operatorUser {
		return ""
	}
	return name
}

// worked tells that the request was carried out.
func (e *event) worked() bool { return e.ResponseStatus.Code >= 200 && e.ResponseStatus.Code < 300 }

// String names it for a report.
func (e *event) String() string {
	return fmt.Sprintf("%s of %s %s by %q at %s, answered %d", e.Verb, e.kind(), e.ObjectRef.Name, e.Agent, e.Received.Format("15:04:05.000"), e.ResponseStatus.Code)
}

// read returns all events of a log but the last line, where that is still being written.
func read(log io.Reader) ([]event, error) {
	var all []event
	for d := json.NewDecoder(log); ; {
		var e event
		switch err := d.Decode(&e); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return all, nil
		case err != nil:
			return all, fmt.Errorf("a line of the audit log: %w", err)
		}
		all = append(all, e)
	}
}

// audited is what the log has so far.
func (h *Harness) audited() ([]event, error) {
	log, err := os.Open(h.Audit)
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	defer func() { _ = log.Close() }() // only read
	return read(log)
}
