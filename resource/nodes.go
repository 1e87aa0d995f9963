package resource

import (
	"fmt"
	"net"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Nodes lists the nodes of the cluster as they are now. It is asked once a
// second and must answer from memory.
type Nodes interface {
	Nodes() []Node
}

// Node is what scraping must know of a node.
type Node struct {
	Name      string
	Labels    map[string]string
	Addresses []Address
	Port      int32 // of its kubelet, 0 if the node does not say
	Ready     bool
	// ReadySince is since when it says so; zero where it does not tell.
	ReadySince time.Time
}

// Address is one way to reach a node. Type is one of the API's: InternalIP, Hostname and so on.
type Address struct{ Type, Address string }

// NodeFrom takes what scraping needs from the API's object. The labels are
// shared with it.
func NodeFrom(n *corev1.Node) Node {
	out := Node{Name: n.Name, Labels: n.Labels, Port: n.Status.DaemonEndpoints.KubeletEndpoint.Port}
	for _, a := range n.Status.Addresses {
		out.Addresses = append(out.Addresses, Address{Type: string(a.Type), Address: a.Address})
	}
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			out.Ready, out.ReadySince = c.Status == corev1.ConditionTrue, c.LastTransitionTime.Time
		}
	}
	return out
}

// host returns host:port of the node's kubelet.
func (o *Options) host(n Node) (string, error) {
	port := o.Port
	if o.UseNodeStatusPort && n.Port != 0 {
		port = int(n.Port)
	}
	for _, want := range o.PreferredAddressTypes {
		for _, a := range n.Addresses {
			if a.Type == want && a.Address != "" {
				return net.JoinHostPort(a.Address, strconv.Itoa(port)), nil
			}
		}
	}
	return "", fmt.Errorf("no address of a type in %v among its %d", o.PreferredAddressTypes, len(n.Addresses))
}
