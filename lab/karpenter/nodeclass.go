package karpenter

import (
	"context"
	"fmt"

	"github.com/awslabs/operatorpkg/status"
	"github.com/furl-dev/furl/lab/karpenter/cloud"
	"k8s.io/apimachinery/pkg/api/equality"
	controllerruntime "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// readiness says of every NodeClass that it is ready: the lab's cloud needs nothing that one could lack.
type readiness struct{ client client.Client }

// Reconcile implements reconcile.ObjectReconciler.
func (r readiness) Reconcile(ctx context.Context, c *cloud.NodeClass) (reconcile.Result, error) {
	before := c.DeepCopyObject()
	c.StatusConditions().SetTrue(status.ConditionReady)
	if equality.Semantic.DeepEqual(before, c) {
		return reconcile.Result{}, nil
	}
	old, ok := before.(client.Object)
	if !ok {
		return reconcile.Result{}, fmt.Errorf("a copy of a NodeClass is a %T", before)
	}
	if err := r.client.Status().Patch(ctx, c, client.MergeFrom(old)); client.IgnoreNotFound(err) != nil {
		return reconcile.Result{}, fmt.Errorf("say that NodeClass %s is ready: %w", c.Name, err)
	}
	return reconcile.Result{}, nil
}

// Register implements controller.Controller.
func (r readiness) Register(_ context.Context, m manager.Manager) error {
	return controllerruntime.NewControllerManagedBy(m).Named("nodeclass.readiness").
		For(&cloud.NodeClass{}).Complete(reconcile.AsReconciler(m.GetClient(), r))
}
