package scaledobject_test

import (
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/hpa"
	"github.com/furl-dev/furl/record"
	"k8s.io/apimachinery/pkg/types"
)

// claimOf is an HPA's claim on a workload of the stage.
func claimOf(name, workload string) (kube.Claim, kube.Target) {
	return kube.Claim{Kind: hpa.Kind, NamespacedName: types.NamespacedName{Namespace: "default", Name: name}},
		kube.Target{Namespace: "default", Name: workload, APIVersion: "apps/v1", Kind: "Deployment"}
}

func (c *cluster) latest(name string) record.Record {
	r, _ := c.book.Latest(record.Workload{Namespace: "default", Kind: "scaledobject", Name: name})
	return r
}

func TestController_adopts_when_the_HPA_goes(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 4
		c.set("web", 35)
		old, target := claimOf("old", "web")
		c.targets.Put(old, target)
		o := object("web")
		o.Annotations = map[string]string{api.AnnotationAdopts: "old"}
		c.put(o)
		c.pass(time.Minute)
		c.expect("size writes while the HPA is there", c.writes(), []string(nil))
		c.expect("status writes", c.statuses(), 0)
		if r := c.latest("web"); !r.Observe || r.Outcome != loop.Observed || r.Decision.To != 7 {
			t.Errorf("Furl decided %+v, %s, observing %v", r.Decision, r.Outcome, r.Observe)
		}
		c.told()

		c.targets.Drop(old)
		c.pass(time.Second)
		c.expect("size writes when it is gone", c.writes(), []string{"web 7"})
		c.expect("ready", c.condition("web", v1alpha1.ConditionReady), "True/ScaledObjectReady")
		if told := strings.Join(c.told(), "\n"); !strings.Contains(told, "furl Normal | Adopted | HPA old is gone, so Furl scales this workload from now on") {
			t.Errorf("events:\n%s", told)
		}

		c.targets.Put(old, target) // undo
		c.set("web", 50)
		c.pass(time.Minute)
		c.expect("size writes when the HPA is back", c.writes(), []string(nil))
	})
}

func TestController_adopts_only_the_HPA_that_is_named(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 1
		c.set("web", 35)
		c.targets.Put(claimOf("another", "web"))
		o := object("web")
		o.Annotations = map[string]string{api.AnnotationAdopts: "old"}
		c.put(o)
		c.pass(time.Minute)
		c.expect("ready", c.condition("web", v1alpha1.ConditionReady), "False/ScaledObjectCheckFailed")
		c.expect("size writes", c.writes(), []string(nil))
	})
}

func TestController_that_observes_everything_writes_nothing(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 1
		c.set("web", 35)
		o := object("web")
		o.Spec.Advanced = &v1alpha1.AdvancedConfig{RestoreToOriginalReplicaCount: true} // which asks for a finalizer
		a := c.observer()
		a.put(o)
		a.lead()
		c.pass(time.Minute)
		c.expect("size writes", c.writes(), []string(nil))
		c.expect("status writes", c.statuses(), 0)
		c.expect("finalizers", c.get("web").Finalizers, []string(nil))
		if r := c.latest("web"); r.Outcome != loop.Observed || r.Decision.To != 4 {
			t.Errorf("Furl decided %+v, %s", r.Decision, r.Outcome)
		}
	})
}
