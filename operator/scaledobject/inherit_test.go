package scaledobject_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// keda is a KEDA that shows itself or not.
type keda struct {
	mu   sync.Mutex // guards what follows
	sign string
	err  error
}

func (k *keda) be(sign string, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sign, k.err = sign, err
}

func (k *keda) Sign(context.Context) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.sign, k.err
}

// left is the HPA that KEDA makes for the object web.
func left() *autoscalingv2.HorizontalPodAutoscaler {
	controls := true
	return &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: "keda-hpa-web", Labels: map[string]string{"made-by": "keda"},
		OwnerReferences: []metav1.OwnerReference{{Kind: v1alpha1.KindScaledObject, Name: "web", UID: "web", Controller: &controls}},
	}, Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
		ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"},
	}}
}

func TestController_takes_over_from_a_KEDA_that_is_gone(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 3
		c.set("web", 15)
		c.keda.be("its operator holds the lease keda/operator.keda.sh", nil)
		c.putHPA("", left())
		o := object("web")
		o.Status.Conditions = v1alpha1.NewConditions()
		o.Status.Conditions.Set(v1alpha1.ConditionActive, metav1.ConditionTrue, "x", "x")
		c.put(o)
		c.pass(time.Minute)
		at := metav1.Now()
		o.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "keda-operator", Subresource: "status", Time: &at}}
		c.put(o) // as KEDA writes at each poll
		c.pass(4 * time.Minute)
		c.expect("removed while KEDA is at work", c.hpaChanges(), []string(nil))
		if told := strings.Join(c.told(), "\n"); strings.Count(told, "StandingDown") != 1 || !strings.Contains(told, "Scale that operator to zero, and Furl takes over") {
			t.Errorf("events:\n%s", told)
		}

		c.keda.be("", nil)
		c.pass(35 * time.Second)
		c.expect("removed when it is gone", c.hpaChanges(), []string{"delete keda-hpa-web"})
		c.pass(time.Minute)
		c.expect("sizes written at the right size", c.writes(), []string(nil))
		c.expect("ready", c.condition("web", v1alpha1.ConditionReady), "True/ScaledObjectReady")
		c.set("web", 25)
		c.pass(time.Minute)
		c.expect("size by the work", c.sizes["web"], int32(5))
		c.writes()

		c.putHPA("", left()) // somebody made it again
		c.set("web", 50)
		c.pass(5 * time.Minute)
		c.expect("removed again", c.hpaChanges(), []string(nil))
		c.expect("sizes written beside it", c.writes(), []string(nil))
		if told := strings.Join(c.told(), "\n"); !strings.Contains(told, "TakenOver") || !strings.Contains(told, "HPA keda-hpa-web was made again") {
			t.Errorf("events:\n%s", told)
		}
	})
}

func TestController_leaves_an_HPA_of_KEDA_that_is_not_its_to_remove(t *testing.T) {
	for _, tc := range []struct {
		why   string
		spoil func(c *cluster, o *v1alpha1.ScaledObject, h *autoscalingv2.HorizontalPodAutoscaler)
		words string
	}{
		{"whether KEDA is gone cannot be told", func(c *cluster, _ *v1alpha1.ScaledObject, _ *autoscalingv2.HorizontalPodAutoscaler) {
			c.keda.be("", errors.New("forbidden"))
		}, "whether KEDA is at work cannot be told: forbidden"},
		{"it belongs to an object of the same name that is no more", func(_ *cluster, _ *v1alpha1.ScaledObject, h *autoscalingv2.HorizontalPodAutoscaler) {
			h.OwnerReferences[0].UID = "another"
		}, "does not belong to this ScaledObject"},
		{"Furl could not take its place", func(_ *cluster, o *v1alpha1.ScaledObject, _ *autoscalingv2.HorizontalPodAutoscaler) {
			o.Spec.MinReplicaCount = new(int32(1000))
		}, "though KEDA is gone: spec.minReplicaCount"},
	} {
		t.Run(tc.why, func(t *testing.T) {
			onStage(t, func(c *cluster) {
				c.sizes["web"] = 3
				o, h := object("web"), left()
				tc.spoil(c, o, h)
				c.putHPA("", h)
				c.put(o)
				c.pass(5 * time.Minute)
				c.expect("removed", c.hpaChanges(), []string(nil))
				c.expect("sizes written", c.writes(), []string(nil))
				if told := strings.Join(c.told(), "\n"); strings.Count(told, "StandingDown") != 1 || !strings.Contains(told, tc.words) {
					t.Errorf("events:\n%s", told)
				}
			})
		})
	}
}
