package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Keeper is who would bring an HPA back that was removed, or hinders its
// removal, in words; empty when nobody does as far as the object tells.
func Keeper(h *autoscalingv2.HorizontalPodAutoscaler) string {
	if o := metav1.GetControllerOf(h); o != nil {
		return fmt.Sprintf("%s %s", o.Kind, o.Name)
	}
	if len(h.Finalizers) > 0 {
		return "whoever set its finalizer " + h.Finalizers[0]
	}
	return cmp.Or(toolByMarks(h.Labels), toolByMarks(h.Annotations), toolByFields(h.ManagedFields))
}

// toolByMarks knows tools that apply objects from elsewhere by the labels and
// annotations that they leave.
func toolByMarks(marks map[string]string) string {
	switch {
	case marks["argocd.argoproj.io/tracking-id"] != "" || marks["argocd.argoproj.io/instance"] != "":
		return "Argo CD"
	case marks["meta.helm.sh/release-name"] != "":
		return "the Helm release " + marks["meta.helm.sh/release-name"]
	case marks["app.kubernetes.io/managed-by"] == "Helm":
		return "a Helm release"
	}
	for key := range marks {
		if domain, _, _ := strings.Cut(key, "/"); strings.HasSuffix(domain, ".toolkit.fluxcd.io") {
			return "Flux"
		}
	}
	return ""
}

// toolByFields knows them by the names under which they write.
func toolByFields(fields []metav1.ManagedFieldsEntry) string {
	tools := map[string]string{
		"argocd-controller": "Argo CD", "argocd-application-controller": "Argo CD",
		"kustomize-controller": "Flux", "helm-controller": "Flux", "helm": "a Helm release", "Helm": "a Helm release",
		"Terraform": "Terraform", "HashiCorp": "Terraform",
	}
	i := slices.IndexFunc(fields, func(f metav1.ManagedFieldsEntry) bool { return f.Subresource == "" && tools[f.Manager] != "" })
	if i < 0 {
		return ""
	}
	return tools[fields[i].Manager]
}
