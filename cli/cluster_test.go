package cli_test

import (
	"net/http"
	"strings"
	"time"

	"github.com/furl-dev/furl/api/decisions/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// hpas are those of namespace shop.
const hpas = `
- metadata: {name: by-argo, annotations: {argocd.argoproj.io/tracking-id: shop}}
  spec: &usual
    scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: php-apache}
    minReplicas: 2
    maxReplicas: 10
    metrics:
    - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}
    - {type: ContainerResource, containerResource: {name: memory, container: app, target: {type: AverageValue, averageValue: 300Mi}}}
    behavior: {scaleDown: {stabilizationWindowSeconds: 60}}
- metadata: {name: by-queue}
  spec:
    scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: worker}
    maxReplicas: 10
    metrics:
    - {type: External, external: {metric: {name: queue}, target: {type: AverageValue, averageValue: 5}}}
- metadata: {name: php-apache, annotations: {note: ask Ann}}
  spec: *usual
`

// serveHPAs is the part of the API server that has HPAs; false for another.
func serveHPAs(w http.ResponseWriter, r *http.Request) bool {
	rest, ok := strings.CutPrefix(r.URL.Path, "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers")
	if !ok {
		return false
	}
	list := autoscalingv2.HorizontalPodAutoscalerList{TypeMeta: metav1.TypeMeta{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscalerList"}}
	if err := yaml.Unmarshal([]byte(hpas), &list.Items); err != nil {
		panic(err)
	}
	list.Items = append(list.Items, limited())
	name := strings.TrimPrefix(rest, "/")
	for i := range list.Items {
		h := &list.Items[i]
		h.TypeMeta, h.Namespace = metav1.TypeMeta{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"}, "shop"
		if h.Name == name {
			answer(w, http.StatusOK, h)
			return true
		}
	}
	if name != "" {
		answer(w, http.StatusNotFound, status(http.StatusNotFound, metav1.StatusReasonNotFound, name))
		return true
	}
	list.Items = list.Items[:3]
	answer(w, http.StatusOK, list)
	return true
}

// limited is the HPA beside which Furl watches.
func limited() autoscalingv2.HorizontalPodAutoscaler {
	at := metav1.NewTime(now())
	h := autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{
		Name: "shadowed", ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kube-controller-manager", Subresource: "status", Time: &at}},
	}}
	h.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{
		{Type: autoscalingv2.ScalingLimited, Status: corev1.ConditionTrue, Reason: "TooManyReplicas", Message: "the maximum is 4"},
	}
	return h
}

// shadowed is what Furl decided beside that HPA.
func shadowed() v1alpha1.Decision {
	at := func(ago time.Duration, from, to int32, why string) v1alpha1.Record {
		when := metav1.NewMicroTime(now().Add(-ago))
		r := v1alpha1.Record{At: when, Since: when, From: from, To: to, Mode: "observe", Outcome: "observed", Rule: "measure", Why: why}
		if from == to {
			r.Outcome = "unchanged"
		}
		return r
	}
	d := decision()
	d.Name, d.Object = "hpa.shadowed", "hpa/shadowed"
	d.History = []v1alpha1.Record{
		at(2*time.Minute, 4, 5, "61% of the requests"),
		at(5*time.Minute-12*time.Second, 4, 4, "within the tolerance"),
		at(5*time.Minute, 1, 4, "187% of the requests"),
	}
	d.Latest = d.History[0]
	return d
}
