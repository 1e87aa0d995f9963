package scaledobject_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/hpa"
	"github.com/furl-dev/furl/record"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestController_takes_a_workload_from_zero_to_the_work_and_back(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 0
		c.put(object("web"))
		c.pass(time.Second)
		c.expect("writes without work", c.writes(), []string(nil))
		c.expect("events at first", c.told(), []string{
			"Normal | KEDAScalersStarted | Started scalers watch", "Normal | ScaledObjectReady | ScaledObject is ready for scaling",
		})
		c.expect("ready", c.condition("web", v1alpha1.ConditionReady), "True/ScaledObjectReady")
		c.expect("active", c.condition("web", v1alpha1.ConditionActive), "False/ScalerNotActive")

		c.set("web", 50)
		c.pass(5 * time.Second)
		if got := c.writes(); len(got) == 0 || len(got) > 2 || c.sizes["web"] < 4 {
			t.Errorf("writes on 50 messages: %v", got)
		}
		c.pass(60 * time.Second)
		c.expect("size for 50 messages", c.sizes["web"], int32(10))
		told := c.told()
		if !strings.HasPrefix(told[0], "Normal | KEDAScaleTargetActivated | Scaled apps/v1.Deployment default/web from 0 to ") ||
			!strings.HasSuffix(told[0], "triggered by s0-web") {
			t.Errorf("event of activation: %s", told[0])
		}
		c.expect("active", c.condition("web", v1alpha1.ConditionActive), "True/ScalerActive")

		c.set("web", 0)
		c.pass(6 * time.Second)
		c.expect("active while cooling", c.condition("web", v1alpha1.ConditionActive), "False/ScalerCooldown")
		c.expect("size while cooling", c.sizes["web"], int32(10))
		c.pass(12 * time.Second)
		c.expect("size after the cooldown", c.sizes["web"], int32(0))
		c.expect("event", slices.Contains(c.told(), "Normal | KEDAScaleTargetDeactivated | Deactivated apps/v1.Deployment default/web from 10 to 0"), true)
		c.expect("active", c.condition("web", v1alpha1.ConditionActive), "False/ScalerNotActive")
		if _, ok := c.book.Latest(record.Workload{Namespace: "default", Kind: "scaledobject", Name: "web"}); !ok {
			t.Error("no record was kept")
		}
	})
}

func TestController_writes_the_status_as_KEDA_does(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 3
		c.set("web", 12)
		c.put(object("web"))
		c.pass(time.Second)
		st := c.get("web").Status
		if st.LastActiveTime == nil {
			t.Error("no last active time")
		}
		st.LastActiveTime, st.Conditions = nil, nil
		c.expect("status", st, v1alpha1.ScaledObjectStatus{
			ScaleTargetKind:      "apps/v1.Deployment",
			ScaleTargetGVKR:      &v1alpha1.GroupVersionKindResource{Group: "apps", Version: "v1", Kind: "Deployment", Resource: "deployments"},
			OriginalReplicaCount: new(int32(3)),
			ExternalMetricNames:  []string{"s0-web"},
			TriggersActivity:     map[string]v1alpha1.TriggerActivityStatus{"s0-web": {IsActive: true}},
			TriggersTypes:        new("queue"), AuthenticationsTypes: new(""),
		})
		for _, at := range []v1alpha1.ConditionType{v1alpha1.ConditionFallback, v1alpha1.ConditionPaused} {
			if c.get("web").Status.Conditions.IsTrue(at) {
				t.Errorf("%s is True", at)
			}
		}
	})
}

func TestController_at_rest_writes_nothing(t *testing.T) {
	for _, length := range []float64{0, 12} {
		onStage(t, func(c *cluster) {
			c.sizes["web"] = 3
			c.set("web", length)
			c.put(object("web"))
			c.pass(60 * time.Second)
			c.statuses()
			c.writes()
			c.told()
			c.pass(10 * time.Minute)
			c.expect("status writes", c.statuses(), 0)
			c.expect("size writes", c.writes(), []string(nil))
			c.expect("events", c.told(), []string(nil))
		})
	}
}

