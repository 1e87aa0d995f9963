package keda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/operator/webhook/admit"
	"github.com/furl-dev/furl/triggers/all"
)

// admission is a request to let an object in.
type admission struct {
	Operation string            `json:"operation"`
	DryRun    bool              `json:"dry_run"`
	Object    json.RawMessage   `json:"object"`
	Old       json.RawMessage   `json:"old_object"`
	Existing  []json.RawMessage `json:"existing_objects"`
}

// verdict is what KEDA's webhook, or the schema before it, said.
type verdict struct {
	Decision string   `json:"decision"`
	DeniedBy string   `json:"denied_by"`
	Reason   *string  `json:"metric_reason"`
	Warnings []string `json:"webhook_warnings"`
	Failing  []string `json:"all_failing_checks"`
}

const (
	allow    = "allow"
	deny     = "deny"
	byHook   = "webhook"
	bySchema = "crd_schema_or_cel"
	// ownRule begins a difference that a rule of Furl's alone makes.
	ownRule = "own rule "
)

// replayAdmission lets the rules of the webhook judge an object, after its schema has.
func replayAdmission(ctx context.Context, r Record, _ Options) ([]string, error) {
	in, exp, err := into[admission, verdict](r,
		"decision", "denied_by", "metric_reason", "webhook_warnings", "all_failing_checks", "message", "rule")
	if err != nil {
		return nil, err
	}
	kind, err := kindOf(in.Object)
	if err != nil {
		return nil, err
	}
	violations, err := schemaViolations(kind, in.Object)
	if err != nil {
		return nil, err
	}
	if len(violations) > 0 || exp.DeniedBy == bySchema {
		got := verdict{Decision: deny, DeniedBy: bySchema}
		if len(violations) == 0 {
			got = verdict{Decision: allow}
		}
		return append(same.Differences("decision", exp.Decision, got.Decision), same.Differences("denied_by", exp.DeniedBy, got.DeniedBy)...), nil
	}
	a, err := in.judge(ctx, kind)
	if err != nil {
		return nil, err
	}
	return compareAdmission(&exp, &a), nil
}

// judge asks the rules that the operator links.
func (in *admission) judge(ctx context.Context, kind string) (admit.Answer, error) {
	around, err := newSurroundings(in.Existing)
	if err != nil {
		return admit.Answer{}, err
	}
	kinds := all.Kinds()
	rules := admit.Rules{Neighbours: around, Workloads: around, Kind: kinds.Find}
	switch kind {
	case v1alpha1.KindScaledObject:
		o, old, err := bothOf[v1alpha1.ScaledObject](in)
		if err != nil {
			return admit.Answer{}, err
		}
		return rules.ScaledObject(ctx, o, old, admit.Request{DryRun: in.DryRun})
	case v1alpha1.KindScaledJob:
		j, old, err := bothOf[v1alpha1.ScaledJob](in)
		if err != nil {
			return admit.Answer{}, err
		}
		return rules.ScaledJob(j, old), nil
	case v1alpha1.KindTriggerAuthentication, v1alpha1.KindClusterTriggerAuthentication:
		t, err := decoded[v1alpha1.TriggerAuthentication](in.Object) // those of the cluster read alike
		return rules.Authentication(kind, &t.Spec, nil), err
	}
	return admit.Answer{}, fmt.Errorf("object: kind %q is not known to the runner", kind)
}

func bothOf[T any](in *admission) (is, was *T, err error) {
	now, err := decoded[T](in.Object)
	if err != nil || in.Operation != "update" {
		return &now, nil, err
	}
	old, err := decoded[T](in.Old)
	return &now, &old, err
}

func kindOf(object json.RawMessage) (string, error) {
	o, err := decoded[struct {
		Kind string `json:"kind"`
	}](object)
	if err == nil && o.Kind == "" {
		err = errors.New("object: it has no kind")
	}
	return o.Kind, err
}

// compareAdmission holds the answer by KEDA's rules against what was recorded,
// and tells of what Furl's own rules refuse beside.
func compareAdmission(exp *verdict, a *admit.Answer) []string {
	got, own := verdict{Decision: allow}, []string(nil)
	for _, f := range a.Refusals {
		if isOwn(f.Reason) {
			if exp.Decision == allow { // what is refused anyway is refused for one reason more
				own = append(own, ownRule+string(f.Reason)+": "+f.Text)
			}
			continue
		}
		got.Decision, got.DeniedBy = deny, byHook
		got.Failing = append(got.Failing, checks(f.Reason)...)
	}
	d := same.Differences("decision", exp.Decision, got.Decision)
	d = append(d, same.Differences("denied_by", exp.DeniedBy, got.DeniedBy)...)
	if exp.Failing != nil {
		slices.Sort(got.Failing)
		slices.Sort(exp.Failing)
		d = append(d, same.Differences("all_failing_checks", exp.Failing, slices.Compact(got.Failing))...)
	}
	if exp.Reason != nil && !slices.ContainsFunc(a.Refusals, func(f admit.Refusal) bool { return string(f.Reason) == *exp.Reason }) {
		d = append(d, fmt.Sprintf("metric_reason: want %s among %v", *exp.Reason, a.Refusals))
	}
	for _, w := range exp.Warnings {
		if !slices.Contains(a.Warnings, w) {
			d = append(d, fmt.Sprintf("webhook_warnings: want %q among %q", w, a.Warnings))
		}
	}
	for _, w := range a.Warnings {
		if (strings.HasPrefix(w, "PollingInterval ") || strings.HasPrefix(w, "CooldownPeriod ")) && !slices.Contains(exp.Warnings, w) {
			d = append(d, fmt.Sprintf("webhook_warnings: %q, which KEDA does not say", w))
		}
	}
	return append(d, own...)
}

// isOwn says that KEDA has no such rule.
func isOwn(r admit.Reason) bool {
	return r == admit.Settings || r == admit.Behavior || r == admit.Annotation
}

// checks are KEDA's functions that fail for a reason, with the reason where
// they count it under one.
func checks(r admit.Reason) []string {
	counted := func(check string) []string { return []string{check + ": " + string(r)} }
	switch r {
	case admit.IncorrectReplicas:
		return counted("verifyReplicaCount")
	case admit.NameTooLong, admit.HPANameTooLong:
		return counted("verifyName")
	case admit.IncorrectFallback:
		return counted("verifyFallback")
	case admit.IncorrectTriggers:
		return counted("verifyTriggers")
	case admit.OtherHPA, admit.TransferWithout:
		return counted("verifyHpas")
	case admit.OtherObject, admit.OtherObjectsHPA, admit.Modifiers, admit.FallbackFormula:
		return counted("verifyScaledObjects")
	case admit.MissingRequests, admit.ScaleToZeroByUsage:
		return counted("verifyCPUMemoryScalers")
	case admit.UnknownKind:
		return []string{"verifyHpas", "verifyScaledObjects"}
	case admit.NoTarget:
		return []string{"verifyCPUMemoryScalers"}
	case admit.Authentication, admit.Settings, admit.Behavior, admit.Annotation:
	}
	return nil
}
