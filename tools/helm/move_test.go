package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// movesFromKEDA types the guide, both ways and back, where a release like
// KEDA's is in place.
func (l *lab) movesFromKEDA() {
	keda := kedaLike(l.t)
	lines := map[string]string{}
	for heading, block := range guide(l.t) {
		block = strings.ReplaceAll(block, "kedacore/keda", keda)
		lines[heading] = strings.ReplaceAll(block, " --version 2.17.0", "")
	}
	l.types("kubectl create namespace keda && helm install keda " + keda + " --namespace keda --wait")
	l.types(kedaObjects)
	before := l.objects()

	desk := *l.shell // where the guide's files may lie
	desk.dir = l.t.TempDir()
	desk.types("ln -s " + l.shell.dir + "/charts charts")
	desk.types(lines["1. Keep a copy"])
	desk.types(lines["2. Stop KEDA"])
	desk.types(lines["3. Put Furl into the release"])
	l.runs("keda", 2)
	l.same(before, "moved into the release")
	l.awaits(waits, "Furl to serve the object", isServed)
	l.types("kubectl get crd cloudeventsources.eventing.keda.sh")

	desk.types(lines["And back"])
	l.same(before, "rolled back")
	if got := l.types("kubectl get deployments -n keda -o name"); got != "deployment.apps/keda-operator\n" {
		l.t.Errorf("after the roll-back there are %q, want KEDA's alone", got)
	}

	desk.types(lines["2. Stop KEDA"])
	desk.types(lines["4. Or: a release of its own"])
	l.runs("furl-system", 2)
	l.same(before, "moved into a release of its own")
	l.owner("furl")
	desk.types(lines["And back 2"])
	l.same(before, "moved back")
	l.owner("keda")
}

// isServed asks whether Furl has written the object's status.
const isServed = `kubectl get scaledobject web -o jsonpath='{.metadata.managedFields[*].manager}' | grep -w furl &&
	test "$(kubectl get scaledobject web -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}')" = True`

// guide are the blocks of shell lines of the guide, by their headings; a
// heading that comes again has its number after it.
func guide(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(root + "/docs/guide/moving-from-keda.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks, heading, inside := map[string]string{}, "", false
	for line := range strings.Lines(string(raw)) {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = strings.TrimSpace(line) == "```bash"
		case inside:
			blocks[heading] += line
		case strings.HasPrefix(line, "#"):
			heading = strings.TrimSpace(strings.TrimLeft(line, "#"))
			if blocks[heading] != "" {
				heading += " 2"
			}
		}
	}
	for _, want := range []string{"1. Keep a copy", "2. Stop KEDA", "3. Put Furl into the release", "And back", "4. Or: a release of its own", "And back 2"} {
		if blocks[want] == "" {
			t.Fatalf("the guide has no lines below %q", want)
		}
	}
	return blocks
}

// objects are the users' objects and sizes, which no move changes.
func (l *lab) objects() string {
	l.t.Helper()
	return l.types(`kubectl get scaledobjects,triggerauthentications -A -o jsonpath='{range .items[*]}{.kind} {.metadata.name} {.metadata.uid}{"\n"}{end}'
		kubectl get deployment web -o jsonpath='{.metadata.uid} {.spec.replicas}'`)
}

func (l *lab) same(before, when string) {
	l.t.Helper()
	if diff := cmp.Diff(before, l.objects()); diff != "" {
		l.t.Fatalf("%s, objects changed (-before +after):\n%s", when, diff)
	}
}

// owner looks whose release the definitions are.
func (l *lab) owner(release string) {
	l.t.Helper()
	for _, name := range []string{"scaledobjects", "scaledjobs", "triggerauthentications", "clustertriggerauthentications"} {
		if got := l.types(`kubectl get crd ` + name + `.keda.sh -o jsonpath='{.metadata.annotations.meta\.helm\.sh/release-name}'`); got != release {
			l.t.Errorf("the definition of %s belongs to release %q, want %q", name, got, release)
		}
	}
}

// kedaObjects are what users and KEDA leave: an object with its HPA, and
// finalizers on all.
const kedaObjects = `
kubectl create deployment web --image=registry.k8s.io/pause --replicas=2
kubectl apply -f - <<END
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web, namespace: default, finalizers: [finalizer.keda.sh]}
spec:
  scaleTargetRef: {name: web}
  minReplicaCount: 2
  maxReplicaCount: 4
  triggers:
    - {type: kubernetes-workload, metadata: {podSelector: app=nothing, value: "1"}}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: {name: queue, namespace: default, finalizers: [finalizer.keda.sh]}
spec:
  podIdentity: {provider: aws}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: keda-hpa-web, namespace: default, labels: {app.kubernetes.io/managed-by: keda-operator, app.kubernetes.io/part-of: web}}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 4
END
`

// kedaLike makes a chart that leaves in a cluster what KEDA's does: the kinds
// as templates, an operator that does nothing here, its account, its API.
func kedaLike(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keda")
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("Chart.yaml", "apiVersion: v2\nname: keda\nversion: 2.17.0\n")
	write("values.yaml", "crds: {install: true, additionalAnnotations: {}}\noperator: {replicaCount: 1}\n")
	kinds, err := filepath.Glob(root + "/deploy/crds/*.yaml")
	if err != nil || len(kinds) == 0 {
		t.Fatalf("no definitions in deploy/crds: %v", err)
	}
	for _, kind := range kinds {
		raw, err := os.ReadFile(kind)
		if err != nil {
			t.Fatal(err)
		}
		write("kinds/"+filepath.Base(kind), string(raw))
	}
	write("templates/objects.yaml", kedaTemplates)
	return dir
}

const kedaTemplates = `
{{- range $file, $_ := .Files.Glob "kinds/*.yaml" }}
{{- $crd := $.Files.Get $file | fromYaml }}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: {{ $crd.metadata.name }}
  labels: {app.kubernetes.io/part-of: keda-operator, app.kubernetes.io/managed-by: Helm}
  annotations: {{ $.Values.crds.additionalAnnotations | toJson }}
spec: {{ $crd.spec | toJson }}
{{- end }}
{{- range $plural, $kind := dict "cloudeventsources" "CloudEventSource" "clustercloudeventsources" "ClusterCloudEventSource" }}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: {{ $plural }}.eventing.keda.sh
  annotations: {{ $.Values.crds.additionalAnnotations | toJson }}
spec:
  group: eventing.keda.sh
  names: {kind: {{ $kind }}, listKind: {{ $kind }}List, plural: {{ $plural }}, singular: {{ lower $kind }}}
  scope: Namespaced
  versions: [{name: v1alpha1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
{{- end }}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: keda-operator, namespace: {{ .Release.Namespace }}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: keda-operator, namespace: {{ .Release.Namespace }}, labels: {app: keda-operator}}
spec:
  replicas: {{ .Values.operator.replicaCount }}
  selector: {matchLabels: {app: keda-operator}}
  template:
    metadata: {labels: {app: keda-operator}}
    spec:
      serviceAccountName: keda-operator
      containers: [{name: keda-operator, image: registry.k8s.io/pause}]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.external.metrics.k8s.io}
spec:
  group: external.metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: keda-operator-metrics-apiserver, namespace: {{ .Release.Namespace }}}
`
