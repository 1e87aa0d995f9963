package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// workloads is how many are scaled at once: enough for a p95 of the reaction.
const workloads = 20

// TestHPA_scales_simulated_workloads_up_and_down runs furl operator with the
// rights of the install manifests against a real API server.
func TestHPA_scales_simulated_workloads_up_and_down(t *testing.T) {
	metrics := freeAddress(t)
	l := labtest.Start(t, labtest.Options{
		SimNodes: 2, Operator: true,
		Args: []string{"--operator-arg=--metric-resolution=2s", "--operator-arg=--metrics-bind-address=" + metrics},
	})
	var manifest strings.Builder
	for i := range workloads {
		fmt.Fprintf(&manifest, workload, i)
	}
	l.Apply(manifest.String())

	awaitSizes(t, l, "grown to the maximum", 3)
	l.Kubectl("annotate", "pods", "--all", "--overwrite", "furl.dev/cpu=10m")
	awaitSizes(t, l, "shrunk to the minimum", 1)

	shown := strings.Join(strings.Fields(l.Kubectl("get", "hpa", "web-0", "--no-headers")), " ")
	// The last move from 13 % or so to 10 % is too small to be written at once.
	if want := `^web-0 Deployment/web-0 cpu: 1\d%/50% 1 3 1 `; !regexp.MustCompile(want).MatchString(shown) {
		t.Errorf("kubectl get hpa shows %s, want %s", shown, want)
	}
	checkStatus(t, l)
	checkEvents(t, l)
	checkPermissions(t, l)
	checkReaction(t, metrics)
}

// workload is a Deployment on simulated nodes that uses 200 % of its requests, and its HPA.
const workload = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web-%[1]d}
spec:
  replicas: 1
  selector: {matchLabels: {app: web-%[1]d}}
  template:
    metadata:
      labels: {app: web-%[1]d}
      annotations: {furl.dev/cpu: 200m, furl.dev/memory: 20Mi}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers:
      - name: web
        image: registry.k8s.io/pause
        resources: {requests: {cpu: 100m}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web-%[1]d}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web-%[1]d}
  minReplicas: 1
  maxReplicas: 3
  metrics:
  - type: Resource
    resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}
  behavior:
    scaleDown: {stabilizationWindowSeconds: 0}
---
`

// awaitSizes waits until every workload has this many pods, wanted and in the HPA's status.
func awaitSizes(t *testing.T, l *labtest.Lab, what string, replicas int32) {
	t.Helper()
	labtest.Eventually(t, 2*time.Minute, "all workloads to have "+what, func(ctx context.Context) error {
		list, err := l.Client.AutoscalingV2().HorizontalPodAutoscalers("default").List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for i := range list.Items {
			h := &list.Items[i]
			if s := h.Status; s.CurrentReplicas != replicas || s.DesiredReplicas != replicas {
				return fmt.Errorf("%s has %d replicas and wants %d; conditions %v", h.Name, s.CurrentReplicas, s.DesiredReplicas, reasons(h))
			}
			d, err := l.Client.AppsV1().Deployments("default").Get(ctx, h.Name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if d.Status.Replicas != replicas {
				return fmt.Errorf("deployment %s has %d pods, want %d", d.Name, d.Status.Replicas, replicas)
			}
		}
		if len(list.Items) != workloads {
			return fmt.Errorf("%d HPAs, want %d", len(list.Items), workloads)
		}
		return nil
	})
}

func reasons(h *autoscalingv2.HorizontalPodAutoscaler) (out []string) {
	for _, c := range h.Status.Conditions {
		out = append(out, fmt.Sprintf("%s=%s/%s", c.Type, c.Status, c.Reason))
	}
	return out
}

// checkStatus compares the status at rest with what upstream's controller shows.
func checkStatus(t *testing.T, l *labtest.Lab) {
	t.Helper()
	labtest.Eventually(t, 90*time.Second, "the status at rest", func(ctx context.Context) error {
		h, err := l.Client.AutoscalingV2().HorizontalPodAutoscalers("default").Get(ctx, "web-0", metav1.GetOptions{})
		if err != nil {
			return err
		}
		want := "[AbleToScale=True/ReadyForNewScale ScalingActive=True/ValidMetricFound ScalingLimited=False/DesiredWithinRange ScaledToZero=False/NotScaledToZero]"
		if got := fmt.Sprint(reasons(h)); got != want {
			return fmt.Errorf("conditions %s, want %s", got, want)
		}
		if h.Status.ObservedGeneration == nil || *h.Status.ObservedGeneration != h.Generation || h.Status.LastScaleTime == nil {
			return fmt.Errorf("observed generation %v of %d, last scale time %v", h.Status.ObservedGeneration, h.Generation, h.Status.LastScaleTime)
		}
		return nil
	})
}

func checkEvents(t *testing.T, l *labtest.Lab) {
	t.Helper()
	labtest.Eventually(t, 30*time.Second, "the events", func(ctx context.Context) error {
		list, err := l.Client.CoreV1().Events("default").List(ctx, metav1.ListOptions{
			FieldSelector: "involvedObject.name=web-0,involvedObject.kind=HorizontalPodAutoscaler,reason=SuccessfulRescale",
		})
		if err != nil {
			return err
		}
		messages := map[string]bool{}
		for i := range list.Items {
			e := &list.Items[i]
			messages[e.Message] = e.Source.Component == "horizontal-pod-autoscaler"
		}
		for _, want := range []string{
			"New size: 3; reason: cpu resource utilization (percentage of request) above target",
			"New size: 1; reason: All metrics below target",
		} {
			if !messages[want] {
				return fmt.Errorf("no event %q of horizontal-pod-autoscaler among %v", want, messages)
			}
		}
		return nil
	})
}

// checkPermissions fails when the operator was refused anything: the manifests
// must give every right it uses.
func checkPermissions(t *testing.T, l *labtest.Lab) {
	t.Helper()
	log, err := os.Open(filepath.Join(l.Dir, "logs", "operator.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }() // read only
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if s := lines.Text(); strings.Contains(s, "forbidden") || strings.Contains(s, "Forbidden") {
			t.Errorf("the operator was refused something: %s", s)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

// checkReaction reports how long the operator took from a sample, pod or spec in
// its memory to the Scale request, and counts those requests. How long it should
// take is measured on a quiet machine, not asserted on a busy one.
func checkReaction(t *testing.T, address string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }() // read to its end
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	f := families["furl_wake_to_scale_seconds"]
	if f == nil || len(f.Metric) != 1 {
		t.Fatal("the operator shows no furl_wake_to_scale_seconds")
	}
	h := f.Metric[0].GetHistogram()
	n := h.GetSampleCount()
	if n < 2*workloads {
		t.Errorf("%d Scale requests, want at least %d", n, 2*workloads)
	}
	quantile := func(q float64) time.Duration {
		for _, b := range h.Bucket {
			if float64(b.GetCumulativeCount()) >= q*float64(n) {
				return time.Duration(b.GetUpperBound() * float64(time.Second))
			}
		}
		return time.Hour // beyond the largest bucket
	}
	p50, p95 := quantile(0.5), quantile(0.95)
	t.Logf("sample in the store to Scale request, %d requests: p50 <= %v, p95 <= %v, mean %v",
		n, p50, p95, time.Duration(h.GetSampleSum()/float64(n)*float64(time.Second)))
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	var c net.ListenConfig
	l, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // free again for the operator
	return l.Addr().String()
}
