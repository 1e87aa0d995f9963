package scaledobject_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/operator/scaledobject"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestController_that_does_not_lead_writes_nothing(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 1
		c.set("web", 50)
		standby := c.another(nil)
		standby.put(object("web"))
		c.pass(10 * time.Minute)
		c.expect("size writes", c.writes(), []string(nil))
		c.expect("status writes", c.statuses(), 0)
		c.expect("events", c.told(), []string(nil))
		c.expect("sources", c.pool.Len(), 0)
		standby.lead()
		c.pass(time.Minute)
		c.expect("size when it leads", c.sizes["web"], int32(10))
	})
}

func TestController_that_takes_over_shrinks_nothing_that_had_work(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 1
		c.set("web", 50)
		first, second := c.another(nil).lead(), c.another(nil)
		first.put(object("web"))
		c.pass(time.Minute)
		c.expect("size", c.sizes["web"], int32(10))
		first.end()
		c.pass(5 * time.Minute) // nobody leads
		c.set("web", 0)
		second.put(c.get("web"))
		second.lead()
		c.writes()
		c.pass(9 * time.Second)
		c.expect("writes within the cooldown", c.writes(), []string(nil))
		c.pass(8 * time.Second)
		c.expect("writes after it", c.writes(), []string{"web 0"})
	})
}

func TestController_that_takes_over_asks_first_for_those_with_work(t *testing.T) {
	const each = 40 // more than the pool begins with at once
	onStage(t, func(c *cluster) {
		second := c.another(nil)
		for i := range 2 * each {
			o := object(fmt.Sprint("web-", i))
			c.sizes[o.Name] = 1
			if i < each {
				o.Status.Conditions.Set(v1alpha1.ConditionActive, metav1.ConditionTrue, v1alpha1.ReasonScalerActive, "")
				c.set(o.Name, 1)
			}
			second.put(o)
		}
		second.lead()
		c.pass(100 * time.Millisecond)
		asked, idle := c.reads(), 0
		for i := range 2 * each {
			if n := asked[fmt.Sprint("web-", i)]; i < each && n != 1 {
				t.Errorf("web-%d, which has work, was read %d times in the first tenth of a second", i, n)
			} else if i >= each {
				idle += n
			}
		}
		if idle > each/2 {
			t.Errorf("%d of %d that sleep were read as soon", idle, each)
		}
		c.pass(8 * time.Second)
		c.expect("sources read", len(c.reads()), 2*each)
	})
}

func TestController_goes_on_with_a_cooldown_that_another_began(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 1
		c.set("web", 50)
		o := object("web")
		o.Spec.CooldownPeriod = new(int32(60))
		first, second := c.another(nil).lead(), c.another(nil)
		first.put(o)
		c.pass(time.Minute)
		c.set("web", 0)
		c.pass(30 * time.Second)
		c.expect("active", c.condition("web", v1alpha1.ConditionActive), "False/ScalerCooldown")
		first.end()
		second.put(c.get("web"))
		second.lead()
		c.writes()
		c.pass(20 * time.Second)
		c.expect("writes within the cooldown", c.writes(), []string(nil))
		c.pass(20 * time.Second)
		c.expect("writes after it, which is not twice as long", c.writes(), []string{"web 0"})
	})
}

func TestController_bears_an_API_server_out_of_reach(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 2
		c.set("web", 10)
		g := &cut{cluster: c}
		a := c.another(func(p *scaledobject.Ports) { p.Scales, p.Objects = g, g }).lead()
		a.put(object("web"))
		c.pass(30 * time.Second)
		c.told()
		g.down = true
		c.set("web", 50)
		c.pass(time.Minute)
		c.expect("ready, in what could be stored", c.condition("web", v1alpha1.ConditionReady), "True/ScaledObjectReady")
		told := c.told()
		if n := len(told); n == 0 || n > 12 {
			t.Errorf("%d events in a minute: %v", n, told)
		}
		c.sizes["web"] = 40 // somebody else reached it first
		g.down = false
		c.writes()
		c.pass(2 * time.Minute)
		if got := c.writes(); slices.ContainsFunc(got, func(w string) bool { return !strings.HasPrefix(w, "web 10") }) {
			t.Errorf("writes from what is known again: %v", got)
		}
		c.expect("ready", c.condition("web", v1alpha1.ConditionReady), "True/ScaledObjectReady")
	})
}

func TestController_bears_a_deletion_while_a_turn_is_under_way(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 1
		c.set("web", 50)
		a := c.another(nil)
		c.moving = func() {
			c.mu.Lock()
			delete(c.objects, "web")
			c.mu.Unlock()
			a.Sink().Drop(keyOf("web"))
		}
		a.put(object("web"))
		a.lead()
		c.pass(5 * time.Minute)
		if got := c.writes(); len(got) != 1 {
			t.Errorf("writes: %v, want the one under way", got)
		}
		c.expect("sources", c.pool.Len(), 0)
		c.expect("series", a.series("keda_scaler_active", "scaledObject", "web"), 0)
		c.expect("objects counted", a.series("keda_scaled_object_errors_total", "scaledObject", "web"), 0)
	})
}