func TestController_started_again_counts_an_active_object_as_active_now(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 4
		o := object("web")
		long := metav1.NewTime(time.Now().Add(-time.Hour))
		o.Status.LastActiveTime = &long
		o.Status.Conditions = v1alpha1.NewConditions()
		o.Status.Conditions.Set(v1alpha1.ConditionActive, metav1.ConditionTrue, v1alpha1.ReasonScalerActive, "")
		o.Status.Conditions.Set(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonScaledObjectReady, "")
		c.put(o)
		c.pass(9 * time.Second)
		c.expect("size within the cooldown", c.sizes["web"], int32(4))
		c.expect("events", slices.ContainsFunc(c.told(), func(e string) bool { return strings.Contains(e, "ScaledObjectReady") }), false)
		c.pass(3 * time.Second)
		c.expect("size after it", c.sizes["web"], int32(0))
	})
}

func TestController_lets_one_failing_trigger_leave_the_others_working(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 2
		o := object("web")
		o.Spec.Triggers = append(o.Spec.Triggers,
			v1alpha1.ScaleTriggers{Type: "queue", Metadata: map[string]string{"queue": "other"}},
			v1alpha1.ScaleTriggers{Type: "queue", Metadata: map[string]string{"queue": "third", "length": "five"}},
			v1alpha1.ScaleTriggers{Type: "nosuch", Metadata: map[string]string{}})
		c.fail("other", errors.New("connection refused"))
		c.set("web", 20)
		c.put(o)
		c.pass(20 * time.Second)
		c.expect("size by the one that works", c.sizes["web"], int32(4))
		c.expect("ready", c.condition("web", v1alpha1.ConditionReady), "Unknown/PartialTriggerError")
		health := c.get("web").Status.Health
		c.expect("health of the failing one", health["s1-other"].Status, v1alpha1.HealthStatusFailing)
		if _, there := health["s0-web"]; there {
			t.Error("the health of one that works is told without a fallback")
		}
		told := strings.Join(c.told(), "\n")
		for _, want := range []string{"KEDAScalerFailed | ", "connection refused", `"five"`, "no such type"} {
			if !strings.Contains(told, want) {
				t.Errorf("events do not say %q:\n%s", want, told)
			}
		}
		c.set("web", 0)
		c.pass(5 * time.Minute)
		c.expect("size while nobody knows", c.sizes["web"], int32(4))
		if n := strings.Count(strings.Join(c.told(), "\n"), "connection refused"); n > 6 {
			t.Errorf("the same failure was told %d times in five minutes", n)
		}
		c.fail("other", nil)
		o.Spec.Triggers, o.Generation = o.Spec.Triggers[:2], 2
		c.put(o)
		c.pass(30 * time.Second)
		c.expect("size when all is known", c.sizes["web"], int32(0))
		c.expect("ready", c.condition("web", v1alpha1.ConditionReady), "True/ScaledObjectReady")
	})
}

func TestController_falls_back_after_failures_in_a_row(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 1
		o := object("web")
		o.Spec.Fallback = &v1alpha1.Fallback{FailureThreshold: 2, Replicas: 6}
		c.fail("web", errors.New("timeout"))
		c.put(o)
		c.pass(8 * time.Second)
		c.expect("size after two failures", c.sizes["web"], int32(1))
		c.pass(3 * time.Minute)
		c.expect("size after more", c.sizes["web"], int32(6))
		c.expect("fallback", c.condition("web", v1alpha1.ConditionFallback), "True/FallbackExists")
		c.expect("event", slices.Contains(c.told(), "Normal | ScaledObjectFallbackActivated | ScaledObject fallback is active"), true)
		c.fail("web", nil)
		c.pass(5 * time.Minute)
		c.expect("fallback", c.condition("web", v1alpha1.ConditionFallback), "False/NoFallbackFound")
		c.expect("health", c.get("web").Status.Health["s0-web"].Status, v1alpha1.HealthStatusHappy)
	})
}

