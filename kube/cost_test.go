package kube

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func TestCosts_writes_the_one_annotation_of_the_one_pod(t *testing.T) {
	c := fake.NewClientset(labelled("p", map[string]string{"app": "web"}), labelled("q", map[string]string{"app": "other"}))
	var bodies []string
	c.PrependReactor("patch", "pods", func(a clienttesting.Action) (bool, runtime.Object, error) {
		p, is := a.(clienttesting.PatchActionImpl)
		if !is {
			return false, nil, nil
		}
		bodies = append(bodies, string(p.Patch)+" by "+p.PatchOptions.FieldManager)
		return false, nil, nil
	})
	costs := Costs{Client: c}
	pods, err := costs.Pods(t.Context(), "ns", "app=web")
	if err != nil || len(pods) != 1 || pods[0].Name != "p" {
		t.Fatalf("pods %v, error %v; want p alone", pods, err)
	}
	pods[0].UID = "u"
	for _, cost := range []int32{7, 0} {
		if err := costs.Set(t.Context(), &pods[0], cost); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		`{"metadata":{"annotations":{"controller.kubernetes.io/pod-deletion-cost":"7"},"uid":"u"}} by furl`,
		`{"metadata":{"annotations":{"controller.kubernetes.io/pod-deletion-cost":null},"uid":"u"}} by furl`,
	}
	if diff := cmp.Diff(want, bodies); diff != "" {
		t.Errorf("patches (-want +got):\n%s", diff)
	}
}

func TestCosts_reads_a_long_list_in_pages(t *testing.T) {
	c, pages := fake.NewClientset(), []string{"more", ""}
	c.PrependReactor("list", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		page := &corev1.PodList{ListMeta: metav1.ListMeta{Continue: pages[0]}, Items: []corev1.Pod{*labelled("p"+pages[0], map[string]string{"app": "web"})}}
		pages = pages[1:]
		return true, page, nil
	})
	if pods, err := (Costs{Client: c}).Pods(t.Context(), "ns", "app=web"); err != nil || len(pods) != 2 {
		t.Errorf("%d pods, error %v; want one of each page", len(pods), err)
	}
}

func TestCosts_of_a_pod_that_went_away_need_no_writing(t *testing.T) {
	pods, refused := corev1.Resource("pods"), errors.New("refused")
	for _, tc := range []struct {
		why          string
		answer, want error
	}{
		{"gone", apierrors.NewNotFound(pods, "p"), nil},
		{"another of its name", apierrors.NewConflict(pods, "p", errors.New("uid")), nil},
		{"refused", refused, refused},
	} {
		c := fake.NewClientset()
		c.PrependReactor("patch", "pods", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, tc.answer })
		if err := (Costs{Client: c}).Set(t.Context(), labelled("p", nil), 3); !errors.Is(err, tc.want) {
			t.Errorf("%s: error %v, want %v", tc.why, err, tc.want)
		}
	}
}

func TestCostOf_tells_Furls_costs_from_those_of_others(t *testing.T) {
	field := `{"f:metadata":{"f:annotations":{".":{},"f:controller.kubernetes.io/pod-deletion-cost":{}}}}`
	for _, tc := range []struct {
		why, cost, manager, fields string
		want                       int32
		ours                       bool
	}{
		{"none", "", "", "", 0, true},
		{"ours", "5", FieldManager, field, 5, true},
		{"the user's", "-5", "kubectl-annotate", field, -5, false},
		{"of the pods' template", "5", "kube-controller-manager", field, 5, false},
		{"the user's beside another field of ours", "5", FieldManager, `{"f:metadata":{"f:annotations":{"f:other":{}}}}`, 5, false},
		{"not a number", "much", "kubectl-annotate", field, 0, false},
	} {
		p := labelled("p", nil)
		if tc.cost != "" {
			p.Annotations = map[string]string{corev1.PodDeletionCost: tc.cost}
			p.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: tc.manager, FieldsV1: metav1.NewFieldsV1(tc.fields)}}
		}
		if got, ours := CostOf(p); got != tc.want || ours != tc.ours {
			t.Errorf("%s: cost %d, ours %v; want %d, %v", tc.why, got, ours, tc.want, tc.ours)
		}
	}
}
