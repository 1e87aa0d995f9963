package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
)

// TestScaledObject_is_taken_over_from_a_KEDA_that_is_gone has what KEDA leaves in
// a cluster: a ScaledObject, the HPA that it made, which upstream's controller
// serves, and its lease. Furl waits until nobody holds that.
func TestScaledObject_is_taken_over_from_a_KEDA_that_is_gone(t *testing.T) {
	t.Parallel() // mostly waits
	log, audit := logSizes(t)
	l := labtest.Start(t, labtest.Options{
		SimNodes: 1, Operator: true, HPAController: true,
		Args: append(audit, "--operator-arg=--metric-resolution=2s", "--controller-manager-arg=--horizontal-pod-autoscaler-sync-period="+syncsEach.String()),
	})
	deployment, _, _ := strings.Cut(fmt.Sprintf(workload, 0), "---")
	l.Apply(fmt.Sprintf(kedaLease, time.Now().UTC().Format("2006-01-02T15:04:05.000000Z")) + "---" + deployment + "---" + kedaObject)
	uid := l.Kubectl("get", "scaledobject", "web-0", "-o", "jsonpath={.metadata.uid}")
	l.Apply(fmt.Sprintf(kedaHPA, uid))
	l.Kubectl("annotate", "scaledobject", "web-0", "furl.dev/mode-") // until there was all that KEDA makes

	awaitUpstream(t, l, "keda-hpa-web-0")
	awaitSize(t, l, 3)
	awaitObjectEvent(t, l, "StandingDown", "its operator holds the lease default/operator.keda.sh")
	log.only("while KEDA is at work", upstream)

	l.Kubectl("patch", "lease", "operator.keda.sh", "--type=merge", "--patch", `{"spec":{"holderIdentity":""}}`) // as KEDA does when it ends
	awaitObjectEvent(t, l, "TakenOver", "Furl has removed its HPA keda-hpa-web-0")
	if left := l.Kubectl("get", "hpa", "-o", "name"); left != "" {
		t.Errorf("left: %s", left)
	}
	rests(t, l, 3)
	log.only("when it changed hands", nobody)
	uses(l, "10m")
	awaitSize(t, l, 1)
	log.only("once it is Furl's", byFurl)
	checkPermissions(t, l)
}

// awaitObjectEvent waits for an event about the ScaledObject whose message has these words.
func awaitObjectEvent(t *testing.T, l *labtest.Lab, reason, words string) {
	t.Helper()
	labtest.Eventually(t, 90*time.Second, "event "+reason, func(ctx context.Context) error {
		got, err := l.TryKubectl(ctx, "get", "events", "--field-selector=involvedObject.kind=ScaledObject,reason="+reason, "-o", "jsonpath={.items[*].message}")
		if err == nil && !strings.Contains(got, words) {
			err = fmt.Errorf("the events say %q", got)
		}
		return err
	})
}

// The objects as KEDA leaves them; the lease's value is when it was renewed, the
// HPA's the UID of its owner.
const (
	kedaLease = `
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: operator.keda.sh}
spec: {holderIdentity: keda-operator-0, leaseDurationSeconds: 3600, renewTime: "%s"}
`
	kedaObject = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web-0, annotations: {furl.dev/mode: observe}}
spec:
  scaleTargetRef: {name: web-0}
  minReplicaCount: 1
  maxReplicaCount: 3
  advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleDown: {stabilizationWindowSeconds: 0}}}}
  triggers:
  - {type: cpu, metricType: Utilization, metadata: {value: "50"}}
`
	kedaHPA = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: keda-hpa-web-0
  ownerReferences:
  - {apiVersion: keda.sh/v1alpha1, kind: ScaledObject, name: web-0, uid: %s, controller: true, blockOwnerDeletion: true}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web-0}
  minReplicas: 1
  maxReplicas: 3
  metrics:
  - type: Resource
    resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}
  behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
`
)
