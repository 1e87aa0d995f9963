package busy_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/busy"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// herd is a workload's pods, their pages, and the API server that has them. It
// implements the ports of package busy.
type herd struct {
	t     *testing.T
	index *kube.Pods

	mu     sync.Mutex // guards what follows
	pods   []*corev1.Pod
	pages  map[string]http.HandlerFunc // by the pod's address
	lists  int
	asked  int
	writes []string // "pod=cost", sorted
	broken error    // why nothing can be listed
	denied error    // why no cost can be written
}

func newHerd(t *testing.T) *herd {
	t.Helper()
	return &herd{t: t, index: kube.NewPods(nil), pages: map[string]http.HandlerFunc{}}
}

// holds adds a ready pod whose page says that it holds n messages.
func (h *herd) holds(n string, changes ...func(*corev1.Pod)) {
	h.serves(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, "# HELP in_flight Messages.\n# TYPE in_flight gauge\nother 7\nin_flight %s", n)
	}, changes...)
}

// serves adds a ready pod with a page of its own.
func (h *herd) serves(page http.HandlerFunc, changes ...func(*corev1.Pod)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, controls := len(h.pods), true
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "ns", Name: fmt.Sprintf("p%d", i), UID: types.UID(fmt.Sprintf("u%d", i)),
			Labels: map[string]string{"app": "web"}, Annotations: map[string]string{api.AnnotationBusy: "http://:9090/metrics#in_flight"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web", Controller: &controls}},
		},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: fmt.Sprintf("10.0.0.%d", i),
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
	for _, change := range changes {
		change(p)
	}
	h.pods = append(h.pods, p)
	h.pages[p.Status.PodIP+":9090"] = page
	h.index.Put(p)
}

// Pods implements busy.Costs.
func (h *herd) Pods(_ context.Context, namespace, selector string) ([]corev1.Pod, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lists++
	want, err := labels.Parse(selector)
	if err != nil || h.broken != nil {
		return nil, errors.Join(err, h.broken)
	}
	var out []corev1.Pod
	for _, p := range h.pods {
		if p.Namespace == namespace && want.Matches(labels.Set(p.Labels)) {
			out = append(out, *p.DeepCopy())
		}
	}
	return out, nil
}

// Set implements busy.Costs.
func (h *herd) Set(ctx context.Context, p *corev1.Pod, cost int32) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := errors.Join(ctx.Err(), h.denied); err != nil {
		return err
	}
	h.writes = append(h.writes, fmt.Sprintf("%s=%d", p.Name, cost))
	slices.Sort(h.writes)
	for _, stored := range h.pods {
		if stored.UID == p.UID {
			ours(cost)(stored)
		}
	}
	return nil
}

// RoundTrip implements http.RoundTripper: it is the network of the pods.
func (h *herd) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	h.asked++
	serve := h.pages[r.URL.Host]
	h.mu.Unlock()
	if serve == nil {
		return nil, fmt.Errorf("dial %s: no route", r.URL.Host)
	}
	answer := make(chan *http.Response, 1)
	go func() {
		w := httptest.NewRecorder()
		serve(w, r)
		answer <- w.Result()
	}()
	select {
	case res := <-answer:
		return res, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// rank ranks the herd for a shrink and returns the costs that were written.
func (h *herd) rank(to int32, changes ...func(*busy.Shrink)) ([]string, error) {
	h.t.Helper()
	s := busy.Shrink{To: to}
	s.Scale.Target = kube.Target{Namespace: "ns", Name: "web", APIVersion: "apps/v1", Kind: "Deployment"}
	s.Scale.Selector, s.Scale.Replicas.Spec = "app=web", int32(len(h.pods))
	for _, change := range changes {
		change(&s)
	}
	h.writes = nil
	err := (&busy.Ranker{Index: h.index, Costs: h, Pages: h}).Rank(h.t.Context(), s)
	return h.writes, err
}

// shrink deletes pods as a ReplicaSet does, and returns their names.
func (h *herd) shrink(to int) []string {
	h.t.Helper()
	slices.SortStableFunc(h.pods, byReplicaSet)
	gone := make([]string, 0, len(h.pods)-to)
	for _, p := range h.pods[:len(h.pods)-to] {
		gone = append(gone, p.Name)
	}
	h.pods = h.pods[len(h.pods)-to:]
	slices.Sort(gone)
	return gone
}

// byReplicaSet is the order in which a ReplicaSet deletes pods, as documented
// for controller.kubernetes.io/pod-deletion-cost: unscheduled and pending ones,
// those that are not ready, those of low cost, young ones.
func byReplicaSet(a, b *corev1.Pod) int {
	return cmp.Or(
		cmp.Compare(rank(a.Status.Phase != corev1.PodPending), rank(b.Status.Phase != corev1.PodPending)),
		cmp.Compare(rank(isReady(a)), rank(isReady(b))),
		cmp.Compare(cost(a), cost(b)),
		b.CreationTimestamp.Compare(a.CreationTimestamp.Time),
	)
}

func rank(last bool) int {
	if last {
		return 1
	}
	return 0
}

func isReady(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

func cost(p *corev1.Pod) int {
	n, err := strconv.Atoi(p.Annotations[corev1.PodDeletionCost])
	if err != nil {
		return 0
	}
	return n
}

// ours is a cost that Furl has written, theirs one of the user's.
func ours(n int32) func(*corev1.Pod) { return costBy(kube.FieldManager, n) }

func theirs(n int32) func(*corev1.Pod) { return costBy("kubectl-annotate", n) }

func costBy(manager string, n int32) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		if n == 0 {
			delete(p.Annotations, corev1.PodDeletionCost)
			p.ManagedFields = nil
			return
		}
		p.Annotations[corev1.PodDeletionCost] = strconv.Itoa(int(n))
		fields := `{"f:metadata":{"f:annotations":{"f:` + corev1.PodDeletionCost + `":{}}}}`
		p.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: manager, FieldsV1: metav1.NewFieldsV1(fields)}}
	}
}

func annotated(v string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.Annotations[api.AnnotationBusy] = strings.TrimSpace(v) }
}

func conditioned(name string, status corev1.ConditionStatus) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.Conditions = append(p.Status.Conditions, corev1.PodCondition{Type: corev1.PodConditionType(name), Status: status})
	}
}
