package scaledobject_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/record"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const byAnn = "namespace default is frozen by ann"

// freeze closes the gate, or opens it where why is empty, as the operator does.
func (c *cluster) freeze(why string) {
	c.mu.Lock()
	c.closed = why
	c.mu.Unlock()
	c.controller.Refrozen("default")
}

func TestController_writes_no_size_while_frozen_and_goes_on_after_it(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 0
		c.put(object("web"))
		c.pass(2 * time.Second)
		c.told()
		c.freeze(byAnn)
		c.set("web", 25)
		c.pass(time.Minute)
		c.expect("writes while frozen", c.writes(), []string(nil))
		c.expect("paused", c.get("web").Status.Conditions.Get(v1alpha1.ConditionPaused), v1alpha1.Condition{
			Type: v1alpha1.ConditionPaused, Status: metav1.ConditionTrue, Reason: "Frozen", Message: byAnn,
		})
		c.expect("active", c.condition("web", v1alpha1.ConditionActive), "True/ScalerActive")
		c.expect("events", c.told(), []string{"furl Warning | Frozen | No size is written: " + byAnn})
		w := record.Workload{Namespace: "default", Kind: "scaledobject", Name: "web"}
		r, _ := c.book.Latest(w)
		if r.Outcome != loop.Frozen || r.Freeze != byAnn || r.Decision.To == 0 || r.Alike < 2 {
			t.Errorf("the record is of outcome %s, %q, to %d, %d alike", r.Outcome, r.Freeze, r.Decision.To, r.Alike)
		}

		c.set("web", 40)
		c.pass(10 * time.Second)
		c.freeze("")
		c.pass(time.Second)
		if len(c.writes()) == 0 {
			t.Error("nothing is written after the end of the freeze")
		}
		c.pass(time.Minute)
		c.expect("size of the newest reading", c.sizes["web"], int32(8))
		c.expect("paused", c.condition("web", v1alpha1.ConditionPaused), "False/Unfrozen")
		if told := c.told(); !slices.Contains(told, "furl Normal | Unfrozen | Sizes are written again") ||
			strings.Contains(strings.Join(told, " "), "Unpaused") {
			t.Errorf("events: %q", told)
		}
	})
}

func TestController_gives_a_former_size_back_only_when_no_longer_frozen(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 3
		o := object("web")
		o.Spec.Advanced = &v1alpha1.AdvancedConfig{RestoreToOriginalReplicaCount: true}
		c.set("web", 50)
		c.put(o)
		c.pass(time.Minute)
		c.writes()
		c.freeze(byAnn)
		gone := c.get("web").DeepCopy()
		gone.DeletionTimestamp = new(metav1.NewTime(time.Now()))
		c.put(gone)
		c.pass(10 * time.Second)
		c.expect("writes while frozen", c.writes(), []string(nil))
		c.freeze("")
		c.pass(time.Second)
		c.expect("writes after it", c.writes(), []string{"web 3"})
	})
}
