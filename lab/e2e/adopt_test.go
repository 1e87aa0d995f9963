package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
	"github.com/furl-dev/furl/policy"
	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestAdopt_hands_a_loaded_workload_over_and_back runs beside upstream's HPA
// controller, as on a managed cluster: Furl watches, takes the workload over, and
// gives it back. The size stays at each change of hands, and one of the two writes.
func TestAdopt_hands_a_loaded_workload_over_and_back(t *testing.T) {
	t.Parallel() // mostly waits
	log, audit := logSizes(t)
	l := labtest.Start(t, labtest.Options{
		SimNodes: 1, Operator: true, HPAController: true,
		Args: append(audit, "--operator-arg=--metric-resolution=2s", "--controller-manager-arg=--horizontal-pod-autoscaler-sync-period="+syncsEach.String()),
	})
	l.Apply(strings.ReplaceAll(fmt.Sprintf(workload, 0), "furl.dev/cpu: 200m", "furl.dev/cpu: 50m"))
	awaitUpstream(t, l, "web-0")
	was := bareHPA(t, l)

	t.Run("shadow_tells_what_Furl_would_have_done", func(t *testing.T) {
		l.Kubectl("annotate", "hpa", "web-0", "furl.dev/mode=observe")
		awaitMode(t, l, "hpa.web-0", "observe") // whoever reconciles it
		uses(l, "200m")
		awaitSize(t, l, 3)
		log.only("while Furl watches", upstream)
		awaitShadow(t, l)
		l.Kubectl("annotate", "hpa", "web-0", "furl.dev/mode-")
	})

	printed := runFurl(t, l, "adopt", "hpa/web-0", "--output", "yaml")
	if objects := l.Kubectl("get", "scaledobjects", "-o", "name"); objects != "" {
		t.Errorf("printing made %s", objects)
	}
	said := runFurl(t, l, "adopt", "hpa/web-0")
	if want := "hpa/web-0 is now scaledobject/web-0: Furl scales Deployment web-0, which has 3 replicas, between 1 and 3"; !strings.Contains(said, want) {
		t.Errorf("furl adopt said %q, want %q", said, want)
	}
	rests(t, l, 3)
	log.only("when it changed hands", nobody)
	uses(l, "10m")
	awaitSize(t, l, 1)
	uses(l, "200m")
	awaitSize(t, l, 3)
	log.only("once it is Furl's", byFurl)
	if said := runFurl(t, l, "adopt", "hpa/web-0"); said != "hpa/web-0 is scaledobject/web-0 already\n" {
		t.Errorf("the second time furl adopt said %q", said)
	}

	runFurl(t, l, "adopt", "hpa/web-0", "--undo")
	if diff := cmp.Diff(was, bareHPA(t, l)); diff != "" {
		t.Errorf("the HPA after --undo (-was +is):\n%s", diff)
	}
	if objects := l.Kubectl("get", "scaledobjects", "-o", "name"); objects != "" {
		t.Errorf("--undo left %s", objects)
	}
	awaitUpstream(t, l, "web-0")
	rests(t, l, 3)
	log.only("when it was given back", nobody)

	t.Run("through_Git_the_removal_of_the_HPA_hands_over", func(t *testing.T) {
		l.Apply(printed)
		awaitMode(t, l, "scaledobject.web-0", "observe")
		uses(l, "10m")
		awaitSize(t, l, 1)
		log.only("while both objects are there", upstream)
		l.Kubectl("delete", "hpa", "web-0")
		awaitMode(t, l, "scaledobject.web-0", "")
		log.only("when the HPA went", nobody)
		uses(l, "200m")
		awaitSize(t, l, 3)
		log.only("once it is Furl's", byFurl)
	})
	checkPermissions(t, l)
}

// bareHPA is the HPA as its user wrote it.
func bareHPA(t *testing.T, l *labtest.Lab) *autoscalingv2.HorizontalPodAutoscaler {
	t.Helper()
	h, err := l.Client.AutoscalingV2().HorizontalPodAutoscalers(metav1.NamespaceDefault).Get(t.Context(), "web-0", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return policy.Bare(h)
}

// awaitMode waits until Furl has decided on an object in a mode.
func awaitMode(t *testing.T, l *labtest.Lab, decision, mode string) {
	t.Helper()
	labtest.Eventually(t, time.Minute, fmt.Sprintf("Furl to decide on %s in mode %q", decision, mode), func(ctx context.Context) error {
		got, err := l.TryKubectl(ctx, "get", "decisions", decision, "-o", "jsonpath={.latest.mode}/{.latest.error}")
		if err == nil && got != mode+"/" {
			err = fmt.Errorf("mode and error are %q", got)
		}
		return err
	})
}

// awaitShadow waits until furl shadow tells of one move to three replicas, by both.
func awaitShadow(t *testing.T, l *labtest.Lab) {
	t.Helper()
	labtest.Eventually(t, time.Minute, "furl shadow to compare", func(context.Context) error {
		var all []struct {
			Owner string
			Moves []struct {
				Size, Furl, Owner int32
				Verdict           string
			}
		}
		raw := runFurl(t, l, "shadow", "hpa/web-0", "--output", "json") //nolint:contextcheck // runFurl has its own limit, of the test's context
		if err := json.Unmarshal([]byte(raw), &all); err != nil {
			t.Fatal(err)
		}
		if len(all) != 1 || all[0].Owner != "kube-controller-manager" {
			return fmt.Errorf("it compares %+v", all)
		}
		for _, m := range all[0].Moves {
			if m.Size == 1 && m.Furl == 3 && m.Owner == 3 && m.Verdict == "same" {
				return nil
			}
		}
		return errors.New("it tells of " + raw)
	})
}
