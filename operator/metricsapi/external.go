package metricsapi

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/operator/actuation"
	apidiscovery "k8s.io/api/apidiscovery/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/endpoints/discovery"
	"k8s.io/apiserver/pkg/endpoints/handlers/negotiation"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/metrics/pkg/apis/external_metrics"
	"k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
)

// ExternalValues are the values of the metrics of ScaledObjects. An error says
// to people why there is none. [actuation.Told] is one.
type ExternalValues interface {
	Value(object types.NamespacedName, metric string) (actuation.Value, error)
}

// External is external.metrics.k8s.io/v1beta1 as KEDA's adapter serves it: the
// metric is the resource, and the selector names the ScaledObject. A generic
// API server knows its resources by name beforehand, so this group brings its
// own handlers; who may ask what is decided before them, as for any other.
func External(v ExternalValues) Group {
	return Group{
		Name: external_metrics.GroupName,
		AddToScheme: func(s *runtime.Scheme) error {
			return errors.Join(external_metrics.AddToScheme(s), v1beta1.AddToScheme(s), s.SetVersionPriority(v1beta1.SchemeGroupVersion))
		},
		Install: func(s *server.GenericAPIServer, codecs serializer.CodecFactory) {
			installExternal(s, &external{values: v, codecs: codecs})
		},
	}
}

// What discovery says of the metrics: one resource stands for all of them.
const (
	externalResource = "externalmetrics"
	externalKind     = "ExternalMetricValueList"
)

func installExternal(s *server.GenericAPIServer, e *external) {
	gv := v1beta1.SchemeGroupVersion
	version := metav1.GroupVersionForDiscovery{GroupVersion: gv.String(), Version: gv.Version}
	group := metav1.APIGroup{Name: gv.Group, Versions: []metav1.GroupVersionForDiscovery{version}, PreferredVersion: version}
	s.DiscoveryGroupManager.AddGroup(group)
	s.AggregatedDiscoveryGroupManager.AddGroupVersion(gv.Group, apidiscovery.APIVersionDiscovery{
		Version: gv.Version, Freshness: apidiscovery.DiscoveryFreshnessCurrent,
		Resources: []apidiscovery.APIResourceDiscovery{{
			Resource: externalResource, Scope: apidiscovery.ScopeNamespace, Verbs: []string{"get"},
			ResponseKind: &metav1.GroupVersionKind{Kind: externalKind},
		}},
	})
	mux, root := s.Handler.NonGoRestfulMux, server.APIGroupPrefix+"/"+gv.Group
	mux.Handle(root, discovery.NewAPIGroupHandler(s.Serializer, group))
	mux.Handle(root+"/"+gv.Version, discovery.NewAPIVersionHandler(s.Serializer, gv, discovery.APIResourceListerFunc(func() []metav1.APIResource {
		return []metav1.APIResource{{Name: externalResource, Namespaced: true, Kind: externalKind, Verbs: metav1.Verbs{"get"}}}
	})))
	mux.HandlePrefix(root+"/"+gv.Version+"/", e)
}

// external answers for all metrics.
type external struct {
	values ExternalValues
	codecs serializer.CodecFactory
}

func (e *external) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	list, err := e.list(r)
	if err != nil {
		responsewriters.ErrorNegotiated(err, e.codecs, v1beta1.SchemeGroupVersion, w, r)
		return
	}
	responsewriters.WriteObjectNegotiated(e.codecs, negotiation.DefaultEndpointRestrictions, v1beta1.SchemeGroupVersion, w, r, http.StatusOK, list, false)
}

func (e *external) list(r *http.Request) (*external_metrics.ExternalMetricValueList, error) {
	about, ok := request.RequestInfoFrom(r.Context())
	if !ok || !about.IsResourceRequest || about.Namespace == "" || len(about.Parts) != 1 {
		return nil, apierrors.NewNotFound(schema.GroupResource{Group: v1beta1.GroupName, Resource: r.URL.Path}, "")
	}
	if r.Method != http.MethodGet {
		return nil, apierrors.NewMethodNotSupported(schema.GroupResource{Group: v1beta1.GroupName, Resource: about.Resource}, about.Verb)
	}
	object, err := objectOf(r.URL.Query().Get("labelSelector"))
	if err != nil {
		return nil, err
	}
	v, err := e.values.Value(types.NamespacedName{Namespace: about.Namespace, Name: object}, about.Resource)
	if err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	return &external_metrics.ExternalMetricValueList{Items: []external_metrics.ExternalMetricValue{{
		MetricName: about.Resource, Timestamp: metav1.NewTime(v.At), Value: *quantity.NewMilliQuantity(v.Milli, quantity.DecimalSI),
	}}}, nil
}

// objectOf is the ScaledObject that a selector names.
func objectOf(selector string) (string, error) {
	asked, err := labels.ConvertSelectorToLabelsMap(selector)
	if err != nil {
		return "", apierrors.NewBadRequest(fmt.Sprintf("labelSelector %q: %v", selector, err))
	}
	name := asked[v1alpha1.LabelScaledObject]
	if name == "" {
		return "", apierrors.NewBadRequest(fmt.Sprintf("scaledObject name is not specified: ask with labelSelector=%s=NAME", v1alpha1.LabelScaledObject))
	}
	return name, nil
}
