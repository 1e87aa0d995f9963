package cli

import (
	"strings"
	"testing"
	"time"

	decisions "github.com/furl-dev/furl/api/decisions/v1alpha1"
	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// seen is a decision at so many seconds, made from one size for another.
func seen(seconds float64, from, to int32) decisions.Record {
	at := metav1.NewMicroTime(time.Unix(0, 0).Add(time.Duration(seconds * float64(time.Second))))
	r := decisions.Record{At: at, Since: at, From: from, To: to, Mode: "observe", Outcome: "unchanged", Rule: "measure", Why: "numbers"}
	if from != to {
		r.Outcome = "observed"
	}
	return r
}

func TestShadow_tells_who_came_to_which_size(t *testing.T) {
	for _, tc := range []struct {
		why  string
		seen []decisions.Record
		want string
	}{
		{"nothing to do", []decisions.Record{seen(0, 2, 2), seen(15, 2, 2)}, ""},
		{"the owner does it later", []decisions.Record{seen(0, 2, 2), seen(3, 2, 4), seen(9, 2, 4), seen(14.5, 4, 4)}, "2 → 4 | 2 → 4 | same, Furl 11.5s earlier"},
		{"what Furl wants meanwhile is what counts", []decisions.Record{seen(3, 2, 3), seen(9, 2, 4), seen(15, 4, 4)}, "2 → 4 | 2 → 4 | same, Furl 12s earlier"},
		{"the owner goes elsewhere, and Furl on", []decisions.Record{seen(3, 2, 8), seen(9, 4, 8), seen(24, 8, 8)}, "2 → 8 | 2 → 4 | differs\n4 → 8 | 4 → 8 | same, Furl 15s earlier"},
		{"the owner is first", []decisions.Record{seen(0, 2, 2), seen(5, 4, 4)}, "2 → 4 | 2 → 4 | same"},
		{"the owner is alone, and Furl would go back", []decisions.Record{seen(0, 2, 2), seen(5, 4, 2), seen(100, 4, 2)}, "2 | 2 → 4 | differs\n4 → 2 | 4 | differs"},
		{"the owner never moves", []decisions.Record{seen(0, 2, 4), seen(50, 2, 2)}, "2 → 4 | 2 | differs"},
		{"the owner may yet", []decisions.Record{seen(75, 2, 4)}, "2 → 4 | 2 | waiting"},
	} {
		t.Run(tc.why, func(t *testing.T) {
			c := compared{observed: tc.seen, now: time.Unix(100, 0)}
			c.moves()
			got := make([]string, 0, len(c.Moves))
			for i := range c.Moves {
				m := &c.Moves[i]
				got = append(got, strings.Join([]string{sizes(m.Size, m.Furl), sizes(m.Size, m.Owner), difference(m)}, " | "))
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, "\n")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestShadow_leaves_out_what_Furl_did_itself(t *testing.T) {
	scaled := seen(0, 1, 5)
	scaled.Mode, scaled.Outcome = "", "scaled"
	lost := seen(20, 0, 0)
	lost.Outcome = "unseen"
	newestFirst := []decisions.Record{seen(30, 5, 3), lost, seen(10, 5, 5), scaled, seen(-10, 1, 5)}
	if diff := cmp.Diff([]decisions.Record{seen(10, 5, 5), seen(30, 5, 3)}, watched(newestFirst)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestShadow_repeats_what_the_owner_says_about_its_size(t *testing.T) {
	got := limits([]autoscalingv2.HorizontalPodAutoscalerCondition{
		{Type: autoscalingv2.AbleToScale, Status: corev1.ConditionTrue, Reason: "ScaleDownStabilized", Message: "it waits"},
		{Type: autoscalingv2.ScalingActive, Status: corev1.ConditionTrue, Reason: "ValidMetricFound", Message: "it measures"},
		{Type: autoscalingv2.ScalingLimited, Status: corev1.ConditionTrue, Reason: "TooManyReplicas", Message: "it is limited"},
		{Type: autoscalingv2.ScaledToZero, Status: corev1.ConditionFalse, Reason: "NotScaledToZero", Message: "it is not at zero"},
	})
	if want := "ScaleDownStabilized: it waits; TooManyReplicas: it is limited"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
