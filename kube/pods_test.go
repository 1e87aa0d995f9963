package kube

import (
	"fmt"
	"slices"
	"testing"

	"github.com/furl-dev/furl/engine"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
)

// TestPods_selects_what_a_search_would_find compares the index, through any
// sequence of changes, with a search of all pods.
func TestPods_selects_what_a_search_would_find(t *testing.T) {
	selectors := []string{"app=a", "app=b", "app in (a,b)", "app=a,tier=x", "tier!=x", "tier", "!tier", "tier=y"}
	rapid.Check(t, func(t *rapid.T) {
		told := map[types.NamespacedName]bool{}
		index := NewPods(func(o types.NamespacedName) { told[o] = true })
		pods := map[string]labels.Set{}
		owned := map[string]string{}
		members := func(s string) (names []string) {
			sel := must(labels.Parse(s))
			for name, l := range pods {
				if sel.Matches(l) {
					names = append(names, name)
				}
			}
			slices.Sort(names)
			return names
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				name := rapid.SampledFrom([]string{"p0", "p1", "p2", "p3", "p4"}).Draw(t, "pod")
				l := labels.Set{"app": rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "app")}
				if tier := rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "tier"); tier != "" {
					l["tier"] = tier
				}
				clear(told)
				before := matches(owned, members)
				old, known := pods[name]
				pods[name] = l
				index.Put(labelled(name, l))
				for owner, was := range before {
					joins := !slices.Equal(was, members(owned[owner]))
					if id := idOfOwner(owner); joins && !told[id] {
						t.Fatalf("%s was not told that %s became %v (known %v, before %v)", owner, name, l, known, old)
					}
				}
			},
			"drop": func(t *rapid.T) {
				name := rapid.SampledFrom([]string{"p0", "p1", "p2", "p3", "p4"}).Draw(t, "pod")
				delete(pods, name)
				index.Drop(types.NamespacedName{Namespace: "ns", Name: name})
			},
			"select": func(t *rapid.T) {
				owner := rapid.SampledFrom([]string{"h0", "h1", "h2"}).Draw(t, "owner")
				s := rapid.SampledFrom(selectors).Draw(t, "selector")
				owned[owner] = s
				index.Select(idOfOwner(owner), must(labels.Parse(s)))
			},
			"release": func(t *rapid.T) {
				owner := rapid.SampledFrom([]string{"h0", "h1", "h2"}).Draw(t, "owner")
				delete(owned, owner)
				index.Release(idOfOwner(owner))
			},
			"": func(t *rapid.T) {
				n := index.namespace("ns")
				for owner, s := range owned {
					sel := n.owned[idOfOwner(owner)]
					if diff := cmp.Diff(members(s), namesOf(sel)); diff != "" {
						t.Fatalf("%s selects %s (-want +got):\n%s", owner, s, diff)
					}
					if _, got := sel.Rival(); got != rivals(owner, owned, members) {
						t.Fatalf("%s with %s has a rival: %v, want %v", owner, s, got, !got)
					}
				}
				if len(n.owned) != len(owned) {
					t.Fatalf("%d selections, want %d", len(n.owned), len(owned))
				}
			},
		})
	})
}

func must(s labels.Selector, err error) labels.Selector {
	if err != nil {
		panic(err)
	}
	return s
}

func matches(owned map[string]string, members func(string) []string) map[string][]string {
	out := make(map[string][]string, len(owned))
	for owner, s := range owned {
		out[owner] = members(s)
	}
	return out
}

func rivals(owner string, owned map[string]string, members func(string) []string) bool {
	mine := members(owned[owner])
	for other, s := range owned {
		if other == owner {
			continue
		}
		for _, p := range members(s) {
			if slices.Contains(mine, p) {
				return true
			}
		}
	}
	return false
}

func namesOf(s *Selection) (names []string) {
	for _, p := range s.AppendTo(nil) {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names
}

func idOfOwner(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "ns", Name: name}
}

