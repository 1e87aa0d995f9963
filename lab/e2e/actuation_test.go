package e2e

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestActuation_by_an_unmodified_HPA_controller lets Furl wake a workload and let
// it rest, and upstream's own controller do the rest by what Furl tells it.
func TestActuation_by_an_unmodified_HPA_controller(t *testing.T) {
	t.Parallel() // mostly waits
	work := &backlog{asked: map[string]int{}}
	service := httptest.NewServer(work)
	t.Cleanup(service.Close)
	l := labtest.Start(t, labtest.Options{SimNodes: 1, Operator: true, HPAController: true, Args: []string{
		"--external-metrics", "--controller-manager-arg=--horizontal-pod-autoscaler-sync-period=1s",
	}})
	l.Apply(fmt.Sprintf(actuationObjects, service.URL))
	awaitHPA(t, l, "keda-hpa-worker", true)
	awaitColumns(t, l, "worker", "apps/v1.Deployment worker 10 True False")

	work.set(50, "")
	awaitScale(t, l, "deployment", "worker", "10")
	awaitEvent(t, l, "keda-hpa-worker", "SuccessfulRescale", "external metric s0-metric-api-work")
	awaitHPAColumns(t, l, "keda-hpa-worker", "Deployment/worker 5/5 (avg) 1 10 10")
	awaitHPAActive(t, l, "True HPAActive")
	if managers, err := statusManagers(t.Context(), l, "keda-hpa-worker"); err != nil || len(managers) != 1 || !managers["kube-controller-manager"] {
		t.Errorf("the HPA's status is written by %v, want upstream's controller alone; %v", managers, err)
	}
	checkExternalAPI(t, l)
	describe := l.Kubectl("describe", "scaledobject", "worker")
	if !strings.Contains(describe, "Scaled apps/v1.Deployment default/worker from 0 to 1, triggered by s0-metric-api-work") {
		t.Errorf("Furl woke the workload otherwise than from 0 to 1:\n%s", describe)
	}

	work.set(0, "")
	awaitScale(t, l, "deployment", "worker", "0")
	awaitHPAActive(t, l, "True ScalingDisabled")
	switchActuation(t, l, work)
	refuseBesideAnother(t, l)
	checkPermissions(t, l)
}

// switchActuation changes who moves the workload, both ways, and looks that
// neither moves it for that.
func switchActuation(t *testing.T, l *labtest.Lab, work *backlog) {
	t.Helper()
	work.set(30, "")
	awaitScale(t, l, "deployment", "worker", "6")
	before := generation(t, l)
	l.Kubectl("annotate", "scaledobject", "worker", "furl.dev/actuation=direct", "--overwrite")
	awaitHPA(t, l, "keda-hpa-worker", false)
	labtest.Eventually(t, time.Minute, "the status to know no HPA", func(ctx context.Context) error {
		out, err := l.TryKubectl(ctx, "get", "scaledobject", "worker", "-o", "jsonpath={.status.hpaName}")
		if err == nil && out != "" {
			err = fmt.Errorf("it names %q", out)
		}
		return err
	})
	l.Kubectl("annotate", "scaledobject", "worker", "furl.dev/actuation=hpa", "--overwrite")
	awaitHPA(t, l, "keda-hpa-worker", true)
	awaitHPAColumns(t, l, "keda-hpa-worker", "Deployment/worker 5/5 (avg) 1 10 6")
	if after := generation(t, l); after != before {
		t.Errorf("the Deployment was written %d times during the switches", after-before)
	}
}

