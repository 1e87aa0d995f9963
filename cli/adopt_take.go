package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/cli/eval"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/schedule"
	"github.com/spf13/cobra"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// adoption is the work of furl adopt in one namespace of a cluster.
type adoption struct {
	*cluster
	output   string
	patience time.Duration
	out, err io.Writer
}

func (a *adopt) begin(cmd *cobra.Command) (*adoption, error) {
	config, namespace, err := a.connect()
	if err != nil {
		return nil, err
	}
	c, err := newCluster(config, namespace)
	if err != nil {
		return nil, err
	}
	return &adoption{cluster: c, output: a.output, patience: a.patience, out: cmd.OutOrStdout(), err: cmd.ErrOrStderr()}, nil
}

// plan is the ScaledObject for an HPA, or why there is none.
func plan(h *autoscalingv2.HorizontalPodAutoscaler) (*v1alpha1.ScaledObject, error) {
	so, refused := policy.Adopt(h)
	if len(refused) > 0 {
		return nil, fmt.Errorf("hpa/%s is not adopted: %w", h.Name, refused.ToAggregate())
	}
	was, err := policy.Compile(h, policy.UpstreamDefaults())
	if err != nil {
		return nil, fmt.Errorf("hpa/%s is not adopted: %w", h.Name, err)
	}
	is, err := policy.CompileScaledObject(so, eval.Triggers(so), policy.UpstreamDefaults())
	if err == nil {
		err = policy.SameMeaning(was, is)
	}
	if err != nil {
		return nil, fmt.Errorf("hpa/%s is not adopted, because its meaning would change: %w", h.Name, err)
	}
	return so, nil
}

// show prints the ScaledObject for an HPA.
func (d *adoption) show(ctx context.Context, name string) error {
	h, err := d.hpa(ctx, name)
	if err != nil {
		return err
	}
	so, err := plan(h)
	if err != nil {
		return err
	}
	if who := policy.Keeper(h); who != "" {
		fmt.Fprintf(d.err, "# hpa/%s belongs to %s: put this there, and take the HPA out.\n", name, who)
	}
	return printObject(d.out, d.output, so)
}

// take replaces an HPA by its ScaledObject. Each step leaves a state that the
// next call recognises and goes on from:
//
//	HPA alone                   its controller scales
//	HPA and ScaledObject        its controller scales, Furl watches
//	ScaledObject alone          Furl scales
//
// There is no fourth: Furl takes over by seeing that the HPA is gone.
func (d *adoption) take(ctx context.Context, name string) error {
	h, err := d.hpa(ctx, name)
	if apierrors.IsNotFound(err) {
		return d.taken(ctx, name, err)
	}
	if err != nil {
		return err
	}
	so, err := plan(h)
	if err != nil {
		return err
	}
	size, err := d.mayTake(ctx, h)
	if err != nil {
		return err
	}
	if err := policy.Keep(so, h); err != nil {
		return err
	}
	stored, made, err := d.ensure(ctx, so)
	if err != nil {
		return err
	}
	err = d.awaitFurl(ctx, stored, api.ModeObserve)
	if err == nil {
		err = d.unclaimed(ctx, stored)
	}
	if err != nil {
		if made {
			err = errors.Join(err, d.deleteObject(context.WithoutCancel(ctx), stored))
		}
		return fmt.Errorf("hpa/%s is not adopted, nothing was changed: %w", name, err)
	}
	if err := d.removeHPA(ctx, h); err != nil {
		return fmt.Errorf("%w; its controller goes on scaling, call again", err)
	}
	t := so.Spec.ScaleTargetRef
	fmt.Fprintf(d.out, "hpa/%s is now scaledobject/%s: Furl scales %s %s, which has %d replicas, between %d and %d\n",
		name, name, t.Kind, t.Name, size, *so.Spec.MinReplicaCount, *so.Spec.MaxReplicaCount)
	if err := d.awaitFurl(ctx, stored, ""); err != nil {
		fmt.Fprintf(d.err, "furl: %v; see furl explain scaledobject/%s\n", err, name)
	}
	return nil
}

// taken is the end of a call for an HPA that is gone: adopted before, or unknown.
func (d *adoption) taken(ctx context.Context, name string, why error) error {
	so, err := d.object(ctx, name)
	if err != nil {
		return why
	}
	if was, adopts := policy.Adopts(so.Annotations); !adopts || was != name {
		return why
	}
	fmt.Fprintf(d.out, "hpa/%s is scaledobject/%s already\n", name, name)
	return nil
}

