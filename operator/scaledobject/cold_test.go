package scaledobject_test

import (
	"testing"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/operator/scaledobject"
	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/resource"
)

func TestController_waits_for_measured_pods_only_where_it_looks_at_them(t *testing.T) {
	onStage(t, func(c *cluster) {
		measured := make(chan struct{})
		a := c.another(func(p *scaledobject.Ports) {
			p.Measured = measured
			p.Kinds = func(name string) (trigger.Kind, bool) {
				if name == "cpu" {
					return resource.CPU(), true
				}
				return c.find(name)
			}
		}).lead()
		c.sizes["web"], c.sizes["busy"], c.sizes["still"] = 1, 1, 1
		c.set("web", 50)
		busy, still := object("busy"), object("still")
		busy.Spec.Triggers = append(busy.Spec.Triggers, v1alpha1.ScaleTriggers{
			Type: "cpu", MetricType: "Utilization", Metadata: map[string]string{"value": "50"},
		})
		still.Spec.Triggers = busy.Spec.Triggers
		still.Annotations = map[string]string{v1alpha1.AnnotationPaused: "true"}
		a.put(object("web"))
		a.put(busy)
		a.put(still)
		c.pass(time.Second)
		c.expect("one with a queue alone", c.condition("web", v1alpha1.ConditionReady), "True/ScaledObjectReady")
		c.expect("one that is paused", c.condition("still", v1alpha1.ConditionPaused), "True/ScaledObjectPaused")
		c.expect("one with cpu", c.condition("busy", v1alpha1.ConditionReady), "/")
		c.pass(15 * time.Second)
		c.expect("one with cpu, later", c.condition("busy", v1alpha1.ConditionReady), "/")
		c.expect("size without cpu", c.sizes["web"], int32(8))
		close(measured)
		c.pass(3 * time.Second)
		if got := c.condition("busy", v1alpha1.ConditionReady); got == "/" {
			t.Error("nothing was decided though pods are measured")
		}
	})
}