// generation counts the changes of the Deployment's spec, its size among them.
func generation(t *testing.T, l *labtest.Lab) int64 {
	t.Helper()
	d, err := l.Client.AppsV1().Deployments(metav1.NamespaceDefault).Get(t.Context(), "worker", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d.Generation
}

// refuseBesideAnother gives external.metrics.k8s.io to somebody else.
func refuseBesideAnother(t *testing.T, l *labtest.Lab) {
	t.Helper()
	l.Kubectl("patch", "apiservice", "v1beta1.external.metrics.k8s.io", "--type=merge", "-p", `{"spec":{"service":{"namespace":"datadog","name":"cluster-agent"}}}`)
	awaitReadyMessage(t, l, "leads to Service datadog/cluster-agent")
	holder := l.Kubectl("get", "apiservice", "v1beta1.external.metrics.k8s.io", "-o", "jsonpath={.spec.service.name}")
	if holder != "cluster-agent" {
		t.Errorf("the other's APIService was written: it leads to %s", holder)
	}
}

func awaitReadyMessage(t *testing.T, l *labtest.Lab, words string) {
	t.Helper()
	labtest.Eventually(t, time.Minute, "the condition Ready to say "+words, func(ctx context.Context) error {
		out, err := l.TryKubectl(ctx, "get", "scaledobject", "worker", "-o", `jsonpath={.status.conditions[?(@.type=="Ready")]}`)
		if err == nil && (!strings.Contains(out, words) || !strings.Contains(out, `"status":"False"`)) {
			err = fmt.Errorf("it says %s", out)
		}
		return err
	})
}

// checkExternalAPI asks as a user would, for what there is and for a value.
func checkExternalAPI(t *testing.T, l *labtest.Lab) {
	t.Helper()
	const root = "/apis/external.metrics.k8s.io/v1beta1"
	const discovery = `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"external.metrics.k8s.io/v1beta1",` +
		`"resources":[{"name":"externalmetrics","singularName":"","namespaced":true,"kind":"ExternalMetricValueList","verbs":["get"]}]}`
	if got := strings.TrimSpace(l.Kubectl("get", "--raw", root)); got != discovery {
		t.Errorf("discovery says\n%s\nwant\n%s", got, discovery)
	}
	value := l.Kubectl("get", "--raw", root+"/namespaces/default/s0-metric-api-work?labelSelector=scaledobject.keda.sh%2Fname%3Dworker")
	if !strings.HasPrefix(value, `{"kind":"ExternalMetricValueList","apiVersion":"external.metrics.k8s.io/v1beta1","metadata":{},"items":[{"metricName":"s0-metric-api-work","metricLabels":null,"timestamp":"`) ||
		!strings.HasSuffix(strings.TrimSpace(value), `"value":"50"}]}`) {
		t.Errorf("the value is told as %s", value)
	}
}

func awaitHPA(t *testing.T, l *labtest.Lab, name string, there bool) {
	t.Helper()
	labtest.Eventually(t, time.Minute, fmt.Sprintf("HPA %s to be there: %v", name, there), func(ctx context.Context) error {
		out, err := l.TryKubectl(ctx, "get", "hpa", name, "--ignore-not-found", "-o", "name")
		if err == nil && (out != "") != there {
			err = fmt.Errorf("there is %q", out)
		}
		return err
	})
}

func awaitHPAColumns(t *testing.T, l *labtest.Lab, name, want string) {
	t.Helper()
	labtest.Eventually(t, time.Minute, "the columns of HPA "+name, func(ctx context.Context) error {
		got, err := l.TryKubectl(ctx, "get", "hpa", name, "--no-headers")
		if got := strings.Join(strings.Fields(got), " "); err == nil && !strings.HasPrefix(got, name+" "+want) {
			err = fmt.Errorf("it shows %q, want %q", got, want)
		}
		return err
	})
}

func awaitHPAActive(t *testing.T, l *labtest.Lab, want string) {
	t.Helper()
	labtest.Eventually(t, time.Minute, "the condition HPAActive to be "+want, func(ctx context.Context) error {
		got, err := l.TryKubectl(ctx, "get", "scaledobject", "worker", "-o",
			`jsonpath={.status.conditions[?(@.type=="HPAActive")].status} {.status.conditions[?(@.type=="HPAActive")].reason}`)
		if err == nil && got != want {
			err = fmt.Errorf("it is %q", got)
		}
		return err
	})
}

// actuationObjects has a workload and what scales it; its value is the service's address.
const actuationObjects = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker}
spec:
  replicas: 0
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: worker, image: registry.k8s.io/pause}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: worker
  annotations: {furl.dev/actuation: hpa}
spec:
  scaleTargetRef: {name: worker}
  pollingInterval: 1
  cooldownPeriod: 3
  maxReplicaCount: 10
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        scaleDown: {stabilizationWindowSeconds: 5}
        scaleUp: {policies: [{type: Pods, value: 10, periodSeconds: 1}]}
  triggers:
  - type: metrics-api
    metadata: {url: "%s", valueLocation: work, targetValue: "5"}
`
