// Package busy lets a workload that shrinks lose its idle pods first.
//
// It asks the pods what they have in hand, once, just before a smaller size is
// written, and says it in the language of ReplicaSets: what a pod costs to
// delete. It deletes nothing, and where it learns nothing all stays as it was.
package busy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/policy"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

const (
	// budget bounds how long a size may wait for its pods to be ranked; half of it
	// is kept for writing what was learned.
	budget    = 2 * time.Second
	askBudget = budget / 2
)

// Costs reads and writes what pods cost to delete; kube.Costs is one.
type Costs interface {
	Pods(ctx context.Context, namespace, selector string) ([]corev1.Pod, error)
	Set(ctx context.Context, p *corev1.Pod, cost int32) error
}

// Ranker ranks the pods of workloads that are about to shrink. It is safe for
// concurrent use.
type Ranker struct {
	// Index has every pod, so that workloads that tell nothing cost no request.
	Index *kube.Pods
	Costs Costs
	// Pages carries the questions to the pods. It must not follow redirects.
	Pages http.RoundTripper
}

// EventUnranked is the reason of the event that tells of an error of [Ranker.Rank].
const EventUnranked = "BusyPodsUnknown"

// Shrink is a smaller size that is about to be written.
type Shrink struct {
	Scale kube.Scale
	To    int32
	// Busy is where the pods tell what they have in hand; where it is the zero
	// value, the pods' own annotation says it.
	Busy policy.Busy
}

// Rank makes the busy pods of a workload cost more to delete than the idle
// ones, the busier the more. A pod that does not answer counts as the busiest,
// and one whose cost somebody else has set is left as it is. It takes two
// seconds at the most. An error says what could not be learned or written: the
// new size may be written all the same.
func (r *Ranker) Rank(ctx context.Context, s Shrink) error {
	if s.To <= 0 || s.To >= s.Scale.Replicas.Spec || s.Scale.Selector == "" || !r.tells(&s) {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, budget)
	defer stop()
	pods, err := r.Costs.Pods(ctx, s.Scale.Target.Namespace, s.Scale.Selector)
	if err != nil {
		return fmt.Errorf("busy pods of %s are not known, any may go: %w", s.Scale.Target, err)
	}
	all := rankable(pods)
	r.ask(ctx, all, s.Busy)
	price(all)
	if err := errors.Join(unanswered(all), r.write(ctx, all)); err != nil {
		return fmt.Errorf("idle pods first, %s: %w", s.Scale.Target, err)
	}
	return nil
}

// tells says that it is known for some pod where it tells what it has in hand.
func (r *Ranker) tells(s *Shrink) bool {
	if s.Busy != (policy.Busy{}) {
		return true
	}
	var selector labels.Selector
	for _, p := range r.Index.In(s.Scale.Target.Namespace) {
		if p.Busy == "" {
			continue
		}
		if selector == nil {
			var err error
			if selector, err = labels.Parse(s.Scale.Selector); err != nil {
				return false // a decision that looks at the pods tells the user
			}
		}
		if selector.Matches(p.Labels) {
			return true
		}
	}
	return false
}

// ranked is one pod among which a ReplicaSet may choose.
type ranked struct {
	pod  *corev1.Pod
	load float64 // what it has in hand
	why  error   // why that is not known
	cost int32   // as stored
	want int32   // as it should be
}

// rankable are the pods whose cost is Furl's to set and matters: those that
// run, under somebody who goes by it. A pod that is deleted is lost already.
func rankable(pods []corev1.Pod) []ranked {
	var all []ranked
	for i := range pods {
		p := &pods[i]
		if p.DeletionTimestamp != nil || p.Status.Phase != corev1.PodRunning || !goesByCost(p) {
			continue
		}
		if cost, ours := kube.CostOf(p); ours {
			all = append(all, ranked{pod: p, cost: cost})
		}
	}
	return all
}

// goesByCost tells whether who keeps the number of a pod's like looks at costs:
// a StatefulSet takes the pod of the highest ordinal whatever it costs.
func goesByCost(p *corev1.Pod) bool {
	for i := range p.OwnerReferences {
		if o := &p.OwnerReferences[i]; o.Controller != nil && *o.Controller {
			return o.Kind == "ReplicaSet" || o.Kind == "ReplicationController"
		}
	}
	return false
}
