package keda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/measure"
	"github.com/furl-dev/furl/operator/pool"
	"github.com/furl-dev/furl/operator/scaledobject"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/schedule"
	"github.com/furl-dev/furl/trigger"
	"github.com/prometheus/client_golang/prometheus"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// patience bounds a turn in real time: sources answer in microseconds.
const patience = 10 * time.Second

// stage is a cluster with one ScaledObject, its workload and its triggers. It
// stands behind the operator's ports and notes what is done to it.
type stage struct {
	at       time.Time
	object   *v1alpha1.ScaledObject
	triggers []answer // in the order of the object's
	size     int32
	sizeErr  error   // why the size cannot be read
	refusals []error // what the server answers to writes, in order
	ready    int32   // pods that are ready
	off      []engine.Rule
	// kindless says that the status of the record's object does not tell the kind of its target.
	kindless bool

	// byHPA leaves the sizes from the minimum up to hpa, as KEDA does; nil: it is to be made.
	byHPA bool
	hpa   *autoscalingv2.HorizontalPodAutoscaler

	gate    chan struct{} // closed once sources may answer
	record  *loop.Record
	status  *v1alpha1.ScaledObjectStatus // as last written
	patches int
	effects []effect
}

// effect is what was done to the cluster, in order.
type effect struct {
	SetReplicas *int32  `json:"set_replicas,omitempty"`
	Error       *string `json:"error,omitempty"`
	Event       *event  `json:"event,omitempty"`
}

type event struct {
	Type    string `json:"type"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// now is the instant of the decisions of a record: whole seconds, as objects hold them.
func now() time.Time { return schedule.Clock{}.Now().Truncate(time.Second).UTC() }

// turn lets the operator decide once on the object.
func (s *stage) turn(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s.gate = make(chan struct{})
	sources := pool.New(pool.Options{
		Env:     trigger.Env{Now: schedule.Clock{}.Now, Log: slog.New(slog.DiscardHandler)},
		Log:     slog.New(slog.DiscardHandler),
		Timeout: patience, Reads: len(s.triggers) + 1,
	})
	ended := make(chan error, 1)
	reading, stop := context.WithCancel(ctx)
	go func() { ended <- sources.Run(reading) }()
	news := make(chan struct{}, 1)
	a := scaledobject.New(s.object, s.ports(sources), &scaledobject.Settings{
		Actuation: s.actuation(), Version: sourceBuild, Defaults: policy.UpstreamDefaults(), Decide: engine.Without(s.off...), Clock: schedule.Clock{}.Now,
		Meter: scaledobject.NewMeter(prometheus.NewRegistry(), "conformance"),
	}, func() {
		select {
		case news <- struct{}{}:
		default:
		}
	})
	defer func() {
		a.Close()
		stop()
		err = errors.Join(err, <-ended)
	}()
	return s.play(ctx, a, news)
}

// play takes the first turn, which asks the sources, waits for their answers
// and takes the turn that decides. An answer that never comes is waited for as
// long as the operator does.
func (s *stage) play(ctx context.Context, a *scaledobject.Scaler, news <-chan struct{}) error {
	until, err := a.Sync(ctx, s.object, scaledobject.Turn{At: s.at})
	if s.decided() {
		return nil // what it could not do is in the record
	}
	if err != nil {
		return err
	}
	close(s.gate)
	for !s.answered() {
		select {
		case <-news:
		case <-ctx.Done():
			return fmt.Errorf("waiting for sources: %w", ctx.Err())
		}
	}
	at := s.at
	if s.hangs() {
		at = until
	}
	if _, err = a.Sync(ctx, s.object, scaledobject.Turn{At: at}); !s.decided() {
		return errors.Join(errors.New("the operator decided nothing"), err)
	}
	return nil
}

func (s *stage) decided() bool { return s.record != nil || s.patches > 0 }

// refused says why the operator does not decide on the object at all; empty: it does.
func (s *stage) refused() string {
	if s.record != nil {
		return ""
	}
	return s.after().Conditions.Get(v1alpha1.ConditionReady).Message
}

// after is the status as it is after the turn.
func (s *stage) after() *v1alpha1.ScaledObjectStatus {
	if s.status != nil {
		return s.status
	}
	return &s.object.Status
}

func (s *stage) ports(sources *pool.Pool) *scaledobject.Ports {
	return &scaledobject.Ports{
		Scales: s, Pods: s.pods(), Resources: s, Inputs: inputs{s}, Kinds: s.kind, Sources: leasing{s, sources},
		Objects: s, Events: s, Records: book{s}, Autoscalers: autoscalers{s},
	}
}

// Get implements [scaledobject.Scales].
func (s *stage) Get(_ context.Context, t kube.Target) (kube.Scale, error) {
	return kube.Scale{
		Target: t, Replicas: engine.Replicas{Spec: s.size, Status: s.size}, Selector: podLabel + "=" + podLabel,
		Resource: schema.GroupResource{Group: "apps", Resource: "deployments"},
	}, s.sizeErr
}

// Move implements [scaledobject.Scales].
func (s *stage) Move(_ context.Context, _ kube.Scale, n int32) error {
	e := effect{SetReplicas: &n}
	var refusal error
	if len(s.refusals) > 0 {
		refusal, s.refusals = s.refusals[0], s.refusals[1:]
	}
	if refusal != nil {
		e.Error = new(refusal.Error())
	}
	s.effects = append(s.effects, e)
	return refusal
}

// Event implements [scaledobject.Events].
func (s *stage) Event(_ *v1alpha1.ScaledObject, kind, reason, message string) {
	s.effects = append(s.effects, effect{Event: &event{kind, reason, message}})
}

// Own implements [scaledobject.Events]: KEDA would not say it.
func (*stage) Own(*v1alpha1.ScaledObject, string, string, string) {}

// Measures implements [measure.Resources]: nobody measures these pods.
func (*stage) Measures(context.Context, measure.ResourceQuery, []*kube.Pod, []measure.Measure) ([]measure.Measure, error) {
	return nil, errors.New("nobody measures the pods of a record")
}
