package hpa_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/hpa"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// stage is a controller at work in a small cluster, in virtual time.
type stage struct {
	*cluster
	t          *testing.T
	controller *hpa.Controller
	own        []string // events that only Furl sends
	steps      int      // of the test
}

// Own implements hpa.Notices.
func (s *stage) Own(_ *autoscalingv2.HorizontalPodAutoscaler, _, reason, _ string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.own = append(s.own, reason)
}

// play runs test in a bubble with a controller that leads.
func onStage(t *testing.T, control hpa.Control, test func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &stage{cluster: newCluster(), t: t}
		s.live = true
		var controller *hpa.Controller
		s.pods = kube.NewPods(func(o types.NamespacedName) { controller.PodsChanged(o) })
		controller = hpa.NewController(hpa.ControllerConfig{
			Control: control, Ports: *s.ports(), Settings: *s.settings(), Notices: s,
			Log: slog.New(slog.DiscardHandler), Workers: 1,
		})
		s.controller = controller
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- controller.Lead(ctx) }()
		synctest.Wait()
		test(s)
		s.order()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Lead: %v", err)
		}
	})
}

// pass lets time pass.
func (s *stage) pass(d time.Duration) {
	s.order()
	time.Sleep(d)
	synctest.Wait()
	s.order()
}

// order puts what the turns did so far before what the test reads next, and what
// the test did before what the turns do next.
func (s *stage) order() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps++
}

// put tells the controller of an HPA, created now unless edit says otherwise.
func (s *stage) put(name string, edit func(*autoscalingv2.HorizontalPodAutoscaler)) {
	h := autoscaler(name)
	h.CreationTimestamp = metav1.Now()
	s.order()
	if edit != nil {
		edit(h)
	}
	s.controller.Sink().Put(h)
	synctest.Wait()
}

// managed says who wrote the status, and when.
func managed(manager string, at time.Time) func(*autoscalingv2.HorizontalPodAutoscaler) {
	return func(h *autoscalingv2.HorizontalPodAutoscaler) {
		when := metav1.NewTime(at)
		h.ManagedFields = append(h.ManagedFields, metav1.ManagedFieldsEntry{Manager: manager, Subresource: "status", Time: &when})
		h.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{Type: autoscalingv2.AbleToScale, Status: corev1.ConditionTrue}}
	}
}

func TestController_decides_as_soon_as_something_changes(t *testing.T) {
	onStage(t, hpa.On, func(s *stage) {
		s.run("web", 2)
		s.put("web", nil)
		s.pass(time.Second)
		same(t, "measured after the HPA came, and after its status was stored", s.measured, 2)
		s.controller.PodSampled(types.NamespacedName{Namespace: "default", Name: "web-1"})
		s.pass(time.Millisecond)
		same(t, "measured after a sample", s.measured, 3)
		s.pass(time.Second)
		s.controller.PodSampled(types.NamespacedName{Namespace: "default", Name: "stranger"})
		s.pass(time.Second)
		same(t, "measured after a stranger's sample", s.measured, 3)
		s.controller.TargetChanged(kube.Target{Namespace: "default", Name: "web", APIVersion: "apps", Kind: "Deployment"})
		s.pass(time.Second)
		same(t, "measured after the target changed", s.measured, 4)
		s.pods.Put(podOf("web", 2, time.Now()))
		s.pass(time.Second)
		same(t, "measured after a pod came", s.measured, 5)
		for i := range 20 {
			s.pods.Put(podOf("web", 3+i, time.Now()))
		}
		s.pass(time.Second)
		if s.measured > 8 { // one of them because the status was stored
			t.Errorf("measured %d times more for 20 pods at once, want 1 to 3", s.measured-5)
		}
	})
}

func TestController_scales_while_a_status_is_on_its_way(t *testing.T) {
	onStage(t, hpa.On, func(s *stage) {
		s.run("web", 2)
		s.slow = 9 * time.Second // a second less than a request may take
		s.put("web", nil)
		s.pass(time.Second)
		same(t, "statuses stored", len(s.statuses), 0)
		s.cpu = 300
		s.controller.PodSampled(types.NamespacedName{Namespace: "default", Name: "web-1"})
		s.pass(time.Millisecond)
		same(t, "sizes written", s.scaled, []int32{4})
		s.pass(18 * time.Second) // the first status, and the one that has become of it
		same(t, "sizes that the statuses want", []int32{s.statuses[0].DesiredReplicas, s.statuses[1].DesiredReplicas}, []int32{2, 4})
	})
}

func TestController_tries_a_status_again_that_was_not_stored(t *testing.T) {
	onStage(t, hpa.On, func(s *stage) {
		s.run("web", 2)
		s.unstored = errors.New("etcd is full")
		s.put("web", nil)
		s.pass(6 * time.Second) // at once, after 1 s, 2 s more and soon 4 s more
		same(t, "events", s.events, slices.Repeat([]string{"Warning FailedUpdateStatus: etcd is full"}, 3))
		s.unstored = nil
		s.pass(2 * time.Second)
		same(t, "statuses stored", len(s.statuses), 1)
		s.pass(time.Minute)
		same(t, "statuses stored, of which one is enough", len(s.statuses), 1)
	})
}

