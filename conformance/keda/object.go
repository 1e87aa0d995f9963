package keda

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"k8s.io/apimachinery/pkg/types"
)

// scaledObject reads an object of a record, in which "now-60s" is a minute
// before an instant. What every stored object has is filled in.
func scaledObject(raw json.RawMessage, at time.Time) (*v1alpha1.ScaledObject, error) {
	dated, err := dates(raw, at)
	if err != nil {
		return nil, err
	}
	o := new(v1alpha1.ScaledObject)
	if err := json.Unmarshal(dated, o); err != nil {
		return nil, fmt.Errorf("object: %w", err)
	}
	o.UID = types.UID(o.Namespace + "/" + o.Name)
	if o.Namespace == "" {
		o.Namespace = "default"
	}
	if o.Spec.ScaleTargetRef == nil {
		o.Spec.ScaleTargetRef = &v1alpha1.ScaleTarget{}
	}
	if o.Spec.ScaleTargetRef.Name == "" {
		o.Spec.ScaleTargetRef.Name = "workload"
	}
	return o, nil
}

// dates puts instants in the place of "now" and "now-60s".
func dates(raw json.RawMessage, at time.Time) (json.RawMessage, error) {
	if len(raw) == 0 {
		return json.RawMessage("{}"), nil
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	return json.Marshal(dated(v, at))
}

func dated(v any, at time.Time) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = dated(v[k], at)
		}
	case []any:
		for i := range v {
			v[i] = dated(v[i], at)
		}
	case string:
		if t, ok := instant(v, at); ok {
			return t.Format(time.RFC3339)
		}
	}
	return v
}

// instant reads "now" and "now-60s".
func instant(word string, at time.Time) (time.Time, bool) {
	span, ok := strings.CutPrefix(word, "now")
	if !ok {
		return time.Time{}, false
	}
	if span == "" {
		return at, true
	}
	d, err := time.ParseDuration(span)
	return at.Add(d), err == nil
}
