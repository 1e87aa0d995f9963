package auth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/trigger"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Objects keeps single objects up to date while they are used; *kube.Watched is one.
type Objects interface {
	Use(ref kube.Ref)
	Release(ref kube.Ref)
	Read(ctx context.Context, ref kube.Ref) (data map[string]string, found bool, err error)
}

// PodSpecs reads what a workload's pods are made from; *kube.PodSpecs is one.
type PodSpecs interface {
	Get(ctx context.Context, t kube.Target) (*corev1.PodSpec, error)
}

// Inputs gives triggers of ScaledObjects what they refer to, and knows who
// refers to what. It is safe for concurrent use.
type Inputs struct {
	settings Settings
	specs    *Authentications
	objects  Objects
	pods     PodSpecs

	uses uses
}

// NewInputs returns Inputs that nobody uses yet. Tell it of changes by [Inputs.Changed].
func NewInputs(s Settings, specs *Authentications, objects Objects, pods PodSpecs) *Inputs {
	return &Inputs{settings: s, specs: specs, objects: objects, pods: pods, uses: newUses(objects)}
}

// Notify sets who is told when something has changed that a ScaledObject's
// triggers refer to. It is called outside any lock.
func (n *Inputs) Notify(changed func(owner types.NamespacedName)) { n.uses.notify(changed) }

// Changed tells who refers to an object that it has changed.
func (n *Inputs) Changed(ref kube.Ref) { n.uses.tell(ref) }

// Forget gives up what is watched for an object. It is not called while Input
// of that object runs.
func (n *Inputs) Forget(owner types.NamespacedName) { n.uses.trim(owner, 0) }

// Input returns what trigger i of an object says, with all that it refers to
// filled in. What it read is watched until the trigger's next Input reads
// something else, or until [Inputs.Forget]; of what could not be read, too: the
// owner is told when it comes.
func (n *Inputs) Input(ctx context.Context, o *v1alpha1.ScaledObject, i int) (trigger.Input, error) {
	owner := types.NamespacedName{Namespace: o.Namespace, Name: o.Name}
	n.uses.trim(owner, len(o.Spec.Triggers))
	read := n.uses.begin(user{owner, i}, n.specs)
	defer read.finish()
	t := &o.Spec.Triggers[i]
	in, err := n.input(ctx, read, o, t)
	if err != nil {
		return trigger.Input{}, fmt.Errorf("trigger %d (%s): %w", i, t.Type, err)
	}
	in.Index = i
	return in, nil
}

func (n *Inputs) input(ctx context.Context, r Reader, o *v1alpha1.ScaledObject, t *v1alpha1.ScaleTriggers) (trigger.Input, error) {
	resolver := Resolver{Reader: r, Settings: n.settings}
	subject := Subject{Namespace: o.Namespace, Pod: n.podOf(o)}
	resolved, err := resolver.Resolve(ctx, subject, t.AuthenticationRef)
	if err == nil {
		err = resolved.Err()
	}
	if err != nil {
		return trigger.Input{}, err
	}
	in := trigger.Input{
		Name: t.Name, Namespace: o.Namespace, Object: o.Name, MetricType: string(t.MetricType),
		Metadata: t.Metadata, Auth: resolved.Params, Env: map[string]string{}, Identity: resolved.Identity,
		Composed: o.UsesModifiers(),
	}
	if !readsEnvironment(t) {
		return in, nil
	}
	pod, err := subject.Pod(ctx)
	if err == nil {
		in.Env, err = resolver.Environment(ctx, o.Namespace, pod, o.Spec.ScaleTargetRef.EnvSourceContainerName)
	}
	if err != nil {
		return trigger.Input{}, fmt.Errorf("environment of the workload: %w", err)
	}
	return in, nil
}

// readsEnvironment reports whether a setting is taken from the workload's environment.
func readsEnvironment(t *v1alpha1.ScaleTriggers) bool {
	for key := range t.Metadata {
		if strings.HasSuffix(key, "FromEnv") {
			return true
		}
	}
	return false
}

// podOf reads the pod spec of an object's workload, at most once.
func (n *Inputs) podOf(o *v1alpha1.ScaledObject) func(context.Context) (*corev1.PodSpec, error) {
	var once sync.Once
	var pod *corev1.PodSpec
	var err error
	return func(ctx context.Context) (*corev1.PodSpec, error) {
		once.Do(func() {
			if o.Spec.ScaleTargetRef == nil || n.pods == nil {
				err = errors.New("the object names no workload")
				return
			}
			pod, err = n.pods.Get(ctx, TargetOf(o))
		})
		return pod, err
	}
}

// TargetOf is the workload of a ScaledObject, with KEDA's defaults.
func TargetOf(o *v1alpha1.ScaledObject) kube.Target {
	ref := o.Spec.ScaleTargetRef
	t := kube.Target{Namespace: o.Namespace, Name: ref.Name, APIVersion: ref.APIVersion, Kind: ref.Kind}
	if t.APIVersion == "" {
		t.APIVersion = "apps/v1"
	}
	if t.Kind == "" {
		t.Kind = "Deployment"
	}
	return t
}
