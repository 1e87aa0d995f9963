package delivery

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/lab/direct"
	"github.com/furl-dev/furl/operator/busy"
	"github.com/furl-dev/furl/workload/inference"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestScaleIn_from_ten_to_two_takes_idle_pods_first is the walkthrough's scale-in as Furl does it: prompts of 20 to 60 s,
// pods with 30 s to end, five to nine of ten busy, twenty times over. A ReplicaSet that knows nothing of the work takes
// the pods as they come; one that Furl has told takes all idle ones, and of the busy ones as few as it can.
func TestScaleIn_from_ten_to_two_takes_idle_pods_first(t *testing.T) {
	var told, untold, returned int
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("run ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				working := 5 + int(seed%5)
				r := newReplicaSet(t, seed, working)
				untold += r.busyAmong(r.victims(2))
				victims := r.ranked(2)
				told += r.busyAmong(victims)
				if got := r.busyAmong(victims); got != working-2 {
					t.Errorf("%d of %d busy pods are to go, want all but two", got, working)
				}
				for _, p := range victims {
					p.stop()
				}
				for _, p := range victims {
					if <-p.ended; p.took > 29*time.Second {
						t.Errorf("a pod took %v to end, and is killed after 30s", p.took)
					}
				}
				r.drain(time.Hour)
				r.end()
				if lost, doubled := r.check(); lost != 0 || doubled != 0 {
					t.Errorf("%d messages lost, %d answered twice", lost, doubled)
				}
				if r.count("lost")+r.count("answered_but_not_deleted")+r.count("not_answered") != 0 {
					t.Errorf("events %v", r.events)
				}
				returned += r.received(t) - len(r.answered)
			})
		})
	}
	t.Logf("20 runs of 10 to 2: %d busy pods were told to end, %d would have been without ranks; they gave %d messages back, no message was lost or answered twice",
		told, untold, returned)
	if told >= untold {
		t.Errorf("%d busy pods were told to end, %d would have been without ranks", told, untold)
	}
}

// TestScaleIn_disturbs_nobody_while_idle_pods_suffice: from ten to as many as are busy.
func TestScaleIn_disturbs_nobody_while_idle_pods_suffice(t *testing.T) {
	untold := 0
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			working := 5 + int(seed%5)
			r := newReplicaSet(t, seed, working)
			untold += r.busyAmong(r.victims(working))
			victims := r.ranked(int32(working))
			if got := r.busyAmong(victims); got != 0 {
				t.Errorf("run %d: %d busy pods are to go, though %d are idle", seed, got, 10-working)
			}
			for _, p := range victims {
				p.stop()
			}
			r.drain(time.Hour)
			r.end()
			if again := r.received(t) - len(r.answered); again != 0 {
				t.Errorf("run %d: %d messages were given back", seed, again)
			}
			if lost, doubled := r.check(); lost != 0 || doubled != 0 {
				t.Errorf("run %d: %d messages lost, %d answered twice", seed, lost, doubled)
			}
		})
	}
	t.Logf("20 runs of 10 to as many as were busy: no busy pod was told to end, %d would have been without ranks", untold)
	if untold == 0 {
		t.Error("the order makes no difference: this proves nothing")
	}
}

// TestScaleIn_loses_nothing_when_the_pods_are_killed: they have no time to give anything back.
func TestScaleIn_loses_nothing_when_the_pods_are_killed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReplicaSet(t, 7, 6)
		for _, p := range r.ranked(2) {
			p.kill(errKilled)
			<-p.ended
		}
		r.drain(time.Hour)
		r.end()
		lost, doubled := r.check()
		redelivered := r.received(t) - len(r.answered)
		t.Logf("10 to 2 with 6 busy, killed: %d messages redelivered, %d lost, %d answered twice", redelivered, lost, doubled)
		if lost != 0 || doubled != 0 || redelivered != 4 {
			t.Errorf("%d lost, %d doubled, %d redelivered; want 0, 0, 4", lost, doubled, redelivered)
		}
	})
}

// TestScaleIn_spares_the_pods_that_hold_most: with room for several prompts, those with one go before those with two.
func TestScaleIn_spares_the_pods_that_hold_most(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &replicaSet{scene: newScene(t, 3)}
		settings := inference.Defaults()
		settings.Slots = 4
		r.start(settings) // alone, it takes all four
		time.Sleep(10 * time.Second)
		r.send(4, 50*time.Second, 60*time.Second)
		time.Sleep(time.Second)
		r.start(inference.Defaults())
		r.start(inference.Defaults())
		time.Sleep(10 * time.Second)
		r.send(1, 50*time.Second, 60*time.Second)
		time.Sleep(time.Second)
		victims := r.ranked(1)
		if slices.Contains(victims, r.pods[0]) {
			t.Error("the pod that holds four messages is to go")
		}
		for _, p := range victims {
			p.stop()
		}
		r.drain(time.Hour)
		r.end()
		if lost, doubled := r.check(); lost != 0 || doubled != 0 {
			t.Errorf("%d messages lost, %d answered twice", lost, doubled)
		}
	})
}

