// Package beside says what is in the cluster beside Furl that users should
// know of: who serves an API in its place, and what their Kubernetes lacks.
package beside

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/version"
)

// Ground is what the cluster is asked about itself.
type Ground interface {
	Version(ctx context.Context) (*version.Info, error)
	// Try has the API server check an HPA without storing it.
	Try(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error)
	// ServedBy is the Service that answers for an APIService, as namespace/name; empty for nobody.
	ServedBy(ctx context.Context, api string) (string, error)
}

// Clock is real time, which package schedule owns.
type Clock interface {
	Now() time.Time
	Wait(ctx context.Context, until time.Time) error
}

// lookAgain is how often the cluster is looked at: it is upgraded, and add-ons
// come and go, without a word to Furl.
const lookAgain = 10 * time.Minute

// API is an aggregated API that Furl serves.
type API struct {
	// Name is the APIService's, such as v1beta1.metrics.k8s.io.
	Name string
	// Namespace is Furl's own: a Service in there is Furl's.
	Namespace string
	// Otherwise says what follows where somebody else serves it.
	Otherwise string
}

// Watch looks at the cluster and says what has changed.
type Watch struct {
	Ground  Ground
	APIs    []API
	Clock   Clock
	Log     *slog.Logger
	Metrics prometheus.Registerer

	gauges gauges
	told   Findings
}

// Findings are what a look at the cluster found. What could not be asked is as before.
type Findings struct {
	Version string    // such as v1.37.2
	Minor   int       // such as 37; 0 before the first answer
	Lacks   []Feature // that users may want
	// Others are the Services that answer for APIs of Furl, by the APIService's name.
	Others map[string]string
}

// Run looks at once, and then from time to time until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	w.gauges = newGauges(w.Metrics)
	for {
		found, err := w.look(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was the end that cut the look off
		}
		if err != nil {
			w.Log.WarnContext(ctx, "the cluster could not be asked what is beside Furl", "error", err)
		}
		w.tell(ctx, found)
		if w.Clock.Wait(ctx, w.Clock.Now().Add(lookAgain)) != nil {
			return nil //nolint:nilerr // a wait is cut off by the end of ctx only, which is no error
		}
	}
}

// look asks the cluster.
func (w *Watch) look(ctx context.Context) (Findings, error) {
	found := w.told
	v, err := w.Ground.Version(ctx)
	if err != nil {
		return found, err
	}
	minor, err := minorOf(v.Minor)
	if err != nil {
		return found, fmt.Errorf("minor version %q of the API server: %w", v.Minor, err)
	}
	found.Version, found.Minor, found.Lacks = v.GitVersion, minor, nil
	for _, f := range Features() {
		if !able(ctx, w.Ground, f, releaseOf(minor)) {
			found.Lacks = append(found.Lacks, f)
		}
	}
	found.Others = map[string]string{}
	for _, a := range w.APIs {
		by, err := w.Ground.ServedBy(ctx, a.Name)
		if err != nil {
			return found, err
		}
		if by != "" && !strings.HasPrefix(by, a.Namespace+"/") {
			found.Others[a.Name] = by
		}
	}
	return found, nil
}

// tell logs what is news, and sets the metrics.
func (w *Watch) tell(ctx context.Context, now Findings) {
	before := w.told
	w.told = now
	w.gauges.set(now)
	if now.Minor != before.Minor {
		w.tellVersion(ctx, now)
	}
	for _, f := range now.Lacks {
		if !slices.Contains(before.Lacks, f) {
			w.Log.InfoContext(ctx, "this cluster lacks a feature", "feature", string(f), "kubernetes", now.Version, "instead", instead(f))
		}
	}
	for _, a := range w.APIs {
		switch by := now.Others[a.Name]; by {
		case before.Others[a.Name]:
		case "":
			w.Log.InfoContext(ctx, "an API of Furl is nobody else's any more", "api", a.Name)
		default:
			w.Log.WarnContext(ctx, "somebody else serves an API of Furl", "api", a.Name, "service", by, "so", a.Otherwise)
		}
	}
}

func (w *Watch) tellVersion(ctx context.Context, now Findings) {
	const oldest, newest = "1.32", "1.37"
	switch {
	case now.Minor < Oldest:
		w.Log.WarnContext(ctx, "this Kubernetes is older than Furl supports", "kubernetes", now.Version, "oldest", oldest, "so", "upgrade the cluster: nothing is tested here")
	case now.Minor > Newest:
		w.Log.WarnContext(ctx, "this Kubernetes is newer than this Furl knows", "kubernetes", now.Version, "newest", newest, "so", "look for a newer Furl: HPAs are decided as in 1.37")
	case now.Minor > 0:
		w.Log.InfoContext(ctx, "this Kubernetes is supported", "kubernetes", now.Version)
	}
}

// instead is the way out where a feature is missing.
func instead(f Feature) string {
	if f == Zero {
		return "a ScaledObject with minReplicaCount 0 goes to zero in every cluster; for HPAs switch on the feature gate HPAScaleToZero"
	}
	return "--horizontal-pod-autoscaler-tolerance sets it for all; for each HPA switch on the feature gate HPAConfigurableTolerance"
}
