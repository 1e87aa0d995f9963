package route

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"k8s.io/client-go/tools/cache"
)

var (
	errUnknown = errors.New("no Service of the lab has this name or address; the lab leads nowhere else")
	errNoPort  = errors.New("the Service has no such port")
	errNoPod   = errors.New("no ready pod is behind the Service")
)

const zone = ".svc.cluster.local"

// resolve finds where host:port is answered, for a pod of the namespace.
func (r *Router) resolve(namespace, host string, port int32) ([]string, error) {
	all, err := r.lookup(namespace, strings.ToLower(host), port)
	if err != nil {
		return nil, fmt.Errorf("%s port %d: %w", host, port, err)
	}
	return all, nil
}

func (r *Router) lookup(namespace, host string, port int32) ([]string, error) {
	if _, err := netip.ParseAddr(host); err == nil {
		if s := r.table.at(host); s != nil {
			return s.addresses(port, r.Ports)
		}
		if a, ok := r.Ports.Lookup(host, port); ok {
			return []string{a}, nil
		}
		return nil, errUnknown
	}
	for _, name := range searched(namespace, host) {
		if all, err := r.named(name, port); !errors.Is(err, errUnknown) {
			return all, err
		}
	}
	return nil, errUnknown
}

// searched returns the full names that a name may stand for, in the order of a pod's resolv.conf.
func searched(namespace, host string) []string {
	if full, ok := strings.CutSuffix(host, "."); ok {
		return []string{full}
	}
	return []string{host + "." + namespace + zone, host + zone, host + ".cluster.local", host}
}

// named resolves a full name: SERVICE.NAMESPACE.svc.cluster.local, or one that begins with a pod's host name.
func (r *Router) named(name string, port int32) ([]string, error) {
	labels, ok := strings.CutSuffix(name, zone)
	if !ok {
		return nil, errUnknown
	}
	parts := strings.Split(labels, ".")
	switch len(parts) {
	case 2:
		s := r.table.get(cache.NewObjectName(parts[1], parts[0]))
		if s == nil {
			return nil, errUnknown
		}
		return s.addresses(port, r.Ports)
	case 3:
		return r.podNamed(parts[0], cache.NewObjectName(parts[2], parts[1]), port)
	}
	return nil, errUnknown
}

// podNamed resolves the name of one pod, as StatefulSets give their pods.
func (r *Router) podNamed(hostname string, name cache.ObjectName, port int32) ([]string, error) {
	s := r.table.get(name)
	if s == nil {
		return nil, errUnknown
	}
	for _, p := range s.pods {
		if p.hostname != hostname || p.subdomain != name.Name {
			continue
		}
		if a, ok := r.Ports.Lookup(p.ip, port); ok {
			return []string{a}, nil
		}
		return nil, errNoPort
	}
	return nil, errUnknown
}
