package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
)

// backlog is a service of the user's that tells how much work there is to
// whoever has its token.
type backlog struct {
	mu    sync.Mutex // guards what follows
	work  int
	token string
	asked map[string]int // answers by token
}

func (b *backlog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if token != b.token {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	b.asked[token]++
	_, _ = fmt.Fprintf(w, `{"work": %d}`, b.work)
}

func (b *backlog) set(work int, token string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.work, b.token = work, token
}

func (b *backlog) answered(token string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked[token]
}

// TestScaledObject_goes_from_zero_to_the_work_and_back runs furl operator with
// the rights of the install manifests: a Deployment by a service's answer, with
// a token from a secret, and a StatefulSet by the pods of that Deployment.
func TestScaledObject_goes_from_zero_to_the_work_and_back(t *testing.T) {
	t.Parallel() // mostly waits
	work := &backlog{token: "first", asked: map[string]int{}}
	service := httptest.NewServer(work)
	t.Cleanup(service.Close)
	l := labtest.Start(t, labtest.Options{SimNodes: 1, Operator: true})
	l.Apply(fmt.Sprintf(backlogObjects, service.URL))

	awaitColumns(t, l, "worker", "apps/v1.Deployment worker 10 True False Unknown False metrics-api token")
	awaitColumns(t, l, "helper", "apps/v1.StatefulSet helper 0 5 True False Unknown False kubernetes-workload")
	work.set(50, "first")
	awaitScale(t, l, "deployment", "worker", "10")
	awaitScale(t, l, "statefulset", "helper", "5")
	awaitColumns(t, l, "worker", "apps/v1.Deployment worker 10 True True Unknown False metrics-api token")

	// An authentication shows who refers to it.
	labtest.Eventually(t, 20*time.Second, "the columns of the authentication", func(ctx context.Context) error {
		got, err := l.TryKubectl(ctx, "get", "ta", "token", "-o", "wide", "--no-headers")
		if got := strings.Join(strings.Fields(got), " "); err == nil && got != "token token worker" {
			err = fmt.Errorf("it shows %q", got)
		}
		return err
	})

	// A rotated secret takes effect without touching the object.
	work.set(50, "second")
	l.Kubectl("patch", "secret", "token", "--type=merge", "--patch", `{"stringData":{"token":"second"}}`)
	labtest.Eventually(t, 20*time.Second, "the new token to be used", func(context.Context) error {
		if work.answered("second") == 0 {
			return fmt.Errorf("nobody has asked with it")
		}
		return nil
	})

	work.set(0, "second")
	awaitScale(t, l, "deployment", "worker", "0")
	awaitScale(t, l, "statefulset", "helper", "0")
	describe := l.Kubectl("describe", "scaledobject", "worker")
	for _, want := range []string{
		"KEDAScalersStarted", "ScaledObjectReady", "KEDAScaleTargetActivated", "KEDAScaleTargetDeactivated", "keda-operator",
		"Scaled apps/v1.Deployment default/worker from 0 to ", "Deactivated apps/v1.Deployment default/worker from 10 to 0",
	} {
		if !strings.Contains(describe, want) {
			t.Errorf("kubectl describe does not say %q:\n%s", want, describe)
		}
	}

	// The last one that asks for restoring gets its size back.
	l.Kubectl("delete", "scaledobject", "helper", "--timeout=30s")
	awaitScale(t, l, "statefulset", "helper", "2")
	awaitColumn(t, l, "scaledjob", "later", "False")
	checkPermissions(t, l)
}

// awaitScale waits until a workload has a size.
func awaitScale(t *testing.T, l *labtest.Lab, kind, name, replicas string) {
	t.Helper()
	labtest.Eventually(t, 2*time.Minute, fmt.Sprintf("%s %s to have %s replicas", kind, name, replicas), func(ctx context.Context) error {
		got, err := l.TryKubectl(ctx, "get", kind, name, "-o", "jsonpath={.spec.replicas}")
		if err == nil && got != replicas {
			err = fmt.Errorf("it has %s", got)
		}
		return err
	})
}

// awaitColumns waits until kubectl shows a ScaledObject in these words; the age is left out.
func awaitColumns(t *testing.T, l *labtest.Lab, name, want string) {
	t.Helper()
	labtest.Eventually(t, time.Minute, "the columns of "+name, func(ctx context.Context) error {
		got, err := l.TryKubectl(ctx, "get", "scaledobject", name, "--no-headers")
		if err != nil {
			return err
		}
		if got := strings.Join(strings.Fields(got), " "); !strings.HasPrefix(got, name+" "+want) {
			return fmt.Errorf("it shows %q, want %q", got, want)
		}
		return nil
	})
}

// awaitColumn waits until the condition Ready of an object has a value.
func awaitColumn(t *testing.T, l *labtest.Lab, kind, name, ready string) {
	t.Helper()
	labtest.Eventually(t, time.Minute, kind+" "+name+" to be told", func(ctx context.Context) error {
		got, err := l.TryKubectl(ctx, "get", kind, name, "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`)
		if err == nil && got != ready {
			err = fmt.Errorf("Ready is %q", got)
		}
		return err
	})
}

// backlogObjects has two workloads and what scales them; its value is the service's address.
const backlogObjects = `
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {token: first}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: {name: token}
spec:
  secretTargetRef:
  - {parameter: token, name: token, key: token}
---
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
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: helper}
spec:
  replicas: 2
  podManagementPolicy: Parallel
  serviceName: helper
  selector: {matchLabels: {app: helper}}
  template:
    metadata: {labels: {app: helper}}
    spec:
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: helper, image: registry.k8s.io/pause}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker}
spec:
  scaleTargetRef: {name: worker}
  pollingInterval: 1
  cooldownPeriod: 5
  maxReplicaCount: 10
  triggers:
  - type: metrics-api
    metadata: {url: "%s", valueLocation: work, targetValue: "5", authMode: bearer}
    authenticationRef: {name: token}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: helper}
spec:
  scaleTargetRef: {kind: StatefulSet, name: helper}
  pollingInterval: 1
  cooldownPeriod: 5
  minReplicaCount: 0
  maxReplicaCount: 5
  advanced: {restoreToOriginalReplicaCount: true}
  triggers:
  - type: kubernetes-workload
    metadata: {podSelector: app=worker, value: "2"}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: {name: later}
spec:
  jobTargetRef:
    template:
      spec:
        restartPolicy: Never
        containers: [{name: job, image: registry.k8s.io/pause}]
  triggers:
  - type: kubernetes-workload
    metadata: {podSelector: app=worker, value: "2"}
`
