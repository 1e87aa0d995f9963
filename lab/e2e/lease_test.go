package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestOperators_hand_over_without_shrinking runs two operators that compete for
// the lease. They read CPU from metrics.k8s.io, which the lab's own operator
// serves, and take HPAs that nobody serves.
func TestOperators_hand_over_without_shrinking(t *testing.T) {
	t.Parallel() // mostly waits
	l := labtest.Start(t, labtest.Options{
		SimNodes: 1, Operator: true,
		Args: []string{
			"--operator-arg=--metric-resolution=2s", "--operator-arg=--hpa-controller=off", "--operator-arg=--leader-elect=false",
		},
	})
	args := []string{"--resource-metrics=api", "--hpa-controller=auto", "--hpa-unserved-after=2s"}
	first := startOperator(t, l, "first", args...)
	first.says(time.Minute, "msg=leading")
	awaitEndpoint(t, l, first)
	second := startOperator(t, l, "second", args...)
	second.says(time.Minute, "watches are synced")

	l.Apply(fmt.Sprintf(workload, 0))
	awaitSize(t, l, 3) // 200 % of the requests
	awaitEvent(t, l, "web-0", "TakenOver", "Furl scales this workload from now on")
	l.Kubectl("annotate", "pods", "--all", "--overwrite", "furl.dev/cpu=50m") // just on target

	first.kill()
	holdsUntil(t, l, 3, time.Minute, func() bool { return holder(t, l) == "second" })
	second.says(time.Minute, "msg=leading")
	awaitEndpoint(t, l, second)
	l.Kubectl("annotate", "pods", "--all", "--overwrite", "furl.dev/cpu=10m")
	awaitSize(t, l, 1)

	t.Run("ended_by_TERM_it_releases_the_lease_first_and_losing_it_ends_it", func(t *testing.T) {
		third := startOperator(t, l, "third", args...)
		third.says(time.Minute, "watches are synced")
		if code := second.term(time.Minute); code != 0 {
			t.Errorf("exit code %d, want 0; it said\n%s", code, second.said())
		}
		if h := holder(t, l); h == "second" {
			t.Error("the lease is still held by a process that has ended")
		}
		third.says(time.Minute, "msg=leading")
		losesTheLease(t, l, third)
	})
}

// losesTheLease takes the lease away from o, which must end and say so.
func losesTheLease(t *testing.T, l *labtest.Lab, o *operator) {
	t.Helper()
	labtest.Eventually(t, time.Minute, "to take the lease away", func(ctx context.Context) error {
		lease := readLease(ctx, t, l)
		thief, now := "thief", metav1.NowMicro()
		lease.Spec.HolderIdentity, lease.Spec.RenewTime = &thief, &now
		_, err := l.Client.CoordinationV1().Leases("furl-system").Update(ctx, lease, metav1.UpdateOptions{})
		return err
	})
	if code := o.ends(time.Minute); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if want := "furl: lease furl-system/furl: the lease was lost"; !strings.Contains(o.said(), want) {
		t.Errorf("it did not say %q but\n%s", want, o.said())
	}
}

// awaitEndpoint waits until the Service of the leader leads to o.
func awaitEndpoint(t *testing.T, l *labtest.Lab, o *operator) {
	t.Helper()
	labtest.Eventually(t, time.Minute, "furl-leader to lead to "+o.name, func(ctx context.Context) error {
		s, err := l.Client.DiscoveryV1().EndpointSlices("furl-system").Get(ctx, "furl-leader", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if got := fmt.Sprint(s.Endpoints[0].Addresses, *s.Ports[0].Port); got != fmt.Sprint([]string{podIP}, o.port) {
			return fmt.Errorf("it leads to %s", got)
		}
		return nil
	})
}

func readLease(ctx context.Context, t *testing.T, l *labtest.Lab) *coordinationv1.Lease {
	t.Helper()
	lease, err := l.Client.CoordinationV1().Leases("furl-system").Get(ctx, "furl", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return lease
}

// holder is who has the lease, empty for nobody.
func holder(t *testing.T, l *labtest.Lab) string {
	t.Helper()
	lease := readLease(t.Context(), t, l)
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// size is how many pods web-0 shall have.
func size(ctx context.Context, l *labtest.Lab) (int32, error) {
	s, err := l.Client.AppsV1().Deployments(metav1.NamespaceDefault).GetScale(ctx, "web-0", metav1.GetOptions{})
	if err != nil {
		return 0, err
	}
	return s.Spec.Replicas, nil
}

func awaitSize(t *testing.T, l *labtest.Lab, want int32) {
	t.Helper()
	labtest.Eventually(t, 2*time.Minute, fmt.Sprintf("web-0 to have size %d", want), func(ctx context.Context) error {
		got, err := size(ctx, l)
		if err == nil && got != want {
			err = fmt.Errorf("it has %d", got)
		}
		return err
	})
}

// holdsUntil checks the size again and again until something has happened.
func holdsUntil(t *testing.T, l *labtest.Lab, want int32, within time.Duration, happened func() bool) {
	t.Helper()
	labtest.Eventually(t, within, "something to happen", func(ctx context.Context) error {
		got, err := size(ctx, l)
		if err != nil {
			return err
		}
		if got != want {
			t.Fatalf("the size became %d, want it to stay %d", got, want)
		}
		if !happened() {
			return errors.New("not yet")
		}
		return nil
	})
}

// awaitEvent waits for an event about an HPA whose message has these words.
func awaitEvent(t *testing.T, l *labtest.Lab, name, reason, words string) {
	t.Helper()
	labtest.Eventually(t, time.Minute, "event "+reason+" of "+name, func(ctx context.Context) error {
		list, err := l.Client.CoreV1().Events(metav1.NamespaceDefault).List(ctx, metav1.ListOptions{
			FieldSelector: "involvedObject.kind=HorizontalPodAutoscaler,involvedObject.name=" + name + ",reason=" + reason,
		})
		if err != nil {
			return err
		}
		for i := range list.Items {
			if strings.Contains(list.Items[i].Message, words) {
				return nil
			}
		}
		return fmt.Errorf("none of %d says %q", len(list.Items), words)
	})
}
