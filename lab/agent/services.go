package agent

import (
	"context"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	v1helper "k8s.io/kubernetes/pkg/apis/core/v1/helper"
	"k8s.io/kubernetes/pkg/kubelet/envvars"
)

// apiService is the Service of the API server, in the namespace default; pods of every namespace are told of it.
const apiService = "kubernetes"

// serviceLinks are the variables by which a pod is told where Services are, such as WEB_SERVICE_HOST: always that of the
// API server, and those of the pod's own namespace unless its spec wants no links.
func (w *worker) serviceLinks(ctx context.Context, pod *corev1.Pod) (map[string]string, error) {
	var all []corev1.Service
	if links := pod.Spec.EnableServiceLinks; links == nil || *links {
		own, err := w.a.Client.CoreV1().Services(pod.Namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, fmt.Errorf("listing the Services of namespace %s: %w", pod.Namespace, err)
		}
		all = own.Items
	}
	api, err := w.a.Client.CoreV1().Services(metav1.NamespaceDefault).Get(ctx, apiService, metav1.GetOptions{})
	switch {
	case err == nil:
		all = append(all, *api) // last: of two of one name it is the one that counts
	case !apierrors.IsNotFound(err):
		return nil, fmt.Errorf("reading the Service of the API server: %w", err)
	}
	told := make([]*corev1.Service, 0, len(all))
	for i := range all {
		if s := &all[i]; v1helper.IsServiceIPSet(s) {
			w.a.locate(s)
			told = append(told, s)
		}
	}
	env := map[string]string{}
	for _, v := range envvars.FromServices(told) {
		env[v.Name] = v.Value
	}
	return env, nil
}

// locate puts the sockets into a Service behind which its ports really are: without privileges nobody listens on port 80.
func (a *agent) locate(s *corev1.Service) {
	if a.Services == nil {
		return
	}
	name := cache.MetaObjectToName(s)
	for i := range s.Spec.Ports {
		address, ok := a.Services(name, s.Spec.Ports[i].Port)
		if !ok {
			continue // not opened yet, or never: then it says what it would be
		}
		if at, err := netip.ParseAddrPort(address); err == nil {
			s.Spec.ClusterIP, s.Spec.Ports[i].Port = at.Addr().String(), int32(at.Port())
		}
	}
}
