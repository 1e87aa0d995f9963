package kube

import (
	"context"
	"errors"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
)

// ErrTargetVersion is wrapped when the apiVersion of a target does not parse:
// the user's mistake, not the cluster's.
var ErrTargetVersion = errors.New("invalid API version in scale target reference")

// ErrNotScalable is wrapped when the kind of a target has no /scale: the API
// server says no more than that it found nothing.
var ErrNotScalable = errors.New("the kind has no scale subresource")

// Target names what is scaled. It is comparable.
type Target struct {
	Namespace, Name  string
	APIVersion, Kind string
}

// TargetOf is the target of an HPA in the given namespace.
func TargetOf(namespace string, ref autoscalingv2.CrossVersionObjectReference) Target {
	return Target{Namespace: namespace, Name: ref.Name, APIVersion: ref.APIVersion, Kind: ref.Kind}
}

// String is Kind/namespace/name, as upstream words it.
func (t Target) String() string { return t.Kind + "/" + t.Namespace + "/" + t.Name }

// Scale is the size of a workload as last seen.
type Scale struct {
	Target   Target
	Replicas engine.Replicas
	// Selector is the label selector of the pods, in its string form.
	Selector string
	// Resource is where the scale is written.
	Resource schema.GroupResource
	// UID and ResourceVersion are those of the workload; a write made from a
	// version that is gone conflicts.
	UID             types.UID
	ResourceVersion string
}

// Endpoint is the /scale subresource of every kind, see [NewEndpoint].
type Endpoint interface {
	Get(ctx context.Context, r schema.GroupResource, namespace, name string) (*autoscalingv1.Scale, error)
	Update(ctx context.Context, r schema.GroupResource, s *autoscalingv1.Scale) (*autoscalingv1.Scale, error)
}

// Discerning is an [Endpoint] that knows which kinds have a /scale subresource.
type Discerning interface {
	Scalable(r schema.GroupVersionResource) (bool, error)
}

// Mapper finds the resources of a kind.
type Mapper interface {
	RESTMappings(gk schema.GroupKind, versions ...string) ([]*meta.RESTMapping, error)
}

// Sizes are workloads whose size is known without asking, such as those a watch keeps.
type Sizes interface {
	// Size returns what is known of a workload, and false where asking is needed.
	Size(t Target) (Scale, bool)
	// Wrote tells the size that was just written, which a watch will tell later.
	Wrote(s Scale)
}

// Scales reads and writes the sizes of workloads of any kind.
type Scales struct {
	mapper   Mapper
	endpoint Endpoint
	known    Sizes // may be nil
	asked    *asked
}

// askEvery is how old an answer of GET /scale may be: upstream's sync period.
const askEvery = 15 * time.Second

// NewScales returns Scales that ask the endpoint, except for what known
// knows; known may be nil. Answers are kept for 15 s when clock is given, and
// not at all when it is nil.
func NewScales(m Mapper, e Endpoint, known Sizes, clock func() time.Time) *Scales {
	return &Scales{mapper: m, endpoint: e, known: known, asked: newAsked(clock)}
}

// Get returns the size of a target.
func (s *Scales) Get(ctx context.Context, t Target) (Scale, error) {
	if s.known != nil {
		if sc, ok := s.known.Size(t); ok {
			return sc, nil
		}
	}
	if sc, ok := s.asked.recall(t); ok {
		return sc, nil
	}
	sc, err := s.ask(ctx, t)
	if err != nil {
		return Scale{}, err
	}
	s.asked.keep(t, sc)
	return sc, nil
}

// Set writes a new size. On a conflict it reads the scale again and writes
// the same number, a few times, as upstream does. Where the size was kept from
// an earlier answer it is read again first, and Set fails with
// [loop.ErrMoved] when it is another by now.
func (s *Scales) Set(ctx context.Context, sc Scale, replicas int32) error {
	sc, err := s.renew(ctx, sc)
	if err != nil {
		return err
	}
	return s.put(ctx, sc, replicas, func(*autoscalingv1.Scale) error { return nil })
}

// Move is Set for those who would rather decide again than be obeyed: after a
// conflict it fails with [loop.ErrMoved] when the size is no longer the one it
// was decided from.
func (s *Scales) Move(ctx context.Context, sc Scale, replicas int32) error {
	sc, err := s.renew(ctx, sc)
	if err != nil {
		return err
	}
	return s.put(ctx, sc, replicas, func(latest *autoscalingv1.Scale) error {
		if latest.Spec.Replicas == sc.Replicas.Spec {
			return nil
		}
		s.wrote(sc, latest, latest.Spec.Replicas)
		return loop.ErrMoved
	})
}

