package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// waits is how long anything may take on a busy machine.
const waits = 3 * time.Minute

// TestChart_in_a_cluster types Helm's lines against a real API server whose
// nodes run Furl's pods. One lab serves all of it.
func TestChart_in_a_cluster(t *testing.T) {
	l := newLab(t)
	l.acceptsEveryRendering()
	l.walksThrough()
	l.movesFromKEDA()
}

// acceptsEveryRendering asks the API server about each object, and changes nothing.
func (l *lab) acceptsEveryRendering() {
	l.types("kubectl create namespace furl-system")
	for _, file := range valuesFiles(l.t) {
		l.types("helm template furl charts/furl --namespace furl-system --values " + file + " | kubectl apply --dry-run=server -f -")
	}
	l.types("kubectl delete namespace furl-system")
}

// served is a workload with an object whose finalizer is Furl's.
const served = `
kubectl create deployment web --image=registry.k8s.io/pause
kubectl apply -f - <<END
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web, namespace: default}
spec:
  scaleTargetRef: {name: web}
  minReplicaCount: 2
  maxReplicaCount: 4
  advanced: {restoreToOriginalReplicaCount: true}
  triggers:
    - {type: kubernetes-workload, metadata: {podSelector: app=nothing, value: "1"}}
END
`

// walksThrough types the walkthrough's line with one word changed, then
// upgrades, rolls back and removes the release.
func (l *lab) walksThrough() {
	t := l.t
	l.types("kubectl apply -f " + filepath.Join("examples/pod-autoscaling/keda", "namespace.yaml") +
		" -f examples/pod-autoscaling/keda/keda-service-account.yaml")
	l.types("cd examples/pod-autoscaling/keda && helm install keda ../../../charts/furl --namespace keda --values keda-helm-values.yaml --wait --timeout 3m")
	l.runs("keda", 2)
	l.types(served)
	l.awaits(waits, "Furl to scale", `test "$(kubectl get deployment web -o jsonpath={.spec.replicas})" = 2 &&
		kubectl get scaledobject web -o yaml | grep finalizer.keda.sh`)

	l.types("helm upgrade keda charts/furl --namespace keda --reuse-values --set operator.replicaCount=1 --set crds.additionalAnnotations.team=platform --wait --timeout 3m")
	l.runs("keda", 1)
	const team = `kubectl get crd scaledobjects.keda.sh -o jsonpath={.metadata.annotations.team}`
	if got := l.types(team); got != "platform" {
		t.Errorf("after the upgrade the definition's annotation is %q: Helm did not upgrade it", got)
	}
	l.types("helm rollback keda 1 --namespace keda --wait --timeout 3m")
	l.runs("keda", 2)
	if got := l.types(team); got != "" {
		t.Errorf("after the rollback the definition's annotation is %q", got)
	}

	l.types("helm uninstall keda --namespace keda --wait --timeout 3m")
	want := "customresourcedefinition.apiextensions.k8s.io/clustertriggerauthentications.keda.sh customresourcedefinition.apiextensions.k8s.io/scaledjobs.keda.sh " +
		"customresourcedefinition.apiextensions.k8s.io/scaledobjects.keda.sh customresourcedefinition.apiextensions.k8s.io/triggerauthentications.keda.sh"
	if diff := cmp.Diff(want, l.left("keda")); diff != "" {
		t.Errorf("what is left of the release (-want +got):\n%s", diff)
	}
	if got := l.types("kubectl get deployment web -o jsonpath={.spec.replicas}"); got != "2" {
		t.Errorf("the uninstall left %s replicas, want 2", got)
	}
	l.types("kubectl delete scaledobject web --timeout=20s") // nobody holds it
	l.types("kubectl delete deployment web")
	l.types("kubectl delete namespace keda --timeout=60s")
	l.types("kubectl delete crd scaledobjects.keda.sh scaledjobs.keda.sh triggerauthentications.keda.sh clustertriggerauthentications.keda.sh")
}

// runs looks whether kubectl get pods shows so many of Furl's, ready, as the walkthrough looks.
func (l *lab) runs(namespace string, n int) {
	l.t.Helper()
	var lines []string
	l.awaits(waits, "pods to be ready", "! kubectl get pods -n "+namespace+" --no-headers | grep -v Running")
	for line := range strings.Lines(l.types("kubectl get pods -n " + namespace + " --no-headers")) {
		lines = append(lines, line)
		if f := strings.Fields(line); !strings.HasPrefix(f[0], "keda-furl-") && !strings.HasPrefix(f[0], "furl-") || f[1] != "1/1" || f[2] != "Running" {
			l.t.Errorf("kubectl get pods shows %s", line)
		}
	}
	if len(lines) != n {
		l.t.Errorf("kubectl get pods shows %d pods, want %d:\n%s", len(lines), n, strings.Join(lines, ""))
	}
}

// left are the objects that name a release, of every kind that can be listed.
func (l *lab) left(release string) string {
	l.t.Helper()
	out := l.types(`kinds=$(kubectl api-resources --verbs=list,delete -o name | grep -v -e metrics.k8s.io -e ^events | paste -sd,)
		kubectl get "$kinds" -A -o name -l app.kubernetes.io/instance=` + release + `
		kubectl get jobs,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings -A -o name -l app.kubernetes.io/name=furl-finalizers`)
	return strings.Join(strings.Fields(out), " ")
}
