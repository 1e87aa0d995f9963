package kube

import (
	"context"
	"fmt"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// Keda speaks to the objects of keda.sh.
type Keda struct {
	calls, forever *rest.RESTClient
	parameters     runtime.ParameterCodec
}

// NewKeda connects to the API server of c, a configuration of [Clients].
func NewKeda(c *rest.Config) (*Keda, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	group := v1alpha1.GroupVersion()
	calls := rest.CopyConfig(c)
	calls.GroupVersion, calls.APIPath = &group, "/apis"
	calls.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	calls.ContentType, calls.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	k := &Keda{parameters: runtime.NewParameterCodec(scheme)}
	var err error
	if k.calls, err = rest.RESTClientFor(calls); err != nil {
		return nil, fmt.Errorf("client of %s: %w", v1alpha1.GroupName, err)
	}
	forever := rest.CopyConfig(calls)
	forever.Timeout = 0
	if k.forever, err = rest.RESTClientFor(forever); err != nil {
		return nil, fmt.Errorf("watching client of %s: %w", v1alpha1.GroupName, err)
	}
	return k, nil
}

// The resources of keda.sh.
const (
	ScaledObjects                 = "scaledobjects"
	ScaledJobs                    = "scaledjobs"
	TriggerAuthentications        = "triggerauthentications"
	ClusterTriggerAuthentications = "clustertriggerauthentications"
)

// ScaledObjectFeed follows the ScaledObjects of a scope into sink.
func (k *Keda) ScaledObjectFeed(in Scope, sink Sink[*v1alpha1.ScaledObject]) Follower {
	return scoped(in, sink, func(namespace string, sink Sink[*v1alpha1.ScaledObject]) *Feed[*v1alpha1.ScaledObject] {
		return NewFeed(ScaledObjects, k.source(namespace, ScaledObjects, func() runtime.Object { return &v1alpha1.ScaledObjectList{} }),
			&v1alpha1.ScaledObject{}, sink, nil)
	})
}

// ScaledJobFeed follows the ScaledJobs of a scope into sink.
func (k *Keda) ScaledJobFeed(in Scope, sink Sink[*v1alpha1.ScaledJob]) Follower {
	return scoped(in, sink, func(namespace string, sink Sink[*v1alpha1.ScaledJob]) *Feed[*v1alpha1.ScaledJob] {
		return NewFeed(ScaledJobs, k.source(namespace, ScaledJobs, func() runtime.Object { return &v1alpha1.ScaledJobList{} }),
			&v1alpha1.ScaledJob{}, sink, stripJob)
	})
}

// TriggerAuthenticationFeed follows the TriggerAuthentications of a scope into sink.
func (k *Keda) TriggerAuthenticationFeed(in Scope, sink Sink[*v1alpha1.TriggerAuthentication]) Follower {
	return scoped(in, sink, func(namespace string, sink Sink[*v1alpha1.TriggerAuthentication]) *Feed[*v1alpha1.TriggerAuthentication] {
		return NewFeed(TriggerAuthentications, k.source(namespace, TriggerAuthentications, func() runtime.Object { return &v1alpha1.TriggerAuthenticationList{} }),
			&v1alpha1.TriggerAuthentication{}, sink, nil)
	})
}

// ClusterTriggerAuthenticationFeed follows all ClusterTriggerAuthentications into sink.
func (k *Keda) ClusterTriggerAuthenticationFeed(sink Sink[*v1alpha1.ClusterTriggerAuthentication]) Follower {
	return NewFeed(ClusterTriggerAuthentications, k.source(metav1.NamespaceAll, ClusterTriggerAuthentications, func() runtime.Object { return &v1alpha1.ClusterTriggerAuthenticationList{} }),
		&v1alpha1.ClusterTriggerAuthentication{}, sink, nil)
}

func (k *Keda) source(namespace, resource string, list func() runtime.Object) cache.ListerWatcher {
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			all := list()
			return all, k.forever.Get().Namespace(namespace).Resource(resource).VersionedParams(&o, k.parameters).Do(ctx).Into(all)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.Watch = true
			return k.forever.Get().Namespace(namespace).Resource(resource).VersionedParams(&o, k.parameters).Watch(ctx)
		},
	}, k)
}

// stripJob empties the bulk of a ScaledJob: its template.
func stripJob(obj any) (any, error) {
	if j, ok := obj.(*v1alpha1.ScaledJob); ok {
		j.Spec.JobTargetRef = nil
	}
	return obj, nil
}

// Patch is a JSON merge patch of one object.
type Patch struct {
	Resource string
	types.NamespacedName
	// Status says that the patch is of the status.
	Status bool
	Body   []byte
}

// Patch sends a patch and decodes the object as stored.
func (k *Keda) Patch(ctx context.Context, p Patch, into runtime.Object) error {
	r := k.calls.Patch(types.MergePatchType).Namespace(p.Namespace).Resource(p.Resource).Name(p.Name).
		VersionedParams(&metav1.PatchOptions{FieldManager: FieldManager}, k.parameters).Body(p.Body)
	if p.Status {
		r = r.SubResource("status")
	}
	return r.Do(ctx).Into(into)
}

// PatchScaledObject sends a patch of a ScaledObject and returns it as stored.
func (k *Keda) PatchScaledObject(ctx context.Context, key types.NamespacedName, status bool, body []byte) (*v1alpha1.ScaledObject, error) {
	o := new(v1alpha1.ScaledObject)
	return o, k.Patch(ctx, Patch{Resource: ScaledObjects, NamespacedName: key, Status: status, Body: body}, o)
}

// PatchScaledJob sends a patch of a ScaledJob's status and returns the job as stored.
func (k *Keda) PatchScaledJob(ctx context.Context, key types.NamespacedName, body []byte) (*v1alpha1.ScaledJob, error) {
	j := new(v1alpha1.ScaledJob)
	return j, k.Patch(ctx, Patch{Resource: ScaledJobs, NamespacedName: key, Status: true, Body: body}, j)
}

// PatchAuthentication sends a patch of the status of a TriggerAuthentication or
// a ClusterTriggerAuthentication.
func (k *Keda) PatchAuthentication(ctx context.Context, ref Ref, body []byte) error {
	p := Patch{Resource: TriggerAuthentications, NamespacedName: ref.NamespacedName, Status: true, Body: body}
	if ref.Kind == v1alpha1.KindClusterTriggerAuthentication {
		p.Resource = ClusterTriggerAuthentications
		return k.Patch(ctx, p, new(v1alpha1.ClusterTriggerAuthentication))
	}
	return k.Patch(ctx, p, new(v1alpha1.TriggerAuthentication))
}
