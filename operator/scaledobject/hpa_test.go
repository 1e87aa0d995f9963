package scaledobject_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/actuation"
	"github.com/furl-dev/furl/operator/hpa"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// autoscalers are the HPAs of a cluster. What is written comes back by a watch
// that has seen all by the next turn.
type autoscalers struct{ c *cluster }

func (a autoscalers) Get(key types.NamespacedName) (h *autoscalingv2.HorizontalPodAutoscaler, ours bool) {
	a.c.mu.Lock()
	defer a.c.mu.Unlock()
	h = a.c.hpas[key.Name]
	return h, h != nil && h.Labels["made-by"] == ""
}

func (a autoscalers) Create(_ context.Context, h *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	if is, _ := a.Get(types.NamespacedName{Name: h.Name}); is != nil {
		return nil, apierrors.NewAlreadyExists(autoscalingv2.Resource("horizontalpodautoscalers"), h.Name)
	}
	return a.c.putHPA("create", h), nil
}

func (a autoscalers) Update(_ context.Context, h *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	if is, _ := a.Get(types.NamespacedName{Name: h.Name}); is == nil || is.ResourceVersion != h.ResourceVersion {
		return nil, apierrors.NewConflict(autoscalingv2.Resource("horizontalpodautoscalers"), h.Name, errors.New("changed"))
	}
	return a.c.putHPA("update", h), nil
}

func (a autoscalers) Delete(_ context.Context, h *autoscalingv2.HorizontalPodAutoscaler) error {
	a.c.mu.Lock()
	a.c.hpaWrites = append(a.c.hpaWrites, "delete "+h.Name)
	delete(a.c.hpas, h.Name)
	a.c.mu.Unlock()
	a.c.targets.Drop(claim(h))
	return nil
}

func claim(h *autoscalingv2.HorizontalPodAutoscaler) kube.Claim {
	return kube.Claim{Kind: hpa.Kind, NamespacedName: types.NamespacedName{Namespace: h.Namespace, Name: h.Name}}
}

// putHPA stores an HPA and tells who watches.
func (c *cluster) putHPA(verb string, h *autoscalingv2.HorizontalPodAutoscaler) *autoscalingv2.HorizontalPodAutoscaler {
	c.mu.Lock()
	c.version++
	h = h.DeepCopy()
	h.ResourceVersion = strconv.Itoa(c.version)
	if h.UID == "" {
		h.UID = types.UID(h.ResourceVersion)
	}
	c.hpas[h.Name] = h
	if verb != "" {
		c.hpaWrites = append(c.hpaWrites, verb+" "+h.Name)
	}
	c.mu.Unlock()
	c.targets.Put(claim(h), kube.TargetOf(h.Namespace, h.Spec.ScaleTargetRef))
	c.controller.AutoscalerChanged(types.NamespacedName{Namespace: h.Namespace, Name: h.Name})
	return h.DeepCopy()
}

func (c *cluster) external() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.elsewhere
}

func (c *cluster) hpaChanges() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	got := c.hpaWrites
	c.hpaWrites = nil
	return got
}

// resize is what an HPA does to a workload.
func (c *cluster) resize(name string, n int32) {
	c.mu.Lock()
	c.sizes[name] = n
	c.mu.Unlock()
	c.controller.TargetChanged(kube.Target{Namespace: "default", APIVersion: "apps", Kind: "Deployment", Name: name})
}

// byHPA is the object web, whose sizes from the minimum up are an HPA's.
func byHPA() *v1alpha1.ScaledObject {
	o := object("web")
	o.Annotations = map[string]string{api.AnnotationActuation: api.ActuationHPA}
	return o
}

func TestHPA_gets_the_sizes_from_one_up(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 0
		c.put(byHPA())
		c.pass(time.Second)
		c.expect("made", c.hpaChanges(), []string{"create keda-hpa-web"})
		c.expect("name in the status", c.get("web").Status.HpaName, "keda-hpa-web")

		c.set("web", 50)
		c.pass(5 * time.Second)
		c.expect("writes with work", c.writes(), []string{"web 1"})
		told := actuation.Told{Book: c.book, Clock: time.Now}
		v, err := told.Value(types.NamespacedName{Namespace: "default", Name: "web"}, "s0-web")
		if err != nil || v.Milli != 50_000 {
			t.Errorf("the HPA is told %+v, %v, want 50", v, err)
		}
		if _, err := told.Value(types.NamespacedName{Namespace: "default", Name: "web"}, "s1-web"); err == nil {
			t.Error("a metric that nobody measures has a value")
		}
		c.resize("web", 7)
		c.pass(30 * time.Second)
		c.expect("writes above one", c.writes(), []string(nil))
		c.set("web", 0)
		c.pass(6 * time.Second)
		c.resize("web", 3)
		c.pass(4 * time.Second)
		c.expect("writes while cooling", c.writes(), []string(nil))
		c.pass(8 * time.Second)
		c.expect("writes after the cooldown", c.writes(), []string{"web 0"})
		c.pass(time.Minute)
		c.expect("changes of the HPA", c.hpaChanges(), []string(nil))
	})
}

