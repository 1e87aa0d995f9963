package kube

import (
	"context"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Whereabouts is where the leader listens, as the only endpoint of a Service
// without a selector: what only the leader knows is asked of it alone.
type Whereabouts struct {
	Client             kubernetes.Interface
	Namespace, Service string
	// Port is the name of the Service's port; the leader listens at Address.
	Port    string
	Address netip.AddrPort
}

// Publish makes this process the endpoint of the Service, in place of the last leader.
func (w Whereabouts) Publish(ctx context.Context) error {
	c := w.Client.DiscoveryV1().EndpointSlices(w.Namespace)
	is := w.slice()
	err := w.own(ctx, is)
	if err != nil {
		return w.wrap(err)
	}
	_, err = c.Create(ctx, is, metav1.CreateOptions{FieldManager: FieldManager})
	if !apierrors.IsAlreadyExists(err) {
		return w.wrap(err)
	}
	was, err := c.Get(ctx, w.Service, metav1.GetOptions{})
	if err != nil {
		return w.wrap(err)
	}
	is.ResourceVersion = was.ResourceVersion
	_, err = c.Update(ctx, is, metav1.UpdateOptions{FieldManager: FieldManager})
	return w.wrap(err)
}

// own makes the Service the owner, with which the endpoint is deleted. Where there
// is none, nobody asks for the endpoint either.
func (w Whereabouts) own(ctx context.Context, s *discoveryv1.EndpointSlice) error {
	o, err := w.Client.CoreV1().Services(w.Namespace).Get(ctx, w.Service, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("read the Service: %w", err)
	}
	s.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Service", Name: o.Name, UID: o.UID}}
	return nil
}

func (w Whereabouts) slice() *discoveryv1.EndpointSlice {
	ready, port, protocol := true, int32(w.Address.Port()), corev1.ProtocolTCP
	family := discoveryv1.AddressTypeIPv4
	if w.Address.Addr().Unmap().Is6() {
		family = discoveryv1.AddressTypeIPv6
	}
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.Namespace, Name: w.Service,
			Labels: map[string]string{
				discoveryv1.LabelServiceName: w.Service,
				discoveryv1.LabelManagedBy:   FieldManager,
			},
		},
		AddressType: family,
		Endpoints: []discoveryv1.Endpoint{{
			Addresses:  []string{w.Address.Addr().Unmap().String()},
			Conditions: discoveryv1.EndpointConditions{Ready: &ready},
		}},
		Ports: []discoveryv1.EndpointPort{{Name: &w.Port, Port: &port, Protocol: &protocol}},
	}
}

func (w Whereabouts) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("endpoint %s of Service %s/%s: %w", w.Address, w.Namespace, w.Service, err)
}
