package kube

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func TestWhereabouts_are_those_of_the_last_leader_that_told_them(t *testing.T) {
	c := fake.NewClientset(&corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "furl-leader", UID: "of-the-service"}})
	for _, address := range []string{"10.0.0.1:10250", "10.0.0.2:10251"} {
		w := Whereabouts{Client: c, Namespace: "ns", Service: "furl-leader", Port: "https", Address: netip.MustParseAddrPort(address)}
		if err := w.Publish(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	list, err := c.DiscoveryV1().EndpointSlices("ns").List(t.Context(), metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=furl-leader"})
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%d slices of the Service, want 1; %v", len(list.Items), err)
	}
	s := list.Items[0]
	if diff := cmp.Diff([]string{"10.0.0.2"}, s.Endpoints[0].Addresses); diff != "" || len(s.Endpoints) != 1 {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	if o := s.OwnerReferences; len(o) != 1 || o[0].Kind != "Service" || o[0].UID != "of-the-service" {
		t.Errorf("owners %v, want the Service: who deletes it deletes the slice", o)
	}
	if p := s.Ports[0]; *p.Name != "https" || *p.Port != 10251 || s.AddressType != discoveryv1.AddressTypeIPv4 {
		t.Errorf("port %s %d of %s, want https 10251 of IPv4", *p.Name, *p.Port, s.AddressType)
	}
}

func TestWhereabouts_that_cannot_be_told_say_which(t *testing.T) {
	c, refused := fake.NewClientset(), errors.New("refused")
	c.PrependReactor("create", "endpointslices", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, refused })
	w := Whereabouts{Client: c, Namespace: "ns", Service: "furl-leader", Address: netip.MustParseAddrPort("[fd00::1]:10250")}
	err := w.Publish(t.Context())
	if want := "endpoint [fd00::1]:10250 of Service ns/furl-leader: refused"; !errors.Is(err, refused) || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
	if got := w.slice().AddressType; got != discoveryv1.AddressTypeIPv6 {
		t.Errorf("address type %s, want IPv6", got)
	}
}