func TestController_takes_a_rotated_secret_without_a_change_of_the_object(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"], c.password = 1, "old"
		c.put(object("web"))
		c.pass(time.Second)
		c.mu.Lock()
		c.password = "new"
		c.mu.Unlock()
		c.controller.ReferenceChanged(types.NamespacedName{Namespace: "default", Name: "web"})
		c.pass(time.Second)
		c.expect("failures told", slices.ContainsFunc(c.told(), func(e string) bool { return strings.Contains(e, "KEDAScalerFailed") }), false)
		c.expect("passwords of sources", c.opened, []string{"old", "new"})
		c.expect("sources", c.pool.Len(), 1)
	})
}

func TestController_decides_again_when_the_size_moved_meanwhile(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"], c.meanwhile = 1, 7
		c.set("web", 15)
		c.put(object("web"))
		c.pass(2 * time.Second)
		c.expect("writes", c.writes(), []string{"web 3"})
		r, _ := c.book.Latest(record.Workload{Namespace: "default", Kind: "scaledobject", Name: "web"})
		c.expect("outcome", r.Outcome, loop.Unchanged)
		all := c.book.History(record.Workload{Namespace: "default", Kind: "scaledobject", Name: "web"}, record.Query{})
		c.expect("decided from", all[len(all)-1].Decision.From, int32(7))
	})
}

func TestController_pauses_and_goes_on(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 1
		c.set("web", 5)
		o := object("web")
		c.put(o)
		c.pass(time.Second)
		c.told()
		o.Annotations = map[string]string{v1alpha1.AnnotationPausedReplicas: "3"}
		c.put(o)
		c.pass(time.Second)
		c.expect("size paused at", c.sizes["web"], int32(3))
		c.expect("paused", c.condition("web", v1alpha1.ConditionPaused), "True/ScaledObjectPaused")
		c.expect("paused count", c.get("web").Status.PausedReplicaCount, new(int32(3)))
		c.expect("events", c.told(), []string{
			"furl Normal | SuccessfulRescale | New size: 3; reason: scaling is paused at 3",
			"Normal | ScaledObjectPaused | ScaledObject is paused", "Normal | KEDAScalersStopped | Stopped scalers watch",
		})
		c.set("web", 50)
		reads := c.reads()
		c.pass(time.Minute)
		c.expect("size while paused", c.sizes["web"], int32(3))
		c.expect("reads while paused", c.reads(), reads)
		o.Annotations = nil
		c.put(o)
		c.pass(30 * time.Second)
		c.expect("size after it", c.sizes["web"], int32(10))
		c.expect("paused", c.condition("web", v1alpha1.ConditionPaused), "False/ScaledObjectUnpaused")
		c.expect("paused count", c.get("web").Status.PausedReplicaCount, (*int32)(nil))
	})
}

func TestController_observes_and_writes_nothing(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 1
		c.set("web", 50)
		o := object("web")
		o.Annotations = map[string]string{api.AnnotationMode: api.ModeObserve}
		c.put(o)
		c.pass(time.Minute)
		c.expect("size", c.sizes["web"], int32(1))
		c.expect("status writes", c.statuses(), 0)
		told := c.told()
		if len(told) == 0 || !strings.HasPrefix(told[0], "furl Normal | ObservedRescale | New size would be: ") {
			t.Errorf("events: %v", told)
		}
	})
}