func TestController_auto_takes_only_what_nobody_serves(t *testing.T) {
	onStage(t, hpa.Auto, func(s *stage) {
		s.run("fresh", 2)
		s.run("upstream", 2)
		s.run("other", 2)
		s.run("ours", 2)
		s.cpu = 300
		s.put("fresh", nil)
		s.put("upstream", managed("kube-controller-manager", time.Now()))
		s.put("other", managed("somebody", time.Now()))
		s.pass(179 * time.Second)
		same(t, "sizes written before 180 s", len(s.scaled), 0)
		s.put("ours", managed("furl", time.Now()))
		s.pass(500 * time.Millisecond)
		same(t, "sizes written for an HPA that was Furl's", len(s.scaled), 1)
		same(t, "events", s.own, nil)
		s.pass(time.Second)
		same(t, "sizes written when nobody served it for 180 s", len(s.scaled), 2)
		same(t, "events", s.own, []string{"TakenOver"})
	})
}

func TestController_stands_down_for_all_when_upstream_is_at_work(t *testing.T) {
	onStage(t, hpa.On, func(s *stage) {
		s.run("a", 2)
		s.run("b", 2)
		old := managed("kube-controller-manager", time.Now().Add(-time.Hour)) // before it was switched off
		s.put("a", old)
		s.put("b", nil)
		s.pass(time.Second)
		s.cpu = 300
		s.put("a", func(h *autoscalingv2.HorizontalPodAutoscaler) { old(h); h.ResourceVersion = "1000" })
		s.pass(time.Second)
		same(t, "sizes written beside old traces", len(s.scaled), 1)
		s.put("a", func(h *autoscalingv2.HorizontalPodAutoscaler) {
			managed("kube-controller-manager", time.Now())(h)
			h.ResourceVersion = "2000"
		})
		s.pass(time.Minute)
		same(t, "events", s.own, []string{"StandingDown"})
		written := len(s.scaled)
		s.controller.PodSampled(types.NamespacedName{Namespace: "default", Name: "b-0"})
		s.pass(time.Hour)
		same(t, "sizes written while standing down", len(s.scaled)-written, 0)
	})
}

func TestController_watches_an_hpa_of_upstream_in_observe_mode(t *testing.T) {
	onStage(t, hpa.Auto, func(s *stage) {
		s.run("web", 2)
		s.cpu = 300
		s.put("web", func(h *autoscalingv2.HorizontalPodAutoscaler) {
			managed("kube-controller-manager", time.Now())(h)
			h.Annotations = map[string]string{api.AnnotationMode: api.ModeObserve}
		})
		s.pass(time.Second)
		same(t, "sizes and statuses written", len(s.scaled)+len(s.statuses), 0)
		same(t, "events", s.events, []string{
			"Normal ObservedRescale: New size would be: 4; reason: cpu resource utilization (percentage of request) above target",
		})
		s.put("web", func(h *autoscalingv2.HorizontalPodAutoscaler) {
			managed("kube-controller-manager", time.Now())(h)
			h.Annotations = map[string]string{api.AnnotationMode: api.ModeObserve}
		})
		s.pass(time.Second)
		same(t, "standing down because the owner wrote", s.own, nil)
	})
}

func TestController_takes_no_write_made_while_it_only_watched_for_a_contest(t *testing.T) {
	onStage(t, hpa.On, func(s *stage) {
		s.run("web", 2)
		s.cpu = 300
		watched := func(at time.Time) func(*autoscalingv2.HorizontalPodAutoscaler) {
			return func(h *autoscalingv2.HorizontalPodAutoscaler) {
				managed("kube-controller-manager", at)(h)
				h.Annotations = map[string]string{api.AnnotationMode: api.ModeObserve}
			}
		}
		s.put("web", watched(time.Now()))
		s.pass(time.Minute)
		last := time.Now()
		s.put("web", watched(last)) // and then its controller was switched off
		s.pass(time.Minute)
		s.put("web", managed("kube-controller-manager", last))
		s.pass(time.Second)
		same(t, "events", s.own, nil)
		same(t, "sizes written once Furl may", len(s.scaled), 1)
		s.put("web", managed("kube-controller-manager", time.Now()))
		s.pass(time.Second)
		same(t, "events when it is back", s.own, []string{"StandingDown"})
	})
}

func TestController_forgets_an_hpa_that_is_gone(t *testing.T) {
	onStage(t, hpa.On, func(s *stage) {
		s.run("web", 2)
		s.put("web", nil)
		s.pass(time.Second)
		s.controller.Sink().Drop(types.NamespacedName{Namespace: "default", Name: "web"})
		s.pass(time.Second)
		before := s.measured
		s.controller.PodSampled(types.NamespacedName{Namespace: "default", Name: "web-0"})
		s.controller.TargetChanged(kube.Target{Namespace: "default", Name: "web", APIVersion: "apps", Kind: "Deployment"})
		s.pass(time.Hour)
		same(t, "measured after it went", s.measured-before, 0)
	})
}

func TestController_tells_once_what_makes_no_sense_and_scales_nothing(t *testing.T) {
	onStage(t, hpa.On, func(s *stage) {
		s.run("web", 2)
		s.cpu = 300
		wrong := func(h *autoscalingv2.HorizontalPodAutoscaler) {
			h.Annotations = map[string]string{api.AnnotationMode: "observ"}
		}
		s.put("web", wrong)
		s.pass(time.Hour)
		s.put("web", wrong)
		s.pass(time.Hour)
		same(t, "events", s.own, []string{"InvalidPolicy"})
		same(t, "sizes written", len(s.scaled), 0)
	})
}
