package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// auditPolicy has the API server note the operator's requests and no others, each once, when it is answered.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
  users: ["system:serviceaccount:furl-system:furl"]
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
	ObjectRef  struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Name        string `json:"name"`
	} `json:"objectRef"`
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

// Requests counts requests by verb and resource, such as "patch scaledobjects/status".
type Requests map[string]int

// requests counts what the log has between two instants.
func (b *Bench) requests(from, to time.Time) (Requests, error) {
	all := Requests{}
	return all, b.audited(func(e *auditEvent) {
		if !e.Answered.Before(from) && e.Answered.Before(to) {
			all[e.what()]++
		}
	})
}

// scaleWrites are the arrivals of the writes of a deployment's size at the API server, by its name.
func (b *Bench) scaleWrites() (map[string][]time.Time, error) {
	all := map[string][]time.Time{}
	return all, b.audited(func(e *auditEvent) {
		switch e.what() {
		case "update deployments/scale", "patch deployments/scale":
			all[e.ObjectRef.Name] = append(all[e.ObjectRef.Name], e.Received)
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

// Writes are those that change an object, but for the lease of the leader. Reviews of tokens and rights are written with
// POST, and leave nothing.
func (r Requests) Writes() Requests {
	return r.some(func(verb, resource string) bool {
		switch verb {
		case "create", "update", "patch", "delete", "deletecollection":
			return resource != "leases" && !strings.HasSuffix(resource, "reviews")
		}
		return false
	})
}

// Reads are single objects and lists that were asked for.
func (r Requests) Reads() Requests {
	return r.some(func(verb, _ string) bool { return verb == "get" || verb == "list" })
}

// Others are all the rest: watches that ended, the lease, reviews.
func (r Requests) Others() Requests {
	writes, reads := r.Writes(), r.Reads()
	others := maps.Clone(r)
	maps.DeleteFunc(others, func(what string, _ int) bool { return writes[what]+reads[what] > 0 })
	return others
}

func (r Requests) some(are func(verb, resource string) bool) Requests {
	some := Requests{}
	for what, n := range r {
		verb, resource, _ := strings.Cut(what, " ")
		resource, _, _ = strings.Cut(resource, "/")
		if are(verb, resource) {
			some[what] = n
		}
	}
	return some
}

// Sum is how many there are.
func (r Requests) Sum() int {
	sum := 0
	for _, n := range r {
		sum += n
	}
	return sum
}

// String lists them, such as "12 (10 patch deployments/scale, 2 create events)".
func (r Requests) String() string {
	if len(r) == 0 {
		return "0"
	}
	parts := make([]string, 0, len(r))
	for _, what := range slices.Sorted(maps.Keys(r)) {
		parts = append(parts, fmt.Sprintf("%d %s", r[what], what))
	}
	return fmt.Sprintf("%d (%s)", r.Sum(), strings.Join(parts, ", "))
}