func TestController_leaves_a_target_to_whom_it_belongs(t *testing.T) {
	target := kube.Target{Namespace: "default", Name: "web", APIVersion: "apps/v1", Kind: "Deployment"}
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 1
		c.set("web", 50)
		theirs := kube.Claim{Kind: hpa.Kind, NamespacedName: types.NamespacedName{Namespace: "default", Name: "byhand"}}
		c.targets.Put(theirs, target)
		c.put(object("web"))
		c.pass(20 * time.Second)
		c.expect("size beside an HPA", c.sizes["web"], int32(1))
		c.expect("ready", c.condition("web", v1alpha1.ConditionReady), "False/ScaledObjectCheckFailed")
		c.expect("message", c.get("web").Status.Conditions.Get(v1alpha1.ConditionReady).Message,
			"the workload 'web' of type 'apps/v1.Deployment' is already managed by the hpa 'byhand'")
		c.targets.Drop(theirs)
		c.pass(40 * time.Second)
		c.expect("size without it", c.sizes["web"], int32(10))
		c.statuses()

		c.keda.be("it is there", nil)
		c.putHPA("", left())
		c.set("web", 0)
		c.pass(5 * time.Minute)
		c.expect("size beside KEDA's HPA", c.sizes["web"], int32(10))
		c.expect("status writes", c.statuses(), 0)
		if told := strings.Join(c.told(), "\n"); strings.Count(told, "StandingDown") != 1 {
			t.Errorf("events:\n%s", told)
		}
	})
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 1
		c.put(object("web"))
		c.pass(time.Second)
		younger := object("younger")
		younger.Spec.ScaleTargetRef.Name = "web"
		c.put(younger)
		c.pass(time.Second)
		c.expect("the younger of two", c.condition("younger", v1alpha1.ConditionReady), "False/ScaledObjectCheckFailed")
		c.expect("the older", c.condition("web", v1alpha1.ConditionReady), "True/ScaledObjectReady")
		c.controller.Sink().Drop(types.NamespacedName{Namespace: "default", Name: "web"})
		c.pass(time.Second)
		c.expect("the younger alone", c.condition("younger", v1alpha1.ConditionReady), "True/ScaledObjectReady")
	})
}

func TestController_stands_down_when_KEDA_writes(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 1
		o := object("web")
		c.put(o)
		c.pass(time.Second)
		c.statuses()
		now := metav1.Now()
		o.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "keda", Subresource: "status", Time: &now}}
		c.put(o)
		c.set("web", 50)
		c.pass(time.Minute)
		c.expect("size", c.sizes["web"], int32(0))
		c.expect("status writes", c.statuses(), 0)
		c.expect("sources", c.pool.Len(), 0)
	})
}

func TestController_restores_the_size_of_a_deleted_object(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 2
		c.set("web", 50)
		o := object("web")
		o.Spec.Advanced = &v1alpha1.AdvancedConfig{RestoreToOriginalReplicaCount: true}
		c.put(o)
		c.pass(time.Minute)
		c.expect("size", c.sizes["web"], int32(10))
		c.expect("finalizers", c.get("web").Finalizers, []string{v1alpha1.Finalizer})
		gone := c.get("web")
		now := metav1.Now()
		gone.DeletionTimestamp = &now
		c.put(gone)
		c.pass(time.Second)
		c.expect("size after", c.sizes["web"], int32(2))
		if got := c.get("web").Finalizers; len(got) != 0 {
			t.Errorf("finalizers left: %v", got)
		}
		c.expect("sources", c.pool.Len(), 0)
		c.expect("event", slices.Contains(c.told(), "Warning | ScaledObjectDeleted | ScaledObject was deleted"), true)
	})
}

func TestController_says_what_is_wrong_with_an_object(t *testing.T) {
	onStage(t, func(c *cluster) {
		o := object("web")
		c.put(o)
		c.pass(time.Second)
		c.expect("ready without a target", c.condition("web", v1alpha1.ConditionReady), "False/ScaledObjectCheckFailed")
		c.sizes["web"] = 1
		c.controller.TargetChanged(kube.Target{Namespace: "default", Name: "web", APIVersion: "apps", Kind: "Deployment"})
		c.pass(time.Second)
		c.expect("ready with it", c.condition("web", v1alpha1.ConditionReady), "True/ScaledObjectReady")
		o.Spec.MinReplicaCount, o.Generation = new(int32(20)), 2
		c.put(o)
		c.pass(time.Second)
		c.expect("ready with min above max", c.condition("web", v1alpha1.ConditionReady), "False/ScaledObjectCheckFailed")
		c.expect("active", c.condition("web", v1alpha1.ConditionActive), "Unknown/UnknownState")
		o.Spec.MinReplicaCount, o.Generation = nil, 3
		c.put(o)
		c.pass(time.Second)
		c.expect("ready again", c.condition("web", v1alpha1.ConditionReady), "True/ScaledObjectReady")
	})
}
