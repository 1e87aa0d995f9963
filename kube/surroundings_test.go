package kube

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func TestCountPods_counts_those_that_have_not_ended(t *testing.T) {
	pods := NewPods(nil)
	for _, p := range []struct {
		namespace, name, app, node string
		phase                      corev1.PodPhase
	}{
		{"ns", "a", "web", "n1", corev1.PodRunning},
		{"ns", "b", "web", "n1", corev1.PodRunning},
		{"ns", "c", "web", "n2", corev1.PodRunning},
		{"ns", "d", "web", "", corev1.PodPending},
		{"ns", "e", "web", "n3", corev1.PodSucceeded},
		{"ns", "f", "web", "n3", corev1.PodFailed},
		{"ns", "g", "db", "n4", corev1.PodRunning},
		{"other", "h", "web", "n5", corev1.PodRunning},
	} {
		pods.Put(&corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: p.namespace, Name: p.name, Labels: map[string]string{"app": p.app}},
			Spec:       corev1.PodSpec{NodeName: p.node}, Status: corev1.PodStatus{Phase: p.phase},
		})
	}
	s := Surroundings{Pods: pods}
	for _, c := range []struct {
		why, namespace, selector string
		byNode                   bool
		want                     int64
	}{
		{"those that wait count, those that ended do not", "ns", "app=web", false, 4},
		{"a node counts once, and no node not at all", "ns", "app=web", true, 2},
		{"an expression", "ns", "app in (web,db)", false, 5},
		{"everything", "ns", "", false, 5},
		{"another namespace", "other", "app=web", false, 1},
		{"an empty namespace", "none", "app=web", false, 0},
	} {
		got, err := s.CountPods(t.Context(), c.namespace, c.selector, c.byNode)
		if err != nil || got != c.want {
			t.Errorf("%s: %d (%v), want %d", c.why, got, err, c.want)
		}
	}
	if _, err := s.CountPods(t.Context(), "ns", "app=(", false); err == nil || !strings.Contains(err.Error(), `"app=("`) {
		t.Errorf("error %v, want one that names the selector", err)
	}
}

func TestEndpoints_are_the_ready_ones_at_the_pods_port(t *testing.T) {
	slice := func(name, service string, ports []int32, endpoints ...discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
		s := &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: service}},
			Endpoints:  endpoints,
		}
		for _, p := range ports {
			s.Ports = append(s.Ports, discoveryv1.EndpointPort{Port: &p})
		}
		return s
	}
	at := func(ready bool, addresses ...string) discoveryv1.Endpoint {
		return discoveryv1.Endpoint{Addresses: addresses, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}
	}
	s := Surroundings{Client: fake.NewClientset(
		slice("one", "api", []int32{8080}, at(true, "10.0.0.2"), at(false, "10.0.0.3"), discoveryv1.Endpoint{Addresses: []string{"10.0.0.1"}}),
		slice("two", "api", []int32{8080}, at(true, "10.0.0.2"), at(true, "fd00::1")),
		slice("three", "other", []int32{8080}, at(true, "10.0.0.9")),
		slice("four", "many", []int32{8080, 9090}, at(true, "10.0.0.4")),
	)}
	for _, c := range []struct {
		why, service string
		port         int
		want         []string
	}{
		{"each once, in order", "api", 8080, []string{"10.0.0.1:8080", "10.0.0.2:8080", "[fd00::1]:8080"}},
		{"the only port of the pods for another of the Service", "api", 80, []string{"10.0.0.1:8080", "10.0.0.2:8080", "[fd00::1]:8080"}},
		{"one of several", "many", 9090, []string{"10.0.0.4:9090"}},
		{"none of several: as it was asked for", "many", 80, []string{"10.0.0.4:80"}},
		{"no such Service", "none", 80, nil},
	} {
		got, err := s.Endpoints(t.Context(), "ns", c.service, c.port)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.why, diff)
		}
	}
}
