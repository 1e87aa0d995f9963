package metricsapi

import (
	"errors"
	"time"

	"github.com/furl-dev/furl/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/metrics/pkg/apis/metrics"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// Object is what the API must know of a pod or node beside its samples. The
// labels stay the lister's own.
type Object struct {
	Namespace, Name string
	Labels          map[string]string
}

// Pods lists the pods of the cluster from memory. Slices are the caller's.
type Pods interface {
	// Pods returns the pods of a namespace, of all if it is empty, that the selector matches.
	Pods(namespace string, selector labels.Selector) []Object
	// Pod returns one pod and whether there is such a pod.
	Pod(namespace, name string) (Object, bool)
}

// Nodes lists the nodes of the cluster from memory. Slices are the caller's.
type Nodes interface {
	Nodes(selector labels.Selector) []Object
	Node(name string) (Object, bool)
}

// Usage is where metrics.k8s.io comes from.
type Usage struct {
	Store *resource.Store
	Pods  Pods
	Nodes Nodes
	Clock func() time.Time
}

// Metrics is metrics.k8s.io/v1beta1, as metrics-server serves it.
func Metrics(u Usage) Group {
	return Group{
		Name: metrics.GroupName,
		AddToScheme: func(s *runtime.Scheme) error {
			return errors.Join(
				metrics.AddToScheme(s),
				v1beta1.AddToScheme(s),
				s.SetVersionPriority(v1beta1.SchemeGroupVersion),
			)
		},
		Build: func(s *runtime.Scheme, codecs serializer.CodecFactory) server.APIGroupInfo {
			info := server.NewDefaultAPIGroupInfo(metrics.GroupName, s, metav1.ParameterCodec, codecs)
			info.VersionedResourcesStorageMap[v1beta1.SchemeGroupVersion.Version] = map[string]rest.Storage{
				"pods":  &podMetrics{usage: u},
				"nodes": &nodeMetrics{usage: u},
			}
			return info
		},
	}
}