// mayTake returns the size of an HPA's workload, or why the HPA has to stay.
func (d *adoption) mayTake(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler) (size int32, err error) {
	refuse := func(format string, args ...any) (int32, error) {
		return 0, fmt.Errorf("hpa/%s is not adopted: %w", h.Name, fmt.Errorf(format, args...))
	}
	switch who := policy.Keeper(h); {
	case who != "":
		return refuse("it belongs to %s, which would make it again; put there what furl adopt hpa/%s --output yaml prints", who, h.Name)
	case h.DeletionTimestamp != nil:
		return refuse("somebody is deleting it")
	}
	switch sign, err := (&kube.KedaPresence{Client: d.clients.Core, Clock: schedule.Clock{}.Now}).Sign(ctx); {
	case apierrors.IsForbidden(err): // who may not look is told by what KEDA writes, see unclaimed
	case err != nil:
		return refuse("whether KEDA is at work cannot be told: %w", err)
	case sign != "":
		return refuse("KEDA is at work and would take the ScaledObject: %s", sign)
	}
	s, err := kube.NewScales(d.clients.Mapper, d.clients.Scale, nil, nil).Get(ctx, kube.TargetOf(h.Namespace, h.Spec.ScaleTargetRef))
	switch {
	case err != nil:
		return refuse("the size of %s %s: %w", h.Spec.ScaleTargetRef.Kind, h.Spec.ScaleTargetRef.Name, err)
	case s.Replicas.Spec == 0:
		return refuse("%s %s has 0 replicas, at which an HPA leaves it alone and a ScaledObject would wake it; give it a size first",
			h.Spec.ScaleTargetRef.Kind, h.Spec.ScaleTargetRef.Name)
	}
	return s.Replicas.Spec, nil
}

// ensure stores the ScaledObject, unless an earlier call has. The API server is
// asked first what it would make of it: an older definition of the kind drops
// what it does not know.
func (d *adoption) ensure(ctx context.Context, so *v1alpha1.ScaledObject) (stored *v1alpha1.ScaledObject, made bool, err error) {
	is, err := d.object(ctx, so.Name)
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return nil, false, err
	case !apiequality.Semantic.DeepEqual(is.Spec, so.Spec) || is.Annotations[api.AnnotationAdopts] != so.Annotations[api.AnnotationAdopts]:
		return nil, false, fmt.Errorf("hpa/%s is not adopted: there is another scaledobject/%s already; remove one of them", so.Name, so.Name)
	default:
		return is, false, nil
	}
	would, err := d.createObject(ctx, so, metav1.DryRunAll)
	if err != nil {
		return nil, false, fmt.Errorf("hpa/%s is not adopted: the cluster refuses the ScaledObject: %w", so.Name, err)
	}
	if !apiequality.Semantic.DeepEqual(would.Spec, so.Spec) {
		return nil, false, fmt.Errorf("hpa/%s is not adopted: this cluster's definition of ScaledObjects would drop a part of it, such as behavior.scaleUp.tolerance; "+
			"install that of Furl (deploy/crds)", so.Name)
	}
	stored, err = d.createObject(ctx, so)
	return stored, err == nil, err
}

// unclaimed fails where KEDA has put its finalizer on a ScaledObject that was
// made a moment ago. Furl puts none on it.
func (d *adoption) unclaimed(ctx context.Context, so *v1alpha1.ScaledObject) error {
	is, err := d.object(ctx, so.Name)
	if err == nil && slices.Contains(is.Finalizers, v1alpha1.Finalizer) {
		err = fmt.Errorf("scaledobject/%s was taken by KEDA, which is at work", so.Name)
	}
	return err
}

// undo makes the HPA again that a ScaledObject has replaced. Furl steps back
// as soon as the HPA is there, and then the object can go.
func (d *adoption) undo(ctx context.Context, name string) error {
	so, err := d.object(ctx, name)
	if err != nil {
		return fmt.Errorf("nothing to undo for hpa/%s: %w", name, err)
	}
	h, err := policy.Adopted(so)
	if err != nil {
		return err
	}
	if err := d.restore(ctx, h); err != nil {
		return err
	}
	if err := d.awaitFurl(ctx, so, api.ModeObserve); err != nil {
		fmt.Fprintf(d.err, "furl: %v; it is removed all the same\n", err)
	}
	if err := d.deleteObject(ctx, so); err != nil {
		return fmt.Errorf("hpa/%s is back, and scales; scaledobject/%s only watches and is still there, call again: %w", name, name, err)
	}
	fmt.Fprintf(d.out, "hpa/%s is back as it was, scaledobject/%s is gone\n", name, name)
	return nil
}

// restore stores the HPA, unless an earlier call has.
func (d *adoption) restore(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler) error {
	is, err := d.hpa(ctx, h.Name)
	switch {
	case apierrors.IsNotFound(err):
		return d.createHPA(ctx, h)
	case err != nil:
		return err
	case !apiequality.Semantic.DeepEqual(policy.Bare(is), policy.Bare(h)):
		return fmt.Errorf("undo of hpa/%s: there is an HPA of this name already, and it is another; remove it or the ScaledObject by hand", h.Name)
	}
	return nil
}
