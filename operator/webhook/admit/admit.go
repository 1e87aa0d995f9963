// Package admit says whether an object should be let into the cluster, why
// not, and what its author should know.
//
// Its rules look at the object and at what is around it, through two small
// ports; nothing here knows HTTP or watches anything.
package admit

import (
	"context"
	"strings"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/trigger"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// Neighbours are the objects that may get in each other's way. What they give
// is not to be modified.
type Neighbours interface {
	// ScaledObjects and Autoscalers are those of a namespace.
	ScaledObjects(namespace string) []*v1alpha1.ScaledObject
	Autoscalers(namespace string) []*autoscalingv2.HorizontalPodAutoscaler
	// HasAuthentication reports whether a TriggerAuthentication exists, or a
	// ClusterTriggerAuthentication, which has no namespace.
	HasAuthentication(kind, namespace, name string) bool
}

// Workloads are what is scaled. A call may ask the API server.
type Workloads interface {
	// Resolve returns why the cluster has no such kind.
	Resolve(apiVersion, kind string) error
	// Pod is what the pods of a workload are made from; the error satisfies
	// apierrors.IsNotFound where the workload does not exist.
	Pod(ctx context.Context, t kube.Target) (*corev1.PodSpec, error)
	// Limits are the LimitRanges of a namespace.
	Limits(ctx context.Context, namespace string) ([]corev1.LimitRange, error)
}

// Rules judge objects. They may be used by several goroutines at once.
type Rules struct {
	Neighbours Neighbours
	Workloads  Workloads
	// Kind finds a kind of trigger, and Names lists them all.
	Kind  func(name string) (trigger.Kind, bool)
	Names []string
	// LenientSettings admits triggers whose settings cannot be used, as KEDA does, with a warning.
	LenientSettings bool
}

// Request is what to judge an object by beside the object itself.
type Request struct {
	// DryRun says that nothing will be stored.
	DryRun bool
}

// Answer is what is to be said about an object.
type Answer struct {
	// Refusals are why the object should not be let in; none: it may.
	Refusals []Refusal
	// Warnings are sentences for the author of an object that may be let in all the same.
	Warnings []string
}

// Refusal is one reason to keep an object out.
type Refusal struct {
	Reason Reason
	Text   string
}

// Reason is a word for a rule, as it stands in the label of a metric.
type Reason string

// The reasons that KEDA's webhook has.
const (
	IncorrectReplicas  Reason = "incorrect-replicas"
	NameTooLong        Reason = "name-too-long"
	HPANameTooLong     Reason = "hpa-name-too-long"
	IncorrectFallback  Reason = "incorrect-fallback"
	FallbackFormula    Reason = "scaling-modifiers-fallback"
	IncorrectTriggers  Reason = "incorrect-triggers"
	Modifiers          Reason = "scaling-modifiers"
	OtherHPA           Reason = "other-hpa"
	OtherObject        Reason = "other-scaled-object"
	OtherObjectsHPA    Reason = "other-scaled-object-hpa"
	TransferWithout    Reason = "transfer-ownership-missing-hpa-name"
	MissingRequests    Reason = "missing-requests"
	ScaleToZeroByUsage Reason = "scale-to-zero-requirements-not-met"
)

// The reasons that KEDA refuses for, too, without a word of its own.
const (
	UnknownKind    Reason = "unknown-target-kind"
	NoTarget       Reason = "target-not-found"
	Authentication Reason = "incorrect-authentication"
)

// The reasons that are Furl's alone.
const (
	Settings   Reason = "trigger-settings"
	Behavior   Reason = "incorrect-behavior"
	Annotation Reason = "incorrect-annotation"
)

// Message joins all refusals into what a user reads.
func (a *Answer) Message() string {
	texts := make([]string, len(a.Refusals))
	for i, r := range a.Refusals {
		texts[i] = r.Text
	}
	return strings.Join(texts, "; ")
}

func (a *Answer) refuse(r Reason, text string) {
	a.Refusals = append(a.Refusals, Refusal{r, text})
}

// object refuses for an error; nil is none. Errors of several lines become one.
func (a *Answer) object(r Reason, err error) {
	if err != nil {
		a.refuse(r, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

func (a *Answer) warn(text string) { a.Warnings = append(a.Warnings, text) }
