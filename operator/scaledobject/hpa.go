package scaledobject

import (
	"context"
	"fmt"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/actuation"
	"github.com/furl-dev/furl/operator/hush"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// made is the HPA that Furl made for an object: as it should be, and as the API
// server last returned it.
type made struct {
	want   *autoscalingv2.HorizontalPodAutoscaler // nil: to be worked out anew
	of     *v1alpha1.ScaledObject                 // what want was worked out from
	wrote  *autoscalingv2.HorizontalPodAutoscaler // the want that was last written
	stored *autoscalingv2.HorizontalPodAutoscaler
	at     time.Time // of the last write
}

const (
	// unseenFor is how long an HPA that was just made may be missing from the watch.
	unseenFor = 10 * time.Second

	sayUnmade     = "failed to ensure HPA is correctly created for ScaledObject"
	sayByBehavior = "furl.dev/scale-to-zero: by-behavior is for furl.dev/actuation: direct; beside an HPA the last step goes straight to zero"
)

// delegate keeps the HPA of an object whose sizes are an HPA's, and tells in the
// status how it does. Without one, the status tells of none.
func (a *Scaler) delegate(ctx context.Context, r *loop.Record) error {
	st := &a.book.want
	switch {
	case !a.byHPA:
		st.HpaName = ""
		st.Conditions.Remove(v1alpha1.ConditionHPAActive)
		return nil
	case a.isUndelegated(a.book.seen):
		return nil // it was taken away; the status keeps its name, as KEDA's
	}
	h, err := a.ensure(ctx, r.At)
	if err != nil {
		a.condition(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonScaledObjectCheckFailed, fmt.Sprintf("%s: %v", sayUnmade, err))
		a.warn(r.At, hush.Topic{Reason: eventCheckFailed}, fmt.Sprintf("%s: %v", sayUnmade, err))
		return err
	}
	st.HpaName = h.Name
	if c, ok := actuation.Health(h); ok {
		a.condition(c.Type, c.Status, c.Reason, c.Message)
	}
	return nil
}

// isUndelegated says that no HPA may scale an object now: its sizes are Furl's, or
// they are to stay as they are.
func (a *Scaler) isUndelegated(o *v1alpha1.ScaledObject) bool {
	return !a.byHPA || o.IsPaused() || a.ports.closed(a.key.Namespace) != ""
}

// ensure makes the HPA what it should be and returns it as stored.
func (a *Scaler) ensure(ctx context.Context, at time.Time) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	want, err := a.wanted()
	if err != nil {
		return nil, err
	}
	if old := a.book.want.HpaName; old != "" && old != want.Name {
		if err := a.remove(ctx, old); err != nil {
			return nil, err
		}
	}
	is := a.found(want.Name, at)
	switch {
	case is == nil:
		is, err = a.ports.Autoscalers.Create(ctx, want)
	case !mayHave(a.book.seen, is):
		return nil, fmt.Errorf("HPA %s is there already and belongs to %s: delete it, or give this object's another name in spec.advanced.horizontalPodAutoscalerConfig.name",
			want.Name, ownerOf(is))
	case !actuation.Differs(is, want) && (a.hpa.wrote == nil || apiequality.Semantic.DeepEqual(a.hpa.wrote, want)), a.isAsFarAsItGets(is, want):
		return is, nil
	default:
		is, err = a.ports.Autoscalers.Update(ctx, actuation.Become(is, want, a.hpa.wrote))
	}
	if err != nil {
		return nil, fmt.Errorf("write HPA %s: %w", want.Name, err)
	}
	a.hpa.wrote, a.hpa.stored, a.hpa.at = want, is, at
	return is, nil
}

// wanted is the HPA as it should be, worked out once a state of the object.
func (a *Scaler) wanted() (*autoscalingv2.HorizontalPodAutoscaler, error) {
	o := a.book.seen
	if a.hpa.want != nil && a.hpa.of == o {
		return a.hpa.want, nil
	}
	h, err := actuation.Autoscaler(o, &a.compiled, schema.FromAPIVersionAndKind(a.eye.target.APIVersion, a.eye.target.Kind), a.settings.Version)
	if err == nil {
		a.hpa.want, a.hpa.of = h, o
	}
	return h, err
}

// found is an HPA as it was last seen, by the watch or by our own write; nil for none.
func (a *Scaler) found(name string, at time.Time) *autoscalingv2.HorizontalPodAutoscaler {
	is, _ := a.ports.Autoscalers.Get(types.NamespacedName{Namespace: a.key.Namespace, Name: name})
	switch s := a.hpa.stored; {
	case s == nil:
		return is
	case is == nil && at.Before(a.hpa.at.Add(unseenFor)):
		return s
	case is != nil && is.UID == s.UID && newer(s.ResourceVersion, is.ResourceVersion):
		return s
	}
	return is
}

