package e2e

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// scaled are the HPAs of the test: one for each kind of metric that an adapter
// serves, and for each kind of target that Furl treats differently.
var scaled = []struct{ hpa, kind, condition string }{
	{"by-pods", "deployment", "FailedGetPodsMetric"},
	{"by-object", "statefulset", "FailedGetObjectMetric"},
	{"by-queue", "deployment", "FailedGetExternalMetric"},
	{"by-jobs", "crew", "FailedGetExternalMetric"},
}

// TestAdapter_scales_by_custom_and_external_metrics goes through the API
// server's aggregator to an adapter that is well, fails, hangs and recovers.
func TestAdapter_scales_by_custom_and_external_metrics(t *testing.T) {
	t.Parallel() // mostly waits
	l := labtest.Start(t, labtest.Options{SimNodes: 1, Operator: true})
	begin := time.Now()
	adapter := startAdapter(t, l, map[string]int{"qps": 30, "backlog": 30, "queue": 40, "jobs": 3})
	l.Apply(crewDefinition)
	labtest.Eventually(t, time.Minute, "the custom resource to be served", func(ctx context.Context) error {
		_, err := l.TryKubectl(ctx, "get", "crews")
		return err
	})
	l.Apply(adapterWorkloads)
	l.Kubectl("patch", "crew", "by-jobs", "--subresource=status", "--type=merge", "-p", `{"status":{"replicas":1,"selector":"app=by-jobs"}}`)

	// 30 requests a second each where 10 are wanted, however many pods there are; a backlog half as long again as wanted;
	// 40 in the queue, 10 a pod; 3 jobs, 1 a pod.
	grown := map[string]int32{"by-pods": 5, "by-object": 5, "by-queue": 4, "by-jobs": 3}
	awaitScales(t, l, grown)
	checkAsker(t, adapter)
	t.Logf("%v: all have grown", time.Since(begin))

	for _, trouble := range []struct {
		what  string
		mood  mood
		words string // of the condition, with upstream's around them
	}{
		{"fails", failing, "the time series database is away"},
		{"hangs", hanging, "Timeout"},
	} {
		adapter.set(map[string]int{"qps": 0, "backlog": 0, "queue": 0, "jobs": 0}) // what nobody gets to hear
		adapter.be(trouble.mood)
		adapter.wasAsked(t, 2)
		awaitInactive(t, l, trouble.words)
		t.Logf("%v: an adapter that %s is told of", time.Since(begin), trouble.what)
		if got := scales(t.Context(), t, l); !maps.Equal(got, grown) {
			t.Fatalf("an adapter that %s changed the sizes to %v, want %v", trouble.what, got, grown)
		}
	}

	adapter.be(well)
	awaitScales(t, l, map[string]int32{"by-pods": 1, "by-object": 1, "by-queue": 0, "by-jobs": 1})
	awaitCondition(t, l, "by-queue", autoscalingv2.ScaledToZero, corev1.ConditionTrue, "ScaledToZero", "")
	adapter.set(map[string]int{"qps": 0, "backlog": 0, "queue": 15, "jobs": 0})
	awaitScales(t, l, map[string]int32{"by-pods": 1, "by-object": 1, "by-queue": 2, "by-jobs": 1})
	awaitCondition(t, l, "by-queue", autoscalingv2.ScaledToZero, corev1.ConditionFalse, "NotScaledToZero", "")
	checkPermissions(t, l)
}

// checkAsker checks that the aggregator said on whose behalf it asks.
func checkAsker(t *testing.T, a *adapter) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !maps.Equal(a.users, map[string]bool{"system:serviceaccount:furl-system:furl": true}) {
		t.Errorf("metrics were asked for by %v, want the operator's ServiceAccount alone", a.users)
	}
}