// renew reads a size that was kept from an earlier answer again.
func (s *Scales) renew(ctx context.Context, sc Scale) (Scale, error) {
	if _, kept := s.asked.recall(sc.Target); !kept {
		return sc, nil
	}
	s.asked.forget(sc.Target)
	now, err := s.ask(ctx, sc.Target)
	if err != nil {
		return sc, err
	}
	if now.Replicas.Spec != sc.Replicas.Spec {
		return sc, loop.ErrMoved
	}
	return now, nil
}

// put writes a size. After a conflict it asks whether to go on from the latest.
func (s *Scales) put(ctx context.Context, sc Scale, replicas int32, goOn func(latest *autoscalingv1.Scale) error) error {
	next := objectOf(sc)
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		next.Spec.Replicas = replicas
		written, err := s.endpoint.Update(ctx, sc.Resource, next)
		if err == nil {
			s.wrote(sc, written, replicas)
			return nil
		}
		latest, readErr := s.endpoint.Get(ctx, sc.Resource, sc.Target.Namespace, sc.Target.Name)
		if readErr != nil {
			return err
		}
		if apierrors.IsConflict(err) {
			if stop := goOn(latest); stop != nil {
				return stop
			}
		}
		next = latest
		return err
	})
}

// wrote makes the next reader see the size that was just written, though the
// watch or the next answer may tell it later.
func (s *Scales) wrote(sc Scale, written *autoscalingv1.Scale, replicas int32) {
	sc.Replicas.Spec = replicas
	if written != nil {
		sc.ResourceVersion = written.ResourceVersion
	}
	if s.known != nil {
		s.known.Wrote(sc)
	}
	s.asked.keep(sc.Target, sc)
}

// ask tries each resource of the target's kind and reports the first error.
func (s *Scales) ask(ctx context.Context, t Target) (Scale, error) {
	gv, err := schema.ParseGroupVersion(t.APIVersion)
	if err != nil {
		return Scale{}, &targetError{err}
	}
	mappings, err := s.mapper.RESTMappings(schema.GroupKind{Group: gv.Group, Kind: t.Kind})
	if err != nil {
		return Scale{}, err
	}
	var first error
	for i, m := range mappings {
		r := m.Resource.GroupResource()
		got, err := s.endpoint.Get(ctx, r, t.Namespace, t.Name)
		if err == nil {
			return scaleOf(t, r, got), nil
		}
		if i == 0 {
			first = s.discern(err, m.Resource)
		}
	}
	if first == nil {
		return Scale{}, errors.New("unrecognized resource")
	}
	return Scale{}, first
}

// discern tells a kind without /scale from an object that does not exist.
func (s *Scales) discern(err error, r schema.GroupVersionResource) error {
	e, can := s.endpoint.(Discerning)
	if !can || !apierrors.IsNotFound(err) {
		return err
	}
	if scalable, failed := e.Scalable(r); failed != nil || scalable {
		return err
	}
	return &kindError{err}
}

// kindError keeps the wording of the API server and is [ErrNotScalable].
type kindError struct{ err error }

func (e *kindError) Error() string   { return e.err.Error() }
func (e *kindError) Unwrap() []error { return []error{ErrNotScalable, e.err} }

// targetError keeps the wording of the parser and is [ErrTargetVersion].
type targetError struct{ err error }

func (e *targetError) Error() string   { return e.err.Error() }
func (e *targetError) Unwrap() []error { return []error{ErrTargetVersion, e.err} }

func scaleOf(t Target, r schema.GroupResource, s *autoscalingv1.Scale) Scale {
	return Scale{
		Target:          t,
		Replicas:        engine.Replicas{Spec: s.Spec.Replicas, Status: s.Status.Replicas},
		Selector:        s.Status.Selector,
		Resource:        r,
		UID:             s.UID,
		ResourceVersion: s.ResourceVersion,
	}
}

func objectOf(sc Scale) *autoscalingv1.Scale {
	return &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: sc.Target.Namespace, Name: sc.Target.Name,
			UID: sc.UID, ResourceVersion: sc.ResourceVersion,
		},
		Spec:   autoscalingv1.ScaleSpec{Replicas: sc.Replicas.Spec},
		Status: autoscalingv1.ScaleStatus{Replicas: sc.Replicas.Status, Selector: sc.Selector},
	}
}
