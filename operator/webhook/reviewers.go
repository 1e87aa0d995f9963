package webhook

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/operator/webhook/admit"
	admissionv1 "k8s.io/api/admission/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// KEDA's paths, and in their manner one for HPAs.
const (
	scaledObjectPath          = "/validate-keda-sh-v1alpha1-scaledobject"
	scaledJobPath             = "/validate-keda-sh-v1alpha1-scaledjob"
	authenticationPath        = "/validate-keda-sh-v1alpha1-triggerauthentication"
	clusterAuthenticationPath = "/validate-keda-sh-v1alpha1-clustertriggerauthentication"
	autoscalerPath            = "/validate-autoscaling-v2-horizontalpodautoscaler"
)

// Reviewers are those of every kind that the rules know.
func Reviewers(rules *admit.Rules) []Reviewer {
	return []Reviewer{
		{scaledObjectPath, v1alpha1.KindScaledObject, func(ctx context.Context, r *admissionv1.AdmissionRequest) (admit.Answer, error) {
			o, old, err := both[v1alpha1.ScaledObject](r)
			if err != nil {
				return admit.Answer{}, err
			}
			o.Namespace = r.Namespace // of a new object it may not be filled in
			return rules.ScaledObject(ctx, o, old, admit.Request{DryRun: r.DryRun != nil && *r.DryRun})
		}},
		{scaledJobPath, v1alpha1.KindScaledJob, func(_ context.Context, r *admissionv1.AdmissionRequest) (admit.Answer, error) {
			j, old, err := both[v1alpha1.ScaledJob](r)
			if err != nil {
				return admit.Answer{}, err
			}
			j.Namespace = r.Namespace
			return rules.ScaledJob(j, old), nil
		}},
		authentications(rules, authenticationPath, v1alpha1.KindTriggerAuthentication),
		authentications(rules, clusterAuthenticationPath, v1alpha1.KindClusterTriggerAuthentication),
		{autoscalerPath, "HorizontalPodAutoscaler", func(_ context.Context, r *admissionv1.AdmissionRequest) (admit.Answer, error) {
			h, old, err := both[autoscalingv2.HorizontalPodAutoscaler](r)
			if err != nil {
				return admit.Answer{}, err
			}
			h.Namespace = r.Namespace
			return rules.Autoscaler(h, old), nil
		}},
	}
}

// authentications judges one of the two kinds, which read alike.
func authentications(rules *admit.Rules, path, kind string) Reviewer {
	return Reviewer{path, kind, func(_ context.Context, r *admissionv1.AdmissionRequest) (admit.Answer, error) {
		t, old, err := both[v1alpha1.TriggerAuthentication](r)
		if err != nil {
			return admit.Answer{}, err
		}
		if old == nil {
			return rules.Authentication(kind, &t.Spec, nil), nil
		}
		return rules.Authentication(kind, &t.Spec, &old.Spec), nil
	}}
}

// both decodes the object of a request, and what it was before an update.
func both[T any](r *admissionv1.AdmissionRequest) (is, was *T, err error) {
	is = new(T)
	if err := json.Unmarshal(r.Object.Raw, is); err != nil {
		return nil, nil, fmt.Errorf("object of the review: %w", err)
	}
	if r.Operation != admissionv1.Update {
		return is, nil, nil
	}
	was = new(T)
	if err := json.Unmarshal(r.OldObject.Raw, was); err != nil {
		return nil, nil, fmt.Errorf("old object of the review: %w", err)
	}
	return is, was, nil
}
