package policy_test

import (
	"strings"
	"testing"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/policy"
	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestAdopt_refuses_what_would_mean_another_thing(t *testing.T) {
	const target = "maxReplicas: 5\n"
	const cpu = `{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}`
	const queue = `{type: External, external: {metric: {name: queue}, target: {type: AverageValue, averageValue: 5}}}`
	for _, tc := range []struct{ why, spec, want string }{
		{"what cpu and memory say can be said", target + "metrics: [" + cpu + "]", ""},
		{"without metrics it is 80 % of the CPU", target, ""},
		{"an adapter's metric has a source that nobody knows", target + "metrics: [" + cpu + ", " + queue + "]", "spec.metrics[1]: Forbidden: the metric queue of type External comes from an adapter behind external.metrics.k8s.io"},
		{"so has one of pods", target + `metrics: [{type: Pods, pods: {metric: {name: qps}, target: {type: AverageValue, averageValue: 5}}}]`, "spec.metrics[0]: Forbidden: the metric qps of type Pods comes from an adapter behind custom.metrics.k8s.io"},
		{"and of another object", target + `metrics: [{type: Object, object: {metric: {name: rps}, describedObject: {kind: Service, name: web}, target: {type: Value, value: 5}}}]`, "the metric rps of type Object"},
		{"zero comes by other rules", target + "minReplicas: 0\nmetrics: [" + queue + "]", "spec.minReplicas: Forbidden: of 0"},
		{"there is no trigger for other resources", target + `metrics: [{type: Resource, resource: {name: ephemeral-storage, target: {type: AverageValue, averageValue: 1Gi}}}]`, "there is no trigger for the resource ephemeral-storage"},
		{"nor for any resource of one container", target + `metrics: [{type: ContainerResource, containerResource: {name: hugepages-2Mi, container: app, target: {type: AverageValue, averageValue: 1Gi}}}]`, "no trigger for the resource hugepages-2Mi"},
		{"what makes no sense is not carried on", "maxReplicas: 0\n", "spec.maxReplicas"},
	} {
		t.Run(tc.why, func(t *testing.T) {
			so, errs := policy.Adopt(hpaOf(t, tc.spec))
			if got := errs.ToAggregate(); tc.want == "" && got != nil || tc.want != "" && (got == nil || !strings.Contains(got.Error(), tc.want)) {
				t.Errorf("refused with %v, want %q", got, tc.want)
			}
			if (so == nil) != (tc.want != "") {
				t.Errorf("got %v", so)
			}
		})
	}
}

func TestAdopt_takes_along_what_is_the_users(t *testing.T) {
	h := hpaOf(t, "maxReplicas: 5\n")
	h.Name = "web-hpa"
	h.Labels = map[string]string{"team": "shop", "app.kubernetes.io/managed-by": "Helm", "kustomize.toolkit.fluxcd.io/name": "x"}
	h.Annotations = map[string]string{
		"note": "ask Ann", api.AnnotationCadence: "15s", api.AnnotationMode: api.ModeObserve, "autoscaling.keda.sh/paused": "true",
		"kubectl.kubernetes.io/last-applied-configuration": "{}",
	}
	so, errs := policy.Adopt(h)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if diff := cmp.Diff(map[string]string{"team": "shop"}, so.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	want := map[string]string{"note": "ask Ann", api.AnnotationCadence: "15s", api.AnnotationAdopts: "web-hpa"}
	if diff := cmp.Diff(want, so.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	if name, adopts := policy.Adopts(so.Annotations); name != "web-hpa" || !adopts {
		t.Errorf("it adopts %q, %v", name, adopts)
	}
}

func TestKeeper_is_who_would_make_the_HPA_again(t *testing.T) {
	controller := true
	for _, tc := range []struct {
		why  string
		meta metav1.ObjectMeta
		want string
	}{
		{"somebody who typed it", metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl-client-side-apply"}}}, ""},
		{"KEDA", metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{Kind: "ScaledObject", Name: "web", Controller: &controller}}}, "ScaledObject web"},
		{"an owner that does not control", metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{Kind: "Shop", Name: "web"}}}, ""},
		{"Argo CD by its annotation", metav1.ObjectMeta{Annotations: map[string]string{"argocd.argoproj.io/tracking-id": "x"}}, "Argo CD"},
		{"Argo CD by its name", metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "argocd-controller"}}}, "Argo CD"},
		{"Flux", metav1.ObjectMeta{Labels: map[string]string{"kustomize.toolkit.fluxcd.io/name": "x"}}, "Flux"},
		{"Helm", metav1.ObjectMeta{Annotations: map[string]string{"meta.helm.sh/release-name": "shop"}}, "the Helm release shop"},
		{"the status is the controller's business", metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "helm", Subresource: "status"}}}, ""},
		{"a finalizer", metav1.ObjectMeta{Finalizers: []string{"a/b"}}, "whoever set its finalizer a/b"},
	} {
		if got := policy.Keeper(&autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: tc.meta}); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.why, got, tc.want)
		}
	}
}
