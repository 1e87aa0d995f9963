package keda

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/conformance/same"
)

// asked is a question about an object.
type asked struct {
	Question     string                   `json:"question"`
	Object       json.RawMessage          `json:"object"`
	ScaledObject json.RawMessage          `json:"scaledObject"`
	Triggers     []v1alpha1.ScaleTriggers `json:"triggers"`
	Kind         string                   `json:"kind"`
	Name         string                   `json:"name"`
	Namespace    string                   `json:"namespace"`
}

func replayRule(_ context.Context, r Record, _ Options) ([]string, error) {
	type expected struct {
		Result json.RawMessage `json:"result"`
		Error  *string         `json:"error"`
	}
	in, exp, err := into[asked, expected](r, "result", "error")
	if err != nil {
		return nil, err
	}
	got, refused, err := in.answer()
	if err != nil {
		return nil, err
	}
	d, made := refusal("error", exp.Error != nil, refused)
	if !made {
		return d, nil
	}
	if len(exp.Result) == 0 {
		exp.Result = json.RawMessage("null")
	}
	return append(d, same.Differences("result", exp.Result, got)...), nil
}

// answer asks the types of the API. Refused is an answer, err is of a record
// that cannot be understood.
func (q *asked) answer() (got any, refused, err error) {
	switch q.Question {
	case "conditions complete?":
		c, err := decoded[v1alpha1.Conditions](q.Object)
		return c.AreInitialized(), nil, err
	case "group/version.Kind string":
		k, err := decoded[v1alpha1.GroupVersionKindResource](q.Object)
		return k.GVKString(), nil, err
	case "effective min of a ScaledJob":
		j, err := decoded[v1alpha1.ScaledJob](q.Object)
		return j.MinReplicas(), nil, err
	case "effective max of a ScaledJob":
		j, err := decoded[v1alpha1.ScaledJob](q.Object)
		return j.MaxReplicas(), nil, err
	case "trigger list valid?":
		return nil, v1alpha1.ValidateTriggers(q.Triggers), nil
	case "internal identifier":
		if q.Object == nil {
			return v1alpha1.Identifier(q.Kind, q.Namespace, q.Name), nil, nil
		}
	}
	raw := q.Object
	if raw == nil {
		raw = q.ScaledObject
	}
	o, err := decoded[v1alpha1.ScaledObject](raw)
	if err != nil {
		return nil, nil, err
	}
	return q.answerOf(&o)
}

// answerOf answers questions about a ScaledObject.
func (q *asked) answerOf(o *v1alpha1.ScaledObject) (got any, refused, err error) {
	switch q.Question {
	case "internal identifier":
		return o.Identifier(), nil, nil
	case "fallback settings valid?":
		return nil, o.ValidateFallback(), nil
	case "replica bounds valid?":
		return nil, o.ValidateReplicas(), nil
	case "has a pause annotation?":
		return o.HasPauseAnnotation(), nil, nil
	case "paused by annotation?":
		return o.IsPaused(), nil, nil
	case "scalingModifiers in use?":
		return o.UsesModifiers(), nil, nil
	case "minReplicas of the HPA":
		return o.HPAMinReplicas(), nil, nil
	case "maxReplicas of the HPA":
		return o.MaxReplicas(), nil, nil
	case "value of paused-replicas annotation":
		n, refused := o.PausedReplicas()
		return n, refused, nil
	}
	return nil, nil, fmt.Errorf("question %q is not known to the runner", q.Question)
}

func decoded[T any](raw json.RawMessage) (out T, err error) {
	if err = json.Unmarshal(raw, &out); err != nil {
		err = fmt.Errorf("object: %w", err)
	}
	return out, err
}
