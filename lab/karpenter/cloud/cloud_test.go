package cloud

import (
	"errors"
	"testing"

	"github.com/furl-dev/furl/lab/karpenter/machine"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	karpenterv1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	"sigs.k8s.io/karpenter/pkg/cloudprovider"
)

func in(key string, values ...string) karpenterv1.NodeSelectorRequirementWithMinValues {
	return karpenterv1.NodeSelectorRequirementWithMinValues{Key: key, Operator: corev1.NodeSelectorOpIn, Values: values}
}

// model29Gi is what the walkthrough's pod asks for, its sidecar included.
func model29Gi() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("3700m"), corev1.ResourceMemory: resource.MustParse("29952Mi"),
		corev1.ResourcePods: resource.MustParse("1"), GPU: resource.MustParse("1"),
	}
}

func claim(requests corev1.ResourceList, requirements ...karpenterv1.NodeSelectorRequirementWithMinValues) *karpenterv1.NodeClaim {
	c := &karpenterv1.NodeClaim{ObjectMeta: metav1.ObjectMeta{Name: "c", Labels: map[string]string{karpenterv1.NodePoolLabelKey: "p"}}}
	c.Spec.Requirements, c.Spec.Resources.Requests = requirements, requests
	c.Spec.Taints = []corev1.Taint{{Key: "nvidia.com/gpu", Value: "true", Effect: corev1.TaintEffectNoSchedule}}
	c.Spec.StartupTaints = []corev1.Taint{{Key: "warming", Effect: corev1.TaintEffectNoSchedule}}
	return c
}

func newProvider(severalGPUs bool) (*Provider, machine.Books) {
	b := machine.Books{Client: fake.NewClientset()}
	return New(b, 2, severalGPUs), b
}

