package keda

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/operator/webhook/admit"
)

// Difference is a row of docs/compatibility.md that a record falls under. It is
// decided by a property of the record, never by its name.
type Difference struct {
	Row string
	// Of are the parts of the record that the row explains.
	Of []string
}

// covers says that the row explains all that differs.
func (d Difference) covers(diffs []string) bool {
	return d.Row != "" && !slices.ContainsFunc(diffs, func(diff string) bool {
		return !slices.ContainsFunc(d.Of, func(part string) bool { return strings.HasPrefix(diff, part) })
	})
}

// The rows, by their first cell.
const (
	rowPausedAt = "The size of `autoscaling.keda.sh/paused-replicas`"
	rowRefused  = "A write of the size that the API server refuses"
	rowTarget   = "`fallback` beside a formula whose `target` is no whole number"
	rowUnfit    = "A formula that gives a negative number, NaN or infinity"
	rowOlder    = "The HPA of an object that changed while KEDA looked"
	rowXML      = "metrics-api: `format: xml`"
	rowSettings = "Settings of a trigger that cannot be used, at admission"
)

// different finds the row that explains why a record does not hold.
func different(r Record) Difference {
	switch kind, what, _ := strings.Cut(strings.TrimPrefix(r.Category, "extra/"), "/"); kind {
	case "scaledobject_executor":
		return differentRequest(r)
	case "fallback":
		return differentFallback(r)
	case "hpa":
		return differentBuild(r)
	case "modifiers", "handler":
		return differentFormula(r)
	case "webhook":
		return Difference{rowSettings, []string{ownRule + string(admit.Settings)}}
	case "trigger_functions":
		var in struct {
			Arguments struct {
				Format string `json:"format"`
			} `json:"arguments"`
		}
		if what == "GetValueFromResponse" && json.Unmarshal(r.Input, &in) == nil && in.Arguments.Format == "xml" {
			return Difference{rowXML, []string{"error"}}
		}
	}
	return Difference{}
}

// differentBuild is about an HPA that was made of another state of the object
// than the record has: KEDA copies all annotations.
func differentBuild(r Record) Difference {
	type annotated struct {
		Metadata struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
	}
	var in struct {
		Object annotated `json:"scaled_object"`
	}
	var exp struct {
		HPA annotated `json:"hpa"`
	}
	if json.Unmarshal(r.Input, &in) != nil || json.Unmarshal(r.Expected, &exp) != nil ||
		maps.Equal(in.Object.Metadata.Annotations, exp.HPA.Metadata.Annotations) {
		return Difference{}
	}
	return Difference{rowOlder, []string{"annotations", "spec"}}
}

// differentRequest is about a size to pause at, which KEDA's reconciler sets
// and Furl's one decision, and about writes that fail.
func differentRequest(r Record) Difference {
	var in struct {
		Object v1alpha1.ScaledObject `json:"scaled_object"`
	}
	var exp struct {
		Effects []effect `json:"effects"`
	}
	if json.Unmarshal(withoutTimes(r.Input), &in) != nil || json.Unmarshal(r.Expected, &exp) != nil {
		return Difference{}
	}
	if n, err := in.Object.PausedReplicas(); err == nil && n != nil {
		return Difference{rowPausedAt, []string{"effects", "pause_replicas"}}
	}
	if slices.ContainsFunc(exp.Effects, func(e effect) bool { return e.Error != nil }) {
		return Difference{rowRefused, []string{"condition Ready"}}
	}
	return Difference{}
}

// withoutTimes is a record in which "now" and "now-60s" are dates.
func withoutTimes(raw json.RawMessage) json.RawMessage {
	dated, err := dates(raw, now())
	if err != nil {
		return raw
	}
	return dated
}

// differentFallback is about a target of a formula that KEDA's fallback cannot read.
func differentFallback(r Record) Difference {
	var in struct {
		Object v1alpha1.ScaledObject `json:"scaled_object"`
	}
	if json.Unmarshal(withoutTimes(r.Input), &in) != nil || in.Object.Spec.Fallback == nil || in.Object.Spec.Advanced == nil {
		return Difference{}
	}
	target := in.Object.Spec.Advanced.ScalingModifiers.Target
	_, whole := strconv.ParseInt(target, 10, 64)
	f, number := strconv.ParseFloat(target, 64)
	if whole == nil || number != nil || f <= 0 {
		return Difference{}
	}
	return Difference{rowTarget, []string{"fallback_used", "metrics", "error", "health_after", "fallback_condition_after"}}
}

// differentFormula is about results that are no measurement.
func differentFormula(r Record) Difference {
	var exp struct {
		Metrics []metric `json:"metrics"`
	}
	if json.Unmarshal(r.Expected, &exp) != nil {
		return Difference{}
	}
	if slices.ContainsFunc(exp.Metrics, func(m metric) bool { return m.Value.Sign() < 0 }) {
		return Difference{rowUnfit, []string{"metrics", "error"}}
	}
	return Difference{}
}
