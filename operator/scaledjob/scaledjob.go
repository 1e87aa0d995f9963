// Package scaledjob tells users of ScaledJobs, in their status, that nothing
// starts Jobs for them yet.
package scaledjob

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/schedule"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// notYet is what the condition Ready says.
const notYet = "Furl starts no Jobs for ScaledJobs yet: its controller comes with a later version; until then let KEDA run this one"

// Writer writes the status of ScaledJobs by JSON merge patch; *kube.Keda is one.
type Writer interface {
	PatchScaledJob(ctx context.Context, key types.NamespacedName, body []byte) (*v1alpha1.ScaledJob, error)
}

// Controller writes one condition, once, into each ScaledJob that nobody else serves.
type Controller struct {
	writer Writer
	table  *kube.Table[*v1alpha1.ScaledJob, row]
	turns  *schedule.Schedule[types.NamespacedName]
}

// row is what is kept of a ScaledJob.
type row struct {
	key   types.NamespacedName
	uid   types.UID
	ready v1alpha1.Condition
}

// NewController returns a controller that knows no object yet: pass its Sink to a feed.
func NewController(w Writer) *Controller {
	k := &Controller{writer: w}
	k.turns = schedule.New(schedule.Config{Workers: 1, Retry: time.Second, RetryMax: time.Minute}, k.turn)
	k.table = kube.NewTable(cut, k.turns.Wake)
	return k
}

func cut(j *v1alpha1.ScaledJob) row {
	return row{
		key: types.NamespacedName{Namespace: j.Namespace, Name: j.Name}, uid: j.UID,
		ready: j.Status.Conditions.Get(v1alpha1.ConditionReady),
	}
}

// Sink is where a feed of ScaledJobs ends.
func (k *Controller) Sink() kube.Sink[*v1alpha1.ScaledJob] { return k.table }

// Lead tells until ctx ends.
func (k *Controller) Lead(ctx context.Context) error { return k.turns.Run(ctx) }

func (k *Controller) turn(ctx context.Context, key types.NamespacedName, _ schedule.Turn) (time.Time, error) {
	r, ok := k.table.Get(key)
	if !ok {
		k.turns.Drop(key)
		return time.Time{}, nil
	}
	if r.ready.Type != "" {
		return time.Time{}, nil // told, or somebody else serves it
	}
	conditions := v1alpha1.NewConditions()
	conditions.Set(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonScaledJobCheckFailed, notYet)
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": r.uid},
		"status":   map[string]any{"conditions": conditions},
	})
	if err != nil {
		return time.Time{}, err
	}
	if _, err := k.writer.PatchScaledJob(ctx, key, body); err != nil && !apierrors.IsNotFound(err) {
		return time.Time{}, fmt.Errorf("status of ScaledJob %s: %w", key, err)
	}
	return time.Time{}, nil
}
