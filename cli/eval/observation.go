package eval

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// APIVersion of observations; a document may leave it out.
const APIVersion = "furl.dev/v1alpha1"

// observation is a document: what is true from one instant on. What it leaves
// out stays as the observation before it said.
type observation struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// HPA names the HPA observed; needed only where there are several.
	HPA string `json:"hpa"`
	// ScaledObject names the ScaledObject observed, likewise.
	ScaledObject string `json:"scaledObject"`
	// At is an offset such as 30s or an instant; absent, 15s (for a ScaledObject
	// the polling interval) after the end of the one before.
	At text `json:"at"`
	// For holds the observation that long, with a decision each Every (15s, or the polling interval).
	For   text `json:"for"`
	Every text `json:"every"`
	// Replicas is a number, or {spec, status}; absent, what the last decision said.
	Replicas *replicas `json:"replicas"`
	Pods     []podLine `json:"pods"`
	// Metrics are values by the signal's name, such as external/queue: 35.
	Metrics map[string]metric `json:"metrics"`
	// Triggers are values of a ScaledObject's triggers, by the metric's name or
	// the trigger's name, type or place.
	Triggers map[string]triggerValue `json:"triggers"`
	// LastActive is when a trigger was last active: how long ago, or an instant.
	LastActive text `json:"lastActive"`
	// Created is when the ScaledObject was, likewise.
	Created text         `json:"created"`
	Expect  *expectation `json:"expect"`

	where       place
	from, until time.Time
	every       time.Duration
}

// text is a scalar as it was written, so that errors can quote it.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = text(s)
		return nil
	}
	if strings.ContainsAny(string(b), "{[") {
		return fmt.Errorf("%s is not a single value", b)
	}
	*t = text(b)
	return nil
}

type replicas struct{ Spec, Status int32 }

func (r *replicas) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &r.Spec) == nil {
		r.Status = r.Spec
		return nil
	}
	var both struct {
		Spec   *int32 `json:"spec"`
		Status *int32 `json:"status"`
	}
	if err := strict(b, &both); err != nil {
		return fmt.Errorf("replicas: %w", err)
	}
	if both.Spec == nil || both.Status == nil {
		return errors.New("replicas: write a number, or both spec and status")
	}
	r.Spec, r.Status = *both.Spec, *both.Status
	return nil
}

// metric is a value, or why there is none.
type metric struct {
	Value   text
	Missing string
}

func (m *metric) UnmarshalJSON(b []byte) error {
	if !strings.HasPrefix(strings.TrimSpace(string(b)), "{") {
		return json.Unmarshal(b, &m.Value)
	}
	var reason struct {
		Missing string `json:"missing"`
	}
	if err := strict(b, &reason); err != nil {
		return err
	}
	if reason.Missing == "" {
		return errors.New("metrics: write a value, or missing with a reason")
	}
	m.Missing = reason.Missing
	return nil
}

func strict(b []byte, to any) error {
	return orPlain(yaml.UnmarshalStrict(b, to))
}

func orPlain(err error) error {
	if err == nil {
		return nil
	}
	return plain(err)
}

func (d *documents) addObservation(doc document) error {
	o := &observation{where: doc.where}
	if err := yaml.UnmarshalStrict(doc.text, o); err != nil {
		return doc.where.wrap(plain(err))
	}
	if o.APIVersion != "" && o.APIVersion != APIVersion {
		return doc.where.wrap(fmt.Errorf("apiVersion is %q; write %s or leave it out", o.APIVersion, APIVersion))
	}
	d.observations = append(d.observations, o)
	return nil
}
