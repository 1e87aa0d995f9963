package scaledobject_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/operator/hpa"
	"github.com/furl-dev/furl/operator/scaledobject"
	"github.com/furl-dev/furl/resource"
	"github.com/furl-dev/furl/trigger/evidence"
	"github.com/furl-dev/furl/trigger/triggertest"
	"github.com/furl-dev/furl/triggers/all"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	k8sresource "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// page is what a kubelet answers on /metrics/resource: a pod that uses a fifth of a core, and 100 MiB.
func page(at time.Time, pod *corev1.Pod) string {
	of := fmt.Sprintf(`{container="main",namespace=%q,pod=%q}`, pod.Namespace, pod.Name)
	return fmt.Sprintf("# TYPE container_cpu_usage_seconds_total counter\ncontainer_cpu_usage_seconds_total%s %.3f %d\n"+
		"container_memory_working_set_bytes%[1]s %[4]d %[3]d\ncontainer_start_time_seconds%[1]s 9e8\nresource_scrape_error 0\n",
		of, float64(at.UnixMilli())/1000/5, at.UnixMilli(), 100<<20)
}

// longRunning makes a pod of a workload one that has been ready for an hour and asks for a tenth of a core.
func longRunning(workload string) *corev1.Pod {
	p, begun := podOf(workload), metav1.NewTime(time.Now().Add(-time.Hour))
	p.Spec.Containers = []corev1.Container{{Name: "main", Resources: corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: k8sresource.MustParse("100m")},
	}}}
	p.Status = corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &begun, Conditions: []corev1.PodCondition{
		{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: begun},
	}}
	return p
}

func TestController_scales_on_what_kubelets_say(t *testing.T) {
	for _, c := range []struct {
		kind, value string
		metric      autoscalingv2.MetricTargetType
	}{
		{"cpu", "50", autoscalingv2.UtilizationMetricType},       // per cent of 100m
		{"memory", "25Mi", autoscalingv2.AverageValueMetricType}, // of 100 MiB
	} {
		t.Run(c.kind, func(t *testing.T) {
			triggertest.Evidence(t, c.kind, evidence.Recorded)
			onStage(t, func(s *cluster) {
				store := resource.NewStore(10 * time.Second)
				a := s.another(func(p *scaledobject.Ports) {
					p.Resources, p.Kinds = hpa.StoreResources{Usage: store}, all.Kinds().Find
				})
				pod := longRunning("web")
				a.pods.Put(pod)
				for range 2 { // a rate takes two
					s.pass(10 * time.Second)
					if err := store.Take("node", time.Now(), strings.NewReader(page(time.Now(), pod))); err != nil {
						t.Fatal(err)
					}
				}
				a.lead()
				s.sizes["web"] = 1
				o := object("web")
				o.Spec.Triggers = []v1alpha1.ScaleTriggers{{Type: c.kind, MetricType: c.metric, Metadata: map[string]string{"value": c.value}}}
				a.put(o)
				s.pass(time.Second)
				s.expect("writes", s.writes(), []string{"web 4"})
			})
		})
	}
}
