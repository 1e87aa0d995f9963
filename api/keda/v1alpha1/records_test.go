package v1alpha1_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/google/go-cmp/cmp"
)

// record is one of KEDA's answers about an object, see conformance/testdata/keda.
type record struct {
	ID    string `json:"id"`
	Input struct {
		Question     string                   `json:"question"`
		Object       json.RawMessage          `json:"object"`
		ScaledObject json.RawMessage          `json:"scaledObject"`
		Triggers     []v1alpha1.ScaleTriggers `json:"triggers"`
		Kind         string                   `json:"kind"`
		Name         string                   `json:"name"`
		Namespace    string                   `json:"namespace"`
	} `json:"input"`
	Expected struct {
		Result any     `json:"result"`
		Error  *string `json:"error"`
	} `json:"expected"`
}

// questions answers what the records ask, by the code that the operator links.
var questions = map[string]func(*testing.T, record) (any, error){
	"conditions complete?": func(t *testing.T, r record) (any, error) {
		return decode[v1alpha1.Conditions](t, r.Input.Object).AreInitialized(), nil
	},
	"group/version.Kind string": func(t *testing.T, r record) (any, error) {
		return decode[v1alpha1.GroupVersionKindResource](t, r.Input.Object).GVKString(), nil
	},
	"internal identifier": func(t *testing.T, r record) (any, error) {
		if r.Input.Object != nil {
			return scaledObject(t, r).Identifier(), nil
		}
		return v1alpha1.Identifier(r.Input.Kind, r.Input.Namespace, r.Input.Name), nil
	},
	"effective min of a ScaledJob": func(t *testing.T, r record) (any, error) {
		return decode[*v1alpha1.ScaledJob](t, r.Input.Object).MinReplicas(), nil
	},
	"effective max of a ScaledJob": func(t *testing.T, r record) (any, error) {
		return decode[*v1alpha1.ScaledJob](t, r.Input.Object).MaxReplicas(), nil
	},
	"fallback settings valid?": func(t *testing.T, r record) (any, error) {
		return nil, decode[*v1alpha1.ScaledObject](t, r.Input.ScaledObject).ValidateFallback()
	},
	"replica bounds valid?": func(t *testing.T, r record) (any, error) {
		return nil, decode[*v1alpha1.ScaledObject](t, r.Input.ScaledObject).ValidateReplicas()
	},
	"trigger list valid?": func(_ *testing.T, r record) (any, error) {
		return nil, v1alpha1.ValidateTriggers(r.Input.Triggers)
	},
	"has a pause annotation?": func(t *testing.T, r record) (any, error) { return scaledObject(t, r).HasPauseAnnotation(), nil },
	"paused by annotation?":   func(t *testing.T, r record) (any, error) { return scaledObject(t, r).IsPaused(), nil },
	"scalingModifiers in use?": func(t *testing.T, r record) (any, error) {
		return scaledObject(t, r).UsesModifiers(), nil
	},
	"minReplicas of the HPA":              func(t *testing.T, r record) (any, error) { return scaledObject(t, r).HPAMinReplicas(), nil },
	"maxReplicas of the HPA":              func(t *testing.T, r record) (any, error) { return scaledObject(t, r).MaxReplicas(), nil },
	"value of paused-replicas annotation": func(t *testing.T, r record) (any, error) { return scaledObject(t, r).PausedReplicas() },
}

func TestRules_answer_as_KEDA_does(t *testing.T) {
	data, err := os.ReadFile("../../../conformance/testdata/keda/object_rules.json")
	if err != nil {
		t.Fatal(err)
	}
	records := decode[[]record](t, data)
	if len(records) == 0 {
		t.Fatal("no record")
	}
	for _, r := range records {
		t.Run(r.ID, func(t *testing.T) {
			answer, known := questions[r.Input.Question]
			if !known {
				t.Fatalf("question %q: nobody answers it", r.Input.Question)
			}
			got, err := answer(t, r)
			if (err != nil) != (r.Expected.Error != nil) {
				t.Fatalf("error %v, KEDA has %v", err, r.Expected.Error)
			}
			if err != nil {
				return // the wording is ours
			}
			if diff := cmp.Diff(r.Expected.Result, plain(t, got)); diff != "" {
				t.Errorf("KEDA's answer (-), ours (+):\n%s", diff)
			}
		})
	}
}

func scaledObject(t *testing.T, r record) *v1alpha1.ScaledObject {
	t.Helper()
	return decode[*v1alpha1.ScaledObject](t, r.Input.Object)
}

// decode reads what a record holds.
func decode[T any](t *testing.T, data []byte) (into T) {
	t.Helper()
	if err := json.Unmarshal(data, &into); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return into
}

// plain is what a value is in JSON, so that numbers and pointers compare.
func plain(t *testing.T, v any) (out any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
