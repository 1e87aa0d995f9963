package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/furl-dev/furl/lab/agent/lifecycle"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// publish writes the pod's status where it differs from what the API server has. It reports whether that is done with.
func (w *worker) publish(ctx context.Context, at time.Time) bool {
	w.mu.Lock()
	base := w.base
	pod := w.pod.DeepCopy()
	pod.Status = *base.Status.DeepCopy()
	for _, c := range w.containers {
		c.Status.Resources = c.Spec.Resources.DeepCopy()
		c.Status.AllocatedResources = c.Spec.Resources.Requests.DeepCopy()
	}
	status := lifecycle.Status(pod, w.view(), w.facts, at)
	w.mu.Unlock()
	if equality.Semantic.DeepEqual(base.Status, status) {
		return true
	}
	patch, err := statusPatch(base, status)
	if err != nil {
		w.a.Log.ErrorContext(ctx, "status_not_made", "pod", w.full(), "error", err)
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	got, err := w.a.Client.CoreV1().Pods(w.namespace).
		Patch(ctx, w.name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	switch {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err): // gone, or another pod of this name: the watch tells
		return true
	case err != nil:
		w.a.Log.WarnContext(ctx, "status_not_written", "pod", w.full(), "error", err)
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if newer(got, w.base) {
		w.base = got
	}
	return true
}

// statusPatch carries the pod's uid, so that it cannot hit a successor of the same name.
func statusPatch(base *corev1.Pod, status corev1.PodStatus) ([]byte, error) {
	before, err := json.Marshal(corev1.Pod{Status: base.Status})
	if err != nil {
		return nil, fmt.Errorf("writing the old status: %w", err)
	}
	after, err := json.Marshal(corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: base.UID}, Status: status})
	if err != nil {
		return nil, fmt.Errorf("writing the new status: %w", err)
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(before, after, corev1.Pod{})
	if err != nil {
		return nil, fmt.Errorf("comparing statuses: %w", err)
	}
	return patch, nil
}

// newer compares versions, which count upwards in one store.
func newer(a, b *corev1.Pod) bool {
	va, errA := strconv.ParseUint(a.ResourceVersion, 10, 64)
	vb, errB := strconv.ParseUint(b.ResourceVersion, 10, 64)
	return errA != nil || errB != nil || va > vb
}

// finalise tells the API server that a deleted pod has come to its end here. It reports whether that is done with.
func (w *worker) finalise(ctx context.Context) bool {
	if w.deleted {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	now := int64(0)
	err := w.a.Client.CoreV1().Pods(w.namespace).Delete(ctx, w.name, metav1.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &w.uid},
	})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		w.a.Log.WarnContext(ctx, "pod_not_finalised", "pod", w.full(), "error", err)
		return false
	}
	w.deleted = true
	return true
}

func parseAddr(ip string) (netip.Addr, error) { return netip.ParseAddr(ip) }

func mustQuantity(text string) resource.Quantity { return resource.MustParse(text) }