func TestCreate_rents_the_cheapest_machine_that_fits(t *testing.T) {
	gpus := func(n string) corev1.ResourceList { return corev1.ResourceList{GPU: resource.MustParse(n)} }
	for _, tc := range []struct {
		why          string
		requests     corev1.ResourceList
		requirements []karpenterv1.NodeSelectorRequirementWithMinValues
		severalGPUs  bool
		want, paid   string // empty: there is none
	}{
		{"the walkthrough's pod", model29Gi(), []karpenterv1.NodeSelectorRequirementWithMinValues{in(labelFamily, "g6e")}, false, "g6e.xlarge", "spot"},
		{"its node pool, any family", gpus("1"), []karpenterv1.NodeSelectorRequirementWithMinValues{in(labelFamily, "g5", "g6", "g6e")}, false, "g6.xlarge", "spot"},
		{"without spot", gpus("1"), []karpenterv1.NodeSelectorRequirementWithMinValues{in(karpenterv1.CapacityTypeLabelKey, "on-demand")}, false, "g6.xlarge", "on-demand"},
		{"only what Karpenter chose from", gpus("1"), []karpenterv1.NodeSelectorRequirementWithMinValues{in(corev1.LabelInstanceTypeStable, "g5.4xlarge", "g5.8xlarge")}, false, "g5.4xlarge", "spot"},
		{"four GPUs on one machine", gpus("4"), nil, true, "g6.12xlarge", "spot"},
		{"four GPUs, out of stock", gpus("4"), nil, false, "", ""},
		{"a zone that the cloud has not", gpus("1"), []karpenterv1.NodeSelectorRequirementWithMinValues{in(corev1.LabelTopologyZone, "mars-1a")}, false, "", ""},
		{"more than any machine has", corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500")}, nil, true, "", ""},
	} {
		p, _ := newProvider(tc.severalGPUs)
		got, err := p.Create(t.Context(), claim(tc.requests, tc.requirements...))
		if tc.want == "" {
			if !cloudprovider.IsInsufficientCapacityError(err) {
				t.Errorf("%s: %v, %v; want insufficient capacity", tc.why, got, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.why, err)
			continue
		}
		if kind, paid := got.Labels[corev1.LabelInstanceTypeStable], got.Labels[karpenterv1.CapacityTypeLabelKey]; kind != tc.want || paid != tc.paid {
			t.Errorf("%s: a %s %s, want a %s %s", tc.why, paid, kind, tc.paid, tc.want)
		}
	}
}

func TestCreate_writes_down_a_node_with_labels_and_taints(t *testing.T) {
	p, b := newProvider(false)
	got, err := p.Create(t.Context(), claim(model29Gi(), in(labelFamily, "g6e")))
	if err != nil {
		t.Fatal(err)
	}
	m, err := b.Find(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{
		karpenterv1.NodePoolLabelKey: "p", karpenterv1.CapacityTypeLabelKey: "spot",
		corev1.LabelTopologyRegion: "us-east-1", corev1.LabelTopologyZone: "us-east-1a",
		corev1.LabelInstanceTypeStable: "g6e.xlarge", labelFamily: "g6e", labelCategory: "g", labelGeneration: "6", labelSize: "xlarge",
		labelCPU: "4", labelMemory: "32768", labelGPUName: "l40s", labelGPUMaker: "nvidia", labelGPUCount: "1", labelGPUMemory: "49152",
		corev1.LabelArchStable: m.Labels[corev1.LabelArchStable], corev1.LabelOSStable: m.Labels[corev1.LabelOSStable],
	}
	if diff := cmp.Diff(labels, m.Labels); diff != "" {
		t.Error(diff)
	}
	taints := []string{karpenterv1.UnregisteredTaintKey, "nvidia.com/gpu", "warming"}
	keys := make([]string, 0, len(m.Taints))
	for _, taint := range m.Taints {
		keys = append(keys, taint.Key)
	}
	if diff := cmp.Diff(taints, keys); diff != "" {
		t.Error(diff)
	}
	if got.Status.ProviderID != "furl://c" {
		t.Errorf("the provider ID is %s", got.Status.ProviderID)
	}
	for name, want := range map[corev1.ResourceName]string{corev1.ResourceCPU: "3920m", corev1.ResourceMemory: "31203Mi", GPU: "1", corev1.ResourcePods: "110"} {
		if have := got.Status.Allocatable[name]; have.Cmp(resource.MustParse(want)) != 0 {
			t.Errorf("pods get %s of %s, want %s", have.String(), name, want)
		}
	}
}

func TestCreate_rents_no_more_than_there_is_room_for(t *testing.T) {
	p, _ := newProvider(false)
	for _, name := range []string{"a", "b"} {
		c := claim(nil)
		c.Name = name
		if _, err := p.Create(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Create(t.Context(), claim(nil)); !cloudprovider.IsInsufficientCapacityError(err) {
		t.Errorf("a third one: %v", err)
	}
}

func TestProvider_finds_and_ends_what_it_rented(t *testing.T) {
	p, b := newProvider(false)
	created, err := p.Create(t.Context(), claim(nil))
	if err != nil {
		t.Fatal(err)
	}
	found, err := p.Get(t.Context(), created.Status.ProviderID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(created, found); diff != "" {
		t.Error(diff)
	}
	all, err := p.List(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("the list is %v, %v", all, err)
	}
	// The object store knows no finalizers: the record is gone at once, as when the machine has ended already.
	if err := p.Delete(t.Context(), created); !cloudprovider.IsNodeClaimNotFoundError(err) {
		t.Errorf("the end of it: %v; want that it is not found", err)
	}
	if err := p.Delete(t.Context(), created); !cloudprovider.IsNodeClaimNotFoundError(err) {
		t.Errorf("once more: %v; want that it is not found", err)
	}
	if _, err := p.Get(t.Context(), created.Status.ProviderID); !cloudprovider.IsNodeClaimNotFoundError(err) {
		t.Errorf("looking for it: %v; want that it is not found", err)
	}
	if _, err := b.Find(t.Context(), "c"); !errors.Is(err, machine.ErrNone) {
		t.Errorf("the machine is still there: %v", err)
	}
	if _, err := p.Get(t.Context(), "aws:///us-east-1a/i-1"); err == nil || cloudprovider.IsNodeClaimNotFoundError(err) {
		t.Errorf("somebody else's machine: %v", err)
	}
}

func TestCatalogue(t *testing.T) {
	p, _ := newProvider(false)
	all, err := p.GetInstanceTypes(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, kind := range all {
		if seen[kind.Name] {
			t.Errorf("%s is listed twice", kind.Name)
		}
		seen[kind.Name] = true
		for _, o := range kind.Offerings {
			if o.Price <= 0 || o.Zone() == "" || o.CapacityType() == "" {
				t.Errorf("%s is offered as %v for %v", kind.Name, o.Requirements, o.Price)
			}
		}
		for name, quantity := range kind.Allocatable() {
			if quantity.Sign() <= 0 {
				t.Errorf("%s has %s of %s for pods", kind.Name, quantity.String(), name)
			}
		}
	}
}

func TestNodeClass_copies_share_nothing(t *testing.T) {
	c := &NodeClass{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: map[string]string{"a": "b"}}}
	c.StatusConditions().SetTrue("Ready")
	l := &NodeClassList{Items: []NodeClass{*c}}
	same := l.DeepCopyObject()
	if diff := cmp.Diff(l, same); diff != "" {
		t.Fatal(diff)
	}
	copied, ok := same.(*NodeClassList)
	if !ok {
		t.Fatalf("the copy is a %T", same)
	}
	copied.Items[0].Labels["a"], copied.Items[0].Status.Conditions[0].Reason = "c", "Other"
	if c.Labels["a"] != "b" || c.Status.Conditions[0].Reason == "Other" {
		t.Error("a change of the copy changed the original")
	}
}
