package route

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/tools/cache"
)

// service is a Service and the pods behind it. It does not change but for the turn.
type service struct {
	ip       string // empty when it has none of its own
	selector labels.Selector
	headless bool
	pods     []endpoint         // ready ones; for the names of pods and for headless Services
	ports    map[int32][]socket // by port of the Service
	external string             // the name or address that an ExternalName Service stands for
	fixed    string             // the one host:port behind every port, where the lab says so
	turn     *atomic.Uint32     // whose turn it is; survives changes of the Service
	protocol map[int32]corev1.Protocol
}

// endpoint is a ready pod.
type endpoint struct {
	ip, hostname, subdomain string
}

// socket is a port of a pod, as the pod itself numbers it.
type socket struct {
	ip   string
	port int32
}

// table is what the router knows.
type table struct {
	mu       sync.RWMutex // guards all below
	services map[cache.ObjectName]*service
	byIP     map[string]cache.ObjectName
}

func (t *table) put(name cache.ObjectName, s *service) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := t.services[name]; old != nil {
		s.turn = old.turn
		delete(t.byIP, old.ip)
	}
	t.services[name] = s
	if s.ip != "" {
		t.byIP[s.ip] = name
	}
}

func (t *table) remove(name cache.ObjectName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old := t.services[name]; old != nil {
		delete(t.byIP, old.ip)
		delete(t.services, name)
	}
}

func (t *table) knows(name cache.ObjectName) bool { return t.get(name) != nil }

func (t *table) get(name cache.ObjectName) *service {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.services[name]
}

func (t *table) at(ip string) *service {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.services[t.byIP[ip]]
}

// selecting returns the Services that a pod is or may be behind.
func (t *table) selecting(p *corev1.Pod) []cache.ObjectName {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var all []cache.ObjectName
	for name, s := range t.services {
		if name.Namespace == p.Namespace && s.selector != nil && s.selector.Matches(labels.Set(p.Labels)) {
			all = append(all, name)
		}
	}
	return all
}

// build reads a Service and the pods that it selects now.
func (r *Router) build(o *corev1.Service) (*service, error) {
	s := &service{
		ports: map[int32][]socket{}, protocol: map[int32]corev1.Protocol{}, turn: &atomic.Uint32{},
		headless: o.Spec.ClusterIP == corev1.ClusterIPNone,
	}
	switch {
	case o.Spec.Type == corev1.ServiceTypeExternalName:
		s.external = o.Spec.ExternalName
		return s, nil
	case !s.headless:
		s.ip = o.Spec.ClusterIP
	}
	if o.Namespace == metav1.NamespaceDefault && o.Name == "kubernetes" {
		s.fixed = r.APIServer
	}
	var ready []*corev1.Pod
	if len(o.Spec.Selector) > 0 {
		s.selector = labels.SelectorFromSet(o.Spec.Selector)
		pods, err := r.pods.Pods(o.Namespace).List(s.selector)
		if err != nil {
			return nil, fmt.Errorf("list the pods of service %s/%s: %w", o.Namespace, o.Name, err)
		}
		for _, p := range pods {
			if serves(p, o.Spec.PublishNotReadyAddresses) {
				ready = append(ready, p)
			}
		}
		slices.SortFunc(ready, func(a, b *corev1.Pod) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	}
	for _, p := range ready {
		s.pods = append(s.pods, endpoint{ip: p.Status.PodIP, hostname: hostname(p), subdomain: p.Spec.Subdomain})
	}
	for _, port := range o.Spec.Ports {
		s.protocol[port.Port] = port.Protocol
		sockets := []socket{}
		for _, p := range ready {
			if target, ok := targetPort(p, port); ok {
				sockets = append(sockets, socket{p.Status.PodIP, target})
			}
		}
		s.ports[port.Port] = sockets
	}
	return s, nil
}

// serves says whether a pod may get connections of a Service, as endpoints are chosen.
func serves(p *corev1.Pod, notReadyToo bool) bool {
	if p.Status.PodIP == "" || p.DeletionTimestamp != nil || p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
		return false
	}
	return notReadyToo || slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

func hostname(p *corev1.Pod) string {
	if p.Spec.Hostname != "" {
		return p.Spec.Hostname
	}
	return p.Name
}

// targetPort is the port of the pod behind a port of the Service; a named one may differ from pod to pod.
func targetPort(p *corev1.Pod, port corev1.ServicePort) (int32, bool) {
	if port.TargetPort.Type == intstr.Int {
		if port.TargetPort.IntVal == 0 {
			return port.Port, true
		}
		return port.TargetPort.IntVal, true
	}
	for _, containers := range [][]corev1.Container{p.Spec.Containers, p.Spec.InitContainers} {
		for _, c := range containers {
			for _, have := range c.Ports {
				if have.Name == port.TargetPort.StrVal && have.Protocol == port.Protocol {
					return have.ContainerPort, true
				}
			}
		}
	}
	return 0, false
}

// addresses returns where a port of the Service is answered, the one whose turn it is first.
func (s *service) addresses(port int32, ports Ports) ([]string, error) {
	if s.fixed != "" {
		return []string{s.fixed}, nil
	}
	if s.external != "" {
		return []string{net.JoinHostPort(s.external, strconv.Itoa(int(port)))}, nil // the dial guard has the last word
	}
	sockets, ok := s.ports[port]
	if s.headless { // its name stands for the pods themselves, so the port is the pods' own
		sockets, ok = nil, true
		for _, p := range s.pods {
			sockets = append(sockets, socket{p.ip, port})
		}
	}
	if !ok {
		return nil, errNoPort
	}
	var all []string
	for _, one := range sockets {
		if a, ok := ports.Lookup(one.ip, one.port); ok {
			all = append(all, a)
		}
	}
	if len(all) == 0 {
		return nil, errNoPod
	}
	first := int(s.turn.Add(1)-1) % len(all)
	return append(all[first:], all[:first]...), nil
}