func labelled(name string, l labels.Set) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, Labels: l}}
}

func TestPods_tells_nobody_about_a_change_that_nobody_can_see(t *testing.T) {
	var told []types.NamespacedName
	index := NewPods(func(o types.NamespacedName) { told = append(told, o) })
	index.Select(idOfOwner("h"), must(labels.Parse("app=a")))
	pod := labelled("p", labels.Set{"app": "a"})
	index.Put(pod)
	pod.ResourceVersion, pod.Annotations = "2", map[string]string{"note": "x"}
	index.Put(pod)
	if len(told) != 1 {
		t.Errorf("told %d times, want once", len(told))
	}
	pod.Status.Phase = corev1.PodPending
	index.Put(pod)
	if len(told) != 2 {
		t.Errorf("told %d times after a change of phase, want twice", len(told))
	}
}

func TestPods_keeps_namespaces_apart(t *testing.T) {
	index := NewPods(nil)
	s := index.Select(idOfOwner("h"), must(labels.Parse("app=a")))
	stranger := labelled("p", labels.Set{"app": "a"})
	stranger.Namespace = "other"
	index.Put(stranger)
	if got := namesOf(s); len(got) != 0 {
		t.Errorf("selected %v of another namespace", got)
	}
}

func TestCutPod_keeps_what_autoscaling_reads(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	pod := labelled("p", labels.Set{"app": "a"})
	pod.Spec = corev1.PodSpec{
		NodeName:       "n1",
		Containers:     []corev1.Container{{Name: "c", Image: "big", Args: []string{"x"}, Resources: requests("200m")}},
		InitContainers: []corev1.Container{{Name: "side", RestartPolicy: &always, Resources: requests("50m")}},
	}
	now := metav1.Now()
	pod.DeletionTimestamp = &now
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, StartTime: &now, PodIP: "10.0.0.1",
		Conditions: []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue},
			{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: now},
		},
	}
	var templates Templates
	whole := CutPod(pod, &templates)
	stripped, err := stripPod(pod.DeepCopy())
	if err != nil {
		t.Fatal(err)
	}
	kept, ok := stripped.(*corev1.Pod)
	if !ok {
		t.Fatalf("stripping made a %T", stripped)
	}
	cut := CutPod(kept, &templates)
	if diff := cmp.Diff(whole, cut); diff != "" {
		t.Errorf("stripping changed what is kept (-whole +stripped):\n%s", diff)
	}
	want := &Pod{
		Namespace: "ns", Name: "p", Labels: labels.Set{"app": "a"},
		Phase: engine.Running, Deleting: true, Readiness: engine.NotReady,
		ReadySince: now.Time, Started: now.Time, Begun: true,
		Node: "n1",
		Spec: &corev1.PodSpec{
			Containers:     []corev1.Container{{Name: "c", Resources: requests("200m")}},
			InitContainers: []corev1.Container{{Name: "side", RestartPolicy: &always, Resources: requests("50m")}},
		},
	}
	if diff := cmp.Diff(want, cut); diff != "" {
		t.Errorf("cut (-want +got):\n%s", diff)
	}
	if whole.Spec != cut.Spec {
		t.Error("two pods of one template do not share their requests")
	}
}

// BenchmarkPut is one pod event in a namespace with 1,000 workloads.
func BenchmarkPut(b *testing.B) {
	index := NewPods(nil)
	for i := range 1000 {
		app := fmt.Sprint("app-", i)
		index.Select(idOfOwner(app), must(labels.Parse("app="+app)))
		for j := range 2 {
			index.Put(labelled(fmt.Sprintf("%s-%d", app, j), labels.Set{"app": app, "hash": "x"}))
		}
	}
	pod := labelled("app-7-0", labels.Set{"app": "app-7", "hash": "x"})
	phases := []corev1.PodPhase{corev1.PodPending, corev1.PodRunning}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		pod.Status.Phase = phases[i%2]
		index.Put(pod)
		i++
	}
}