func TestHPA_follows_its_object(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 2
		c.set("web", 10)
		o := byHPA()
		c.put(o)
		c.pass(time.Second)
		c.hpaChanges()

		o.Spec.MaxReplicaCount, o.Generation = new(int32(20)), 2
		c.put(o)
		c.pass(time.Second)
		c.expect("on another maximum", c.hpaChanges(), []string{"update keda-hpa-web"})
		o.Labels = map[string]string{"team": "a"}
		c.put(o)
		c.pass(time.Second)
		c.expect("on a label", c.hpaChanges(), []string{"update keda-hpa-web"})
		o.Labels = nil
		c.put(o)
		c.pass(time.Second)
		c.expect("on a label that is gone", c.hpaChanges(), []string{"update keda-hpa-web"})
		if h := c.hpas["keda-hpa-web"]; h.Spec.MaxReplicas != 20 || h.Labels["team"] != "" || h.Labels["app.kubernetes.io/version"] != "devel" {
			t.Errorf("the HPA is %+v %+v", h.ObjectMeta, h.Spec)
		}
		h := c.hpas["keda-hpa-web"].DeepCopy()
		h.Spec.MaxReplicas = 5
		c.putHPA("", h)
		c.pass(time.Second)
		c.expect("on somebody's edit", c.hpaChanges(), []string{"update keda-hpa-web"})

		o.Spec.Advanced = &v1alpha1.AdvancedConfig{HorizontalPodAutoscalerConfig: &v1alpha1.HorizontalPodAutoscalerConfig{Name: "other"}}
		o.Generation = 3
		c.put(o)
		c.pass(time.Second)
		c.expect("on another name", c.hpaChanges(), []string{"delete keda-hpa-web", "create other"})
		c.expect("name in the status", c.get("web").Status.HpaName, "other")

		o.Annotations[v1alpha1.AnnotationPaused] = "true"
		c.put(o)
		c.pass(time.Second)
		c.expect("on a pause", c.hpaChanges(), []string{"delete other"})
		delete(o.Annotations, v1alpha1.AnnotationPaused)
		c.put(o)
		c.pass(time.Second)
		c.expect("after the pause", c.hpaChanges(), []string{"create other"})
		c.freeze("maintenance")
		c.pass(time.Second)
		c.expect("on a freeze", c.hpaChanges(), []string{"delete other"})
		c.freeze("")
		c.pass(time.Second)
		c.expect("after the freeze", c.hpaChanges(), []string{"create other"})
		c.expect("sizes written", c.writes(), []string(nil))
	})
}

func TestHPA_health_is_mirrored(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 2
		c.set("web", 10)
		c.put(byHPA())
		c.pass(time.Second)
		c.expect("before it says anything", c.condition("web", v1alpha1.ConditionHPAActive), "/")
		h := c.hpas["keda-hpa-web"].DeepCopy()
		h.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{
			Type: autoscalingv2.ScalingActive, Status: corev1.ConditionFalse, Reason: "FailedGetExternalMetric", Message: "no answer",
		}}
		c.putHPA("", h)
		c.pass(time.Second)
		c.expect("when it fails", c.condition("web", v1alpha1.ConditionHPAActive), "False/FailedGetExternalMetric")
		c.expect("ready", c.condition("web", v1alpha1.ConditionReady), "True/ScaledObjectReady")
	})
}

func TestHPA_is_gone_before_the_first_direct_write(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 6
		c.set("web", 30)
		o := byHPA()
		c.put(o)
		c.pass(time.Second)
		c.set("web", 10)
		c.pass(10 * time.Second)
		c.hpaChanges()
		held := -1
		c.moving = func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			held = len(c.hpas)
		}
		o.Annotations = nil
		c.put(o)
		c.pass(time.Minute)
		c.expect("taken away", c.hpaChanges(), []string{"delete keda-hpa-web"})
		c.expect("size after the switch", c.sizes["web"], int32(6))
		c.expect("name in the status", c.get("web").Status.HpaName, "")
		c.pass(5 * time.Minute)
		c.expect("writes by Furl", c.writes(), []string{"web 2"})
		c.expect("HPAs at the first write", held, 0)

		o.Annotations = map[string]string{api.AnnotationActuation: api.ActuationHPA}
		c.put(o)
		c.pass(time.Minute)
		c.expect("made again", c.hpaChanges(), []string{"create keda-hpa-web"})
		c.expect("writes after the switch back", c.writes(), []string(nil))
	})
}

func TestHPA_is_refused_where_another_answers_for_metrics(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"], c.elsewhere = 0, errors.New("another provider holds the API")
		c.set("web", 50)
		c.put(byHPA())
		c.pass(time.Minute)
		c.expect("made", c.hpaChanges(), []string(nil))
		c.expect("writes", c.writes(), []string(nil))
		c.expect("ready", c.condition("web", v1alpha1.ConditionReady), "False/ScaledObjectCheckFailed")
		if !slices.ContainsFunc(c.told(), func(e string) bool { return strings.Contains(e, "another provider holds the API") }) {
			t.Error("no event says who holds it")
		}
		c.mu.Lock()
		c.elsewhere = nil
		c.mu.Unlock()
		c.controller.MetricsAPIChanged()
		c.pass(10 * time.Second)
		c.expect("made once it may", c.hpaChanges(), []string{"create keda-hpa-web"})
		c.expect("writes once it may", c.writes(), []string{"web 1"})
	})
}

func TestHPA_of_another_is_left_alone(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 2
		c.set("web", 50)
		c.putHPA("", &autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "keda-hpa-web"},
			Spec:       autoscalingv2.HorizontalPodAutoscalerSpec{ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "else"}},
		})
		o := byHPA()
		c.put(o)
		c.pass(10 * time.Second)
		c.expect("changes of the HPA", c.hpaChanges(), []string(nil))
		c.expect("ready", c.condition("web", v1alpha1.ConditionReady), "False/ScaledObjectCheckFailed")
		o.Annotations[v1alpha1.AnnotationTransferHPA] = "true"
		c.put(o)
		c.pass(10 * time.Second)
		c.expect("changes once it may", c.hpaChanges(), []string{"update keda-hpa-web"})
		c.expect("its owner", metav1.GetControllerOf(c.hpas["keda-hpa-web"]).Name, "web")
		c.expect("ready once it may", c.condition("web", v1alpha1.ConditionReady), "True/ScaledObjectReady")
	})
}