// scales are the wanted sizes of all targets.
func scales(ctx context.Context, t *testing.T, l *labtest.Lab) map[string]int32 {
	t.Helper()
	got := map[string]int32{}
	for _, s := range scaled {
		out, err := l.TryKubectl(ctx, "get", s.kind, s.hpa, "-o", "jsonpath={.spec.replicas}")
		if err != nil {
			t.Fatal(err)
		}
		var n int32
		if _, err := fmt.Sscan(out, &n); err != nil {
			t.Fatalf("size of %s: %q: %v", s.hpa, out, err)
		}
		got[s.hpa] = n
	}
	return got
}

func awaitScales(t *testing.T, l *labtest.Lab, want map[string]int32) {
	t.Helper()
	labtest.Eventually(t, 3*time.Minute, fmt.Sprintf("sizes %v", want), func(ctx context.Context) error {
		if got := scales(ctx, t, l); !maps.Equal(got, want) {
			return fmt.Errorf("they are %v", got)
		}
		return nil
	})
}

// awaitInactive waits until every HPA says that its metric could not be read.
func awaitInactive(t *testing.T, l *labtest.Lab, words string) {
	t.Helper()
	for _, s := range scaled {
		awaitCondition(t, l, s.hpa, autoscalingv2.ScalingActive, corev1.ConditionFalse, s.condition, words)
		awaitEvent(t, l, s.hpa, "FailedComputeMetricsReplicas", "invalid metrics (1 invalid out of 1), first error is: ")
	}
}

func awaitCondition(
	t *testing.T, l *labtest.Lab, name string,
	kind autoscalingv2.HorizontalPodAutoscalerConditionType, status corev1.ConditionStatus, reason, words string,
) {
	t.Helper()
	labtest.Eventually(t, 2*time.Minute, fmt.Sprintf("%s to say %s=%s %s", name, kind, status, reason), func(ctx context.Context) error {
		h, err := l.Client.AutoscalingV2().HorizontalPodAutoscalers(metav1.NamespaceDefault).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, c := range h.Status.Conditions {
			if c.Type == kind && c.Status == status && c.Reason == reason && strings.Contains(c.Message, words) {
				return nil
			}
		}
		return fmt.Errorf("it says %v", h.Status.Conditions)
	})
}

// crewDefinition is a custom resource that can be scaled.
const crewDefinition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crews.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: crews, singular: crew, kind: Crew}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {replicas: {type: integer}}}
          status: {type: object, properties: {replicas: {type: integer}, selector: {type: string}}}
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas, labelSelectorPath: .status.selector}
`

const adapterWorkloads = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: by-pods}
spec:
  replicas: 1
  selector: {matchLabels: {app: by-pods}}
  template:
    metadata: {labels: {app: by-pods}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: main, image: registry.k8s.io/pause}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: by-object}
spec:
  replicas: 1
  serviceName: shop
  selector: {matchLabels: {app: by-object}}
  template:
    metadata: {labels: {app: by-object}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: main, image: registry.k8s.io/pause}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: by-queue}
spec:
  replicas: 1
  selector: {matchLabels: {app: by-queue}}
  template:
    metadata: {labels: {app: by-queue}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: main, image: registry.k8s.io/pause}]
---
apiVersion: example.com/v1
kind: Crew
metadata: {name: by-jobs}
spec: {replicas: 1}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: by-pods}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: by-pods}
  maxReplicas: 5
  metrics:
  - type: Pods
    pods: {metric: {name: qps}, target: {type: AverageValue, averageValue: "10"}}
  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: by-object}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: by-object}
  maxReplicas: 5
  metrics:
  - type: Object
    object:
      describedObject: {apiVersion: v1, kind: Service, name: shop}
      metric: {name: backlog}
      target: {type: Value, value: "20"}
  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: by-queue}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: by-queue}
  minReplicas: 0
  maxReplicas: 5
  metrics:
  - type: External
    external: {metric: {name: queue}, target: {type: AverageValue, averageValue: "10"}}
  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: by-jobs}
spec:
  scaleTargetRef: {apiVersion: example.com/v1, kind: Crew, name: by-jobs}
  maxReplicas: 5
  metrics:
  - type: External
    external: {metric: {name: jobs}, target: {type: AverageValue, averageValue: "1"}}
  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
`