// replicaSet is ten pods, some of which work, and what the API server says of them. It implements the ports of package busy.
type replicaSet struct {
	*scene
	objects []*corev1.Pod // of the pods, in their order
}

// newReplicaSet starts ten pods and waits until so many hold a message, some of them for a while.
func newReplicaSet(t *testing.T, seed uint64, working int) *replicaSet {
	t.Helper()
	r := &replicaSet{scene: newScene(t, seed)}
	for range 10 {
		r.start(inference.Defaults())
	}
	time.Sleep(10 * time.Second) // all have loaded their models and wait for work
	r.send(working, 20*time.Second, 60*time.Second)
	time.Sleep(time.Second + time.Duration(r.random.Int64N(int64(15*time.Second))))
	if _, held := r.counts(); held != fmt.Sprint(working) {
		t.Fatalf("%s pods are busy, want %d", held, working)
	}
	return r
}

// ranked are the pods to go after Furl has ranked them.
func (r *replicaSet) ranked(to int32) []*pod {
	r.t.Helper()
	s := busy.Shrink{To: to}
	s.Scale.Target = kube.Target{Namespace: "ns", Name: "model", APIVersion: "apps/v1", Kind: "Deployment"}
	s.Scale.Selector, s.Scale.Replicas.Spec = "app=model", int32(len(r.pods))
	index := kube.NewPods(nil)
	for i := range r.pods {
		r.objects = append(r.objects, podObject(i))
		index.Put(r.objects[i])
	}
	from := time.Now()
	if err := (&busy.Ranker{Index: index, Costs: r, Pages: r}).Rank(r.t.Context(), s); err != nil {
		r.t.Error(err)
	}
	if took := time.Since(from); took > 2*time.Second {
		r.t.Errorf("ranking took %v, want 2s at the most", took)
	}
	return r.victims(int(to))
}

// victims are the pods that a ReplicaSet deletes: all are ready, so those of least cost, and whichever among equals.
func (r *replicaSet) victims(to int) []*pod {
	order := r.random.Perm(len(r.pods))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(r.cost(a), r.cost(b)) })
	out := make([]*pod, 0, len(order)-to)
	for _, i := range order[:len(order)-to] {
		out = append(out, r.pods[i])
	}
	return out
}

func (r *replicaSet) cost(i int) int32 {
	if r.objects == nil {
		return 0
	}
	cost, _ := kube.CostOf(r.objects[i])
	return cost
}

// busyAmong counts the pods that hold a message.
func (r *replicaSet) busyAmong(pods []*pod) (n int) {
	r.t.Helper()
	for _, p := range pods {
		if !p.idle(r.t) {
			n++
		}
	}
	return n
}

func podObject(i int) *corev1.Pod {
	controls := true
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ns", Name: fmt.Sprint("model-", i), UID: types.UID(fmt.Sprint(i)), Labels: map[string]string{"app": "model"},
			Annotations:     map[string]string{"furl.dev/busy": "http://:9090/metrics#inference_in_flight"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "model", Controller: &controls}},
		},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: fmt.Sprint("10.0.0.", i),
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
}

// Pods implements busy.Costs.
func (r *replicaSet) Pods(context.Context, string, string) ([]corev1.Pod, error) {
	all := make([]corev1.Pod, 0, len(r.objects))
	for _, p := range r.objects {
		all = append(all, *p)
	}
	return all, nil
}

// Set implements busy.Costs.
func (r *replicaSet) Set(_ context.Context, p *corev1.Pod, cost int32) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.objects {
		if o.UID == p.UID {
			o.Annotations[corev1.PodDeletionCost] = fmt.Sprint(cost)
		}
	}
	return nil
}

// RoundTrip implements http.RoundTripper: it is the network of the pods.
func (r *replicaSet) RoundTrip(q *http.Request) (*http.Response, error) {
	for i, o := range r.objects {
		if q.URL.Host == o.Status.PodIP+":9090" {
			return direct.Transport{Handler: r.pods[i].pages}.RoundTrip(q)
		}
	}
	return nil, fmt.Errorf("no pod has the address %s", q.URL.Host)
}

// idle tells whether the worker's page says that it holds nothing.
func (p *pod) idle(t *testing.T) bool {
	t.Helper()
	w := httptest.NewRecorder()
	p.pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	return strings.Contains(w.Body.String(), "\ninference_in_flight 0\n")
}
