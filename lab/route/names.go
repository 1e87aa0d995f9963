package route

import (
	"errors"
	"fmt"
	"io"
	"net/http"
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
	found, err := r.meaning(namespace, host)
	switch {
	case err != nil:
		return nil, err
	case found.pod == nil:
		return found.service.addresses(port, r.Ports)
	}
	if a, ok := r.Ports.Lookup(found.pod.ip, port); ok {
		return []string{a}, nil
	}
	return nil, errNoPort
}

// meaning is what a name stands for: a Service, or one pod behind it.
type meaning struct {
	service *service
	pod     *endpoint
}

// meaning finds what a pod of the namespace means by a name.
func (r *Router) meaning(namespace, host string) (meaning, error) {
	for _, name := range searched(namespace, host) {
		if found, ok := r.named(name); ok {
			return found, nil
		}
	}
	return meaning{}, errUnknown
}

// searched returns the full names that a name may stand for, in the order of a pod's resolv.conf.
func searched(namespace, host string) []string {
	if full, ok := strings.CutSuffix(host, "."); ok {
		return []string{full}
	}
	return []string{host + "." + namespace + zone, host + zone, host + ".cluster.local", host}
}

// named resolves a full name: SERVICE.NAMESPACE.svc.cluster.local, or one that begins with a pod's host name.
func (r *Router) named(name string) (meaning, bool) {
	labels, ok := strings.CutSuffix(name, zone)
	if !ok {
		return meaning{}, false
	}
	parts := strings.Split(labels, ".")
	switch len(parts) {
	case 2:
		s := r.table.get(cache.NewObjectName(parts[1], parts[0]))
		return meaning{service: s}, s != nil
	case 3:
		return r.podNamed(parts[0], cache.NewObjectName(parts[2], parts[1]))
	}
	return meaning{}, false
}

// podNamed resolves the name of one pod, as StatefulSets give their pods.
func (r *Router) podNamed(hostname string, name cache.ObjectName) (meaning, bool) {
	s := r.table.get(name)
	if s == nil {
		return meaning{}, false
	}
	for i := range s.pods {
		if p := &s.pods[i]; p.hostname == hostname && p.subdomain == name.Name {
			return meaning{service: s, pod: p}, true
		}
	}
	return meaning{}, false
}

// ips are the addresses that a name server would give for a name. A Service that stands for a name outside has none.
func (m meaning) ips() []string {
	switch {
	case m.pod != nil:
		return []string{m.pod.ip}
	case m.service.ip != "":
		return []string{m.service.ip}
	}
	if _, err := netip.ParseAddr(m.service.external); err == nil {
		return []string{m.service.external}
	}
	all := make([]string, 0, len(m.service.pods))
	for _, p := range m.service.pods {
		all = append(all, p.ip)
	}
	return all
}

// answer serves GET /resolve?name=NAME, which stands in for a name server: an address a line, and 404 for a name without
// any. The header tells the lab's shell that this proxy knows the question.
func (r *Router) answer(w http.ResponseWriter, q *http.Request, namespace string) {
	w.Header().Set("Furl-Resolver", "1")
	host := strings.ToLower(q.URL.Query().Get("name"))
	var all []string
	if address, err := netip.ParseAddr(host); err == nil {
		all = []string{address.String()}
	} else if found, err := r.meaning(namespace, host); err == nil {
		all = found.ips()
	}
	if len(all) == 0 {
		http.Error(w, host+": "+errUnknown.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, strings.Join(all, "\n")+"\n") //nolint:gosec // plain text, and addresses only; who asked may have gone
}
