package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestOperator_beside_upstreams_controller runs furl operator where upstream's
// HPA controller is at work: told to decide itself it leaves its HPAs alone,
// and told to take all it notices the other and stands down.
func TestOperator_beside_upstreams_controller(t *testing.T) {
	t.Parallel() // mostly waits
	l := labtest.Start(t, labtest.Options{
		SimNodes: 1, Operator: true, HPAController: true, Args: []string{"--operator-arg=--metric-resolution=2s"},
	})
	l.Apply(fmt.Sprintf(workload, 0))
	awaitUpstream(t, l, "web-0")

	auto := startOperator(t, l, "auto", "--resource-metrics=api", "--hpa-controller=auto", "--hpa-unserved-after=1s", "--leader-elect=false")
	auto.says(time.Minute, "watches are synced")
	awaitSize(t, l, 3) // by upstream
	l.Kubectl("annotate", "pods", "--all", "--overwrite", "furl.dev/cpu=10m")
	awaitSize(t, l, 1) // by upstream
	if managers, err := statusManagers(t.Context(), l, "web-0"); err != nil || managers["furl"] {
		t.Errorf("the status is written by %v, want Furl to leave it alone; %v", managers, err)
	}
	if code := auto.term(time.Minute); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}

	on := startOperator(t, l, "on", "--resource-metrics=api", "--hpa-controller=on", "--leader-elect=false")
	on.says(time.Minute, "watches are synced")
	// Of what stays the same the two agree, and neither writes: usage differs from sample to sample, as it does in life.
	l.Kubectl("annotate", "pods", "--all", "--overwrite", "furl.dev/cpu=200m", "furl.dev/cpu-noise=3%")
	on.says(2*time.Minute, "standing down for all hpas")
	awaitEvent(t, l, "web-0", "StandingDown", "leaves all HPAs alone")
	awaitSize(t, l, 3) // by whom does not matter
	l.Kubectl("annotate", "pods", "--all", "--overwrite", "furl.dev/cpu=10m")
	awaitSize(t, l, 1) // by upstream
}

// awaitUpstream waits until upstream's controller, and nobody else, has written the status.
func awaitUpstream(t *testing.T, l *labtest.Lab, name string) {
	t.Helper()
	labtest.Eventually(t, time.Minute, "upstream to write the status of "+name, func(ctx context.Context) error {
		m, err := statusManagers(ctx, l, name)
		if err == nil && (len(m) != 1 || !m["kube-controller-manager"]) {
			err = fmt.Errorf("it is written by %v", m)
		}
		return err
	})
}

// statusManagers are who wrote the status of an HPA.
func statusManagers(ctx context.Context, l *labtest.Lab, name string) (map[string]bool, error) {
	h, err := l.Client.AutoscalingV2().HorizontalPodAutoscalers(metav1.NamespaceDefault).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	managers := map[string]bool{}
	for _, f := range h.ManagedFields {
		if f.Subresource == "status" {
			managers[f.Manager] = true
		}
	}
	return managers, nil
}
