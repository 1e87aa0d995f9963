package keda

import (
	"context"
	"fmt"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/operator/actuation"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// seen is an HPA as a record's API server has it.
type seen struct {
	Error  *string                                     `json:"error"`
	Status autoscalingv2.HorizontalPodAutoscalerStatus `json:"status"`
}

// autoscaler is the HPA, nil for one that cannot be seen.
func (s *seen) autoscaler() *autoscalingv2.HorizontalPodAutoscaler {
	if s == nil || s.Error != nil {
		return nil
	}
	return &autoscalingv2.HorizontalPodAutoscaler{Status: s.Status}
}

// replayHealth asks what an object's condition HPAActive says of its HPA.
func replayHealth(_ context.Context, r Record, _ Options) ([]string, error) {
	type input struct {
		Name  string `json:"status_hpa_name"`
		Reads []struct {
			Error      *string                                          `json:"error"`
			Conditions []autoscalingv2.HorizontalPodAutoscalerCondition `json:"conditions"`
		} `json:"hpa_read"`
	}
	type expected struct {
		Status  metav1.ConditionStatus `json:"status"`
		Reason  string                 `json:"reason"`
		Message string                 `json:"message"`
	}
	in, exp, err := into[input, expected](r, "status", "reason", "message")
	if err != nil {
		return nil, err
	}
	if len(in.Reads) > 1 {
		return nil, fmt.Errorf("hpa_read: %d reads of one HPA are not known to the runner", len(in.Reads))
	}
	var h *seen
	if in.Name != "" && len(in.Reads) == 1 {
		h = &seen{Error: in.Reads[0].Error}
		h.Status.Conditions = in.Reads[0].Conditions
	}
	c, _ := actuation.Health(h.autoscaler())
	return same.Differences("health", exp, expected{c.Status, c.Reason, c.Message}), nil
}

// healthy is the condition HPAActive after a step: where nobody can tell, it stays.
func healthy(h *seen, before v1alpha1.Conditions) v1alpha1.Condition {
	if c, told := actuation.Health(h.autoscaler()); told {
		return c
	}
	return before.Get(v1alpha1.ConditionHPAActive)
}
