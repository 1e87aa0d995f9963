package kube

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/trigger"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
)

// Surroundings are what triggers may ask of the cluster they run in.
type Surroundings struct {
	Pods   *Pods
	Client kubernetes.Interface
}

var _ trigger.Cluster = Surroundings{}

// CountPods implements [trigger.Cluster] from the index of pods, without a request.
func (s Surroundings) CountPods(_ context.Context, namespace, selector string, byNode bool) (int64, error) { //nolint:revive // flag-parameter: the contract of triggers has it
	wanted, err := labels.Parse(selector)
	if err != nil {
		return 0, fmt.Errorf("label selector %q: %w", selector, err)
	}
	var pods int64
	nodes := make(map[string]struct{})
	for _, p := range s.Pods.In(namespace) {
		if p.Phase == engine.Succeeded || p.Phase == engine.Failed || !wanted.Matches(p.Labels) {
			continue
		}
		pods++
		if p.Node != "" {
			nodes[p.Node] = struct{}{}
		}
	}
	if byNode {
		return int64(len(nodes)), nil
	}
	return pods, nil
}

// slicesAtMost bounds the EndpointSlices that are read of one Service: of 100 endpoints each.
const slicesAtMost = 100

// Endpoints implements [trigger.Cluster].
func (s Surroundings) Endpoints(ctx context.Context, namespace, service string, port int) ([]string, error) {
	list, err := s.Client.DiscoveryV1().EndpointSlices(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: labels.Set{discoveryv1.LabelServiceName: service}.String(), Limit: slicesAtMost,
	})
	if err != nil {
		return nil, fmt.Errorf("endpoints of Service %s/%s: %w", namespace, service, err)
	}
	var out []string
	for i := range list.Items {
		slice := &list.Items[i]
		at := strconv.Itoa(portOf(slice.Ports, port))
		for j := range slice.Endpoints {
			e := &slice.Endpoints[j]
			if e.Conditions.Ready != nil && !*e.Conditions.Ready {
				continue
			}
			for _, a := range e.Addresses {
				out = append(out, net.JoinHostPort(a, at))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// portOf is the pods' port: the one asked for where they have it, as KEDA takes
// it, else their only one, for a Service whose own port is another.
func portOf(ports []discoveryv1.EndpointPort, asked int) int {
	for i := range ports {
		if p := ports[i].Port; p != nil && int(*p) == asked {
			return asked
		}
	}
	if len(ports) == 1 && ports[0].Port != nil {
		return int(*ports[0].Port)
	}
	return asked
}
