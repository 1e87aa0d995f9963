package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
)

func TestTargets_knows_rivals_and_tells_of_changes(t *testing.T) {
	var told []string
	all := Targets{Changed: func(t Target) { told = append(told, t.Kind+"."+t.APIVersion+"/"+t.Name) }}
	claim := func(kind, name string) Claim {
		return Claim{Kind: kind, NamespacedName: types.NamespacedName{Namespace: "ns", Name: name}}
	}
	web := Target{Namespace: "ns", Name: "web", APIVersion: "apps/v1", Kind: "Deployment"}
	beta := web
	beta.APIVersion = "apps/v1beta1" // the same workload
	hpa, object := claim("HorizontalPodAutoscaler", "web"), claim("ScaledObject", "web")
	all.Put(hpa, web)
	all.Put(object, beta)
	all.Put(object, beta)
	if diff := cmp.Diff([]Claim{object}, all.Rivals(hpa)); diff != "" {
		t.Errorf("rivals of the HPA (-want +got):\n%s", diff)
	}
	byGroup := web
	byGroup.APIVersion = "apps"
	if diff := cmp.Diff([]Claim{hpa, object}, all.Of(byGroup)); diff != "" {
		t.Errorf("who wants the target (-want +got):\n%s", diff)
	}
	all.Drop(hpa)
	if got := all.Rivals(object); len(got) != 0 {
		t.Errorf("rivals of the one that is left: %v", got)
	}
	if diff := cmp.Diff([]string{"Deployment.apps/web", "Deployment.apps/web", "Deployment.apps/web"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