// isAsFarAsItGets says that the API server did not take all that was wanted, such
// as a field that it does not know, and that nothing has changed since.
func (a *Scaler) isAsFarAsItGets(is, want *autoscalingv2.HorizontalPodAutoscaler) bool {
	s := a.hpa.stored
	return s != nil && apiequality.Semantic.DeepEqual(a.hpa.wrote, want) && apiequality.Semantic.DeepEqual(&s.Spec, &is.Spec) &&
		apiequality.Semantic.DeepEqual(s.Labels, is.Labels) && apiequality.Semantic.DeepEqual(s.Annotations, is.Annotations)
}

// takeAway deletes the HPA of an object that is not to be scaled by one.
func (a *Scaler) takeAway(ctx context.Context) error {
	if a.ports.Autoscalers == nil || a.book.silent {
		return nil
	}
	for _, name := range []string{a.book.want.HpaName, a.book.seen.HPAName()} {
		if name == "" {
			continue
		}
		if err := a.remove(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes an HPA if it is this object's.
func (a *Scaler) remove(ctx context.Context, name string) error {
	is, _ := a.ports.Autoscalers.Get(types.NamespacedName{Namespace: a.key.Namespace, Name: name})
	if is == nil && a.hpa.stored != nil && a.hpa.stored.Name == name {
		is = a.hpa.stored // the watch has not told of it yet
	}
	if is == nil || !actuation.Owns(a.book.seen, is) {
		return nil
	}
	if err := a.ports.Autoscalers.Delete(ctx, is); err != nil {
		return fmt.Errorf("delete HPA %s: %w", name, err)
	}
	a.hpa = made{}
	return nil
}

// mayHave says that an HPA is the object's, or nobody's and to be handed over.
func mayHave(o *v1alpha1.ScaledObject, h *autoscalingv2.HorizontalPodAutoscaler) bool {
	return actuation.Owns(o, h) || o.Annotations[v1alpha1.AnnotationTransferHPA] == "true" && metav1.GetControllerOf(h) == nil
}

func ownerOf(h *autoscalingv2.HorizontalPodAutoscaler) string {
	if c := metav1.GetControllerOf(h); c != nil {
		return c.Kind + " " + c.Name
	}
	return "nobody"
}

// unreadable says why no HPA could scale an object by Furl's metrics; empty: one can, or none has to.
func (k *Controller) unreadable(o *v1alpha1.ScaledObject) string {
	if k.ports.MetricsAPI == nil || !actuation.ByHPA(o, k.settings.Actuation) {
		return ""
	}
	for i := range o.Spec.Triggers {
		kind, known := k.ports.Kinds(o.Spec.Triggers[i].Type)
		if known && kind.Resource {
			continue
		}
		if err := k.ports.MetricsAPI(); err != nil {
			return err.Error()
		}
		return ""
	}
	return ""
}

// AutoscalerChanged tells that an HPA changed: its object mirrors its health and
// keeps it as it should be.
func (k *Controller) AutoscalerChanged(key types.NamespacedName) {
	if k.ports.Autoscalers == nil {
		return
	}
	h, _ := k.ports.Autoscalers.Get(key)
	if h == nil {
		return // who wanted to scale its target is told, see TargetChanged
	}
	if c := metav1.GetControllerOf(h); c != nil && c.Kind == v1alpha1.KindScaledObject {
		k.wake(types.NamespacedName{Namespace: key.Namespace, Name: c.Name})
	}
}

// MetricsAPIChanged tells that another may answer for external.metrics.k8s.io now.
func (k *Controller) MetricsAPIChanged() {
	for _, s := range k.table.Rows() {
		if actuation.ByHPA(s.Object, k.settings.Actuation) {
			k.wake(keyOf(s.Object))
		}
	}
}

// isOurs tells that a rival is the HPA that Furl made for the object, or that the
// object may take over.
func (k *Controller) isOurs(o *v1alpha1.ScaledObject, name string) bool {
	if k.ports.Autoscalers == nil {
		return false
	}
	h, ours := k.ports.Autoscalers.Get(types.NamespacedName{Namespace: o.Namespace, Name: name})
	switch {
	case h == nil:
		return false
	case actuation.Owns(o, h):
		return ours
	}
	return name == o.HPAName() && actuation.ByHPA(o, k.settings.Actuation) && mayHave(o, h)
}
