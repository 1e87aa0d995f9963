package scaledobject_test

import (
	"errors"
	"testing"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestStatus_tells_the_last_activity_as_KEDA_does_and_cuts_no_cooldown_short(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 2
		o := object("web")
		o.Spec.CooldownPeriod = new(int32(60))
		o.Spec.Triggers = append(o.Spec.Triggers, v1alpha1.ScaleTriggers{Type: "queue", Metadata: map[string]string{"queue": "other"}})
		c.set("web", 10)
		c.put(o)
		c.pass(30 * time.Second)
		c.fail("other", errors.New("connection refused"))
		broken := time.Now()
		c.pass(40 * time.Second)
		c.expect("ready while one fails", c.condition("web", v1alpha1.ConditionReady), "Unknown/PartialTriggerError")
		if at := c.get("web").Status.LastActiveTime; at == nil || at.After(broken.Add(5*time.Second)) {
			t.Errorf("last active %v while a trigger fails since %v", at, broken)
		}
		c.fail("other", nil)
		c.set("web", 0)
		c.pass(20 * time.Second)
		c.expect("active", c.condition("web", v1alpha1.ConditionActive), "False/ScalerCooldown")
		c.expect("size while it cools down", c.sizes["web"], int32(2))
		if at := c.get("web").Status.LastActiveTime; at == nil || at.Before(new(metav1.NewTime(broken.Add(30*time.Second)))) {
			t.Errorf("last active %v, though there was work until 40 s after %v", at, broken)
		}
	})
}

func TestStatus_says_nothing_of_a_fallback_that_nobody_asked_for(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 2
		c.set("web", 10)
		c.put(object("web"))
		c.pass(10 * time.Second)
		c.expect("fallback", c.condition("web", v1alpha1.ConditionFallback), "Unknown/")
	})
}
