package kube

import (
	"errors"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func autoscaler(uid, version string) *autoscalingv2.HorizontalPodAutoscaler {
	h := &autoscalingv2.HorizontalPodAutoscaler{}
	h.Namespace, h.Name, h.UID, h.ResourceVersion = "ns", "h", types.UID(uid), version
	h.Labels = map[string]string{"version": version}
	return h
}

func TestAutoscalerStatus_writes_over_a_version_that_is_gone_but_not_over_another_object(t *testing.T) {
	for uid, ok := range map[string]bool{"u": true, "another": false} {
		c := fake.NewClientset(autoscaler(uid, "2"))
		c.PrependReactor("update", "horizontalpodautoscalers", func(a clienttesting.Action) (bool, runtime.Object, error) {
			u, is := a.(clienttesting.UpdateAction)
			if !is {
				return false, nil, nil
			}
			h, is := u.GetObject().(*autoscalingv2.HorizontalPodAutoscaler)
			if is && h.Labels["version"] == "1" {
				return true, nil, apierrors.NewConflict(autoscalingv2.Resource("horizontalpodautoscalers"), "h", errors.New("it changed"))
			}
			return false, nil, nil
		})
		old := autoscaler("u", "1")
		old.Status.DesiredReplicas = 5
		stored, err := AutoscalerStatus{Client: c.AutoscalingV2()}.WriteStatus(t.Context(), old)
		if !ok {
			if !apierrors.IsNotFound(err) {
				t.Errorf("WriteStatus to a new object of the name: %v, want that the old is gone", err)
			}
			continue
		}
		if err != nil || stored.Status.DesiredReplicas != 5 || stored.Labels["version"] != "2" {
			t.Errorf("stored %v, error %v; want the status in the newest version", stored, err)
		}
		got, err := c.AutoscalingV2().HorizontalPodAutoscalers("ns").Get(t.Context(), "h", metav1.GetOptions{})
		if err != nil || got.Status.DesiredReplicas != 5 {
			t.Errorf("the server holds %v, error %v", got, err)
		}
	}
}
