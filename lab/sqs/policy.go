package sqs

import (
	"encoding/json"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
)

// denial is a statement of a queue's policy that keeps callers out. Statements that allow change nothing here, where
// everybody may do everything, and those with conditions are kept and not understood.
type denial struct {
	who     some[string]
	actions some[string]
}

// some is one thing or a list of them, as policies have it.
type some[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (n *some[T]) UnmarshalJSON(raw []byte) error {
	var one T
	if json.Unmarshal(raw, &one) == nil {
		*n = some[T]{one}
		return nil
	}
	var all []T
	err := json.Unmarshal(raw, &all)
	*n = all
	return err
}

// principal is "*", or whom an AWS principal names.
type principal struct{ who some[string] }

// UnmarshalJSON implements json.Unmarshaler.
func (p *principal) UnmarshalJSON(raw []byte) error {
	if p.who.UnmarshalJSON(raw) == nil {
		return nil
	}
	var of struct{ AWS some[string] }
	err := json.Unmarshal(raw, &of)
	p.who = of.AWS
	return err
}

type statement struct {
	Effect    string
	Principal principal
	Action    some[string]
	Condition json.RawMessage
}

// readPolicy gives what a policy denies; an empty text takes the policy away.
func readPolicy(text string) ([]denial, error) {
	if text == "" {
		return nil, nil
	}
	var p struct{ Statement some[statement] }
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return nil, faultf(invalidValue, "Value %s for parameter Policy is invalid: %v", text, err)
	}
	var out []denial
	for _, s := range p.Statement {
		if s.Effect == "Deny" && s.Condition == nil {
			out = append(out, denial{who: s.Principal.who, actions: s.Action})
		}
	}
	return out, nil
}

// denies tells that a statement keeps a caller from an action, such as sqs:GetQueueAttributes.
func (d denial) denies(caller, action string) bool {
	return slices.ContainsFunc(d.who, func(w string) bool { return w == "*" || w == caller }) &&
		slices.ContainsFunc(d.actions, func(a string) bool {
			ok, err := path.Match(strings.ToLower(a), strings.ToLower(action)) // no action has a slash
			return err == nil && ok
		})
}

// mend are the operations by which the owner of a queue undoes a policy.
func mend() []string { return []string{"SetQueueAttributes", "DeleteQueue"} }

// allow refuses what the policy of the queue denies to the caller.
func (s *Server) allow(r *http.Request, operation string, body []byte) error {
	var in queueIn
	if json.Unmarshal(body, &in) != nil || in.QueueUrl == "" || slices.Contains(mend(), operation) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return nil // the operation says so itself
	}
	caller := callerOf(r)
	for _, d := range q.settings.denials {
		if d.denies(caller, "sqs:"+operation) {
			return faultf(accessDenied, "User: %s is not authorized to perform: sqs:%s on resource: %s with an explicit deny in a resource-based policy",
				caller, strings.ToLower(operation), s.arn(q.name))
		}
	}
	return nil
}

// callerOf names the user of a request by its access key: signatures are not checked, so it is who it says it is.
func callerOf(r *http.Request) string {
	user := "anonymous"
	if m := regexp.MustCompile(`Credential=([\w.@+-]+)/`).FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		user = m[1]
	}
	return "arn:aws:iam::" + Account + ":user/" + user
}
