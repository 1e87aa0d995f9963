package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// Costs reads and writes what the pods of a workload cost to delete: the
// annotation by which a ReplicaSet chooses among pods that are ready. Those of
// least cost go first.
type Costs struct{ Client kubernetes.Interface }

// podsAPage bounds one answer to a list of pods.
const podsAPage = 500

// Pods returns the pods of one namespace that match a selector, as they are stored now.
func (c Costs) Pods(ctx context.Context, namespace, selector string) ([]corev1.Pod, error) {
	var all []corev1.Pod
	o := metav1.ListOptions{LabelSelector: selector, Limit: podsAPage}
	for {
		page, err := c.Client.CoreV1().Pods(namespace).List(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("pods %q of namespace %s: %w", selector, namespace, err)
		}
		all = append(all, page.Items...)
		if o.Continue = page.Continue; o.Continue == "" {
			return all, nil
		}
	}
}

// Set writes the cost of a pod; 0, which is what counts without any, takes it
// off. A pod that is gone by now needs none.
func (c Costs) Set(ctx context.Context, p *corev1.Pod, cost int32) error {
	var value any // null: the annotation goes
	if cost != 0 {
		value = strconv.Itoa(int(cost))
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": p.UID, "annotations": map[string]any{corev1.PodDeletionCost: value},
	}})
	if err != nil {
		return err
	}
	_, err = c.Client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: FieldManager})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) { // another pod of this name conflicts
		return nil
	}
	if err != nil {
		return fmt.Errorf("deletion cost %d of pod %s: %w", cost, p.Name, err)
	}
	return nil
}

// CostOf is what a pod costs to delete, and whether Furl may change that: it
// says nothing yet, or what it says was written by Furl.
func CostOf(p *corev1.Pod) (cost int32, ours bool) {
	v, said := p.Annotations[corev1.PodDeletionCost]
	if !said {
		return 0, true
	}
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil {
		n = 0 // as it counts for a ReplicaSet
	}
	return int32(n), wroteCost(p.ManagedFields)
}

// wroteCost tells whether the annotation is one of Furl's fields.
func wroteCost(all []metav1.ManagedFieldsEntry) bool {
	for i := range all {
		m := &all[i]
		if m.Manager == FieldManager && m.FieldsV1 != nil && strings.Contains(m.FieldsV1.GetRawString(), `"f:`+corev1.PodDeletionCost+`"`) {
			return true
		}
	}
	return false
}
