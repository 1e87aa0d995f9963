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
	_, err := c.Create(ctx, w.slice(), metav1.CreateOptions{FieldManager: FieldManager})
	if !apierrors.IsAlreadyExists(err) {
		return w.wrap(err)
	}
	was, err := c.Get(ctx, w.Service, metav1.GetOptions{})
	if err != nil {
		return w.wrap(err)
	}
	is := w.slice()
	is.ResourceVersion = was.ResourceVersion
	_, err = c.Update(ctx, is, metav1.UpdateOptions{FieldManager: FieldManager})
	return w.wrap(err)
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
