package policy_test

import (
	"math"
	"testing"

	"github.com/furl-dev/furl/policy"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

func TestRequest(t *testing.T) {
	for _, tc := range []struct {
		why, spec, container string
		milli                int64
		reason               string
	}{
		{"a sum over containers", "containers: [{name: a, resources: {requests: {cpu: 100m}}}, {name: b, resources: {requests: {cpu: 1}}}]", "", 1100, ""},
		{"one container", "containers: [{name: a, resources: {requests: {cpu: 100m}}}, {name: b}]", "a", 100, ""},
		{"one without fails the pod", "containers: [{name: a, resources: {requests: {cpu: 100m}}}, {name: b}]", "", 0, "missing request for cpu in container b of Pod p"},
		{"a container that is not there", "containers: [{name: a}]", "x", 0, "container x not found in Pod p"},
		{"an init container is over by now", "containers: [{name: a, resources: {requests: {cpu: 100m}}}]\ninitContainers: [{name: i, resources: {requests: {cpu: 9}}}]", "", 100, ""},
		{"a sidecar is not", "containers: [{name: a, resources: {requests: {cpu: 100m}}}]\ninitContainers: [{name: s, restartPolicy: Always, resources: {requests: {cpu: 20m}}}]", "", 120, ""},
		{"a sidecar by name", "containers: [{name: a}]\ninitContainers: [{name: s, restartPolicy: Always, resources: {requests: {cpu: 20m}}}]", "s", 20, ""},
		{"an init container by name is not found", "containers: [{name: a}]\ninitContainers: [{name: i, resources: {requests: {cpu: 20m}}}]", "i", 0, "container i not found in Pod p"},
		{"the pod's own request wins", "resources: {requests: {cpu: 800m}}\ncontainers: [{name: a}]", "", 800, ""},
		{"but not over a named container", "resources: {requests: {cpu: 800m}}\ncontainers: [{name: a, resources: {requests: {cpu: 100m}}}]", "a", 100, ""},
		{"the pod requests something else: its containers at their peak", "resources: {requests: {memory: 1Gi}}\ncontainers: [{name: a, resources: {requests: {cpu: 100m}}}, {name: b}]\ninitContainers: [{name: s, restartPolicy: Always, resources: {requests: {cpu: 50m}}}, {name: i, resources: {requests: {cpu: 300m}}}]", "", 350, ""},
		{"the pod requests something else and nobody this", "resources: {requests: {memory: 1Gi}}\ncontainers: [{name: a}]", "", 0, "missing pod-level request for cpu in Pod p"},
		{"what pods cannot request does not count", "resources: {requests: {example.com/x: 1}}\ncontainers: [{name: a, resources: {requests: {cpu: 100m}}}]", "", 100, ""},
		{"overhead counts with pod-level requests", "overhead: {cpu: 10m}\nresources: {requests: {cpu: 800m}}\ncontainers: [{name: a}]", "", 810, ""},
		{"no containers", "containers: []", "", 0, ""},
		{"no overflow", "containers: [{name: a, resources: {requests: {cpu: 9E}}}, {name: b, resources: {requests: {cpu: 9E}}}]", "", math.MaxInt64, ""},
	} {
		t.Run(tc.why, func(t *testing.T) {
			spec := new(corev1.PodSpec)
			if err := yaml.UnmarshalStrict([]byte(tc.spec), spec); err != nil {
				t.Fatal(err)
			}
			milli, reason := policy.Request("p", spec, corev1.ResourceCPU, tc.container)
			if milli != tc.milli || reason != tc.reason {
				t.Errorf("want %d %q, got %d %q", tc.milli, tc.reason, milli, reason)
			}
		})
	}
}
