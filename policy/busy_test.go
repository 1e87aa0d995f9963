package policy_test

import (
	"strings"
	"testing"

	"github.com/furl-dev/furl/policy"
	"github.com/google/go-cmp/cmp"
)

func TestParseBusy_takes_a_page_of_the_pod_or_a_condition(t *testing.T) {
	for _, tc := range []struct {
		why, given string
		want       policy.Busy
		fault      string // a part of the error; empty: there is none
	}{
		{"the worker's page", "http://:9090/metrics#inference_in_flight", policy.Busy{Port: 9090, Path: "/metrics", Metric: "inference_in_flight"}, ""},
		{"a metric of vLLM", "http://:8000/metrics#vllm:num_requests_running", policy.Busy{Port: 8000, Path: "/metrics", Metric: "vllm:num_requests_running"}, ""},
		{"a query belongs to the page", "http://:80/m?name=busy#busy", policy.Busy{Port: 80, Path: "/m?name=busy", Metric: "busy"}, ""},
		{"no path is the root", "http://:80#busy", policy.Busy{Port: 80, Path: "/", Metric: "busy"}, ""},
		{"a condition", "condition/Busy", policy.Busy{Condition: "Busy"}, ""},
		{"a condition of somebody's", "condition/example.com/busy", policy.Busy{Condition: "example.com/busy"}, ""},

		{"nothing", "", policy.Busy{}, "must begin with http:// or condition/"},
		{"a host would be a way to ask strangers", "http://169.254.169.254:80/latest#busy", policy.Busy{}, "must not name a host"},
		{"so would one of IPv6", "http://[::1]:80/#busy", policy.Busy{}, "must not name a host"},
		{"a user is no part of a pod", "http://me:secret@:80/#busy", policy.Busy{}, "must not name a host or a user"},
		{"a port by name", "http://:metrics/metrics#busy", policy.Busy{}, "must be a URL without a host"},
		{"no port", "http:///metrics#busy", policy.Busy{}, `must name a port of 1 to 65535, not ""`},
		{"port 0", "http://:0/metrics#busy", policy.Busy{}, `not "0"`},
		{"a port that is none", "http://:65536/metrics#busy", policy.Busy{}, `not "65536"`},
		{"no metric", "http://:9090/metrics", policy.Busy{}, "must name a metric behind #"},
		{"a metric that is none", "http://:9090/metrics#in flight", policy.Busy{}, `not "in flight"`},
		{"a certificate that nobody could check", "https://:9090/metrics#busy", policy.Busy{}, "must begin with http://"},
		{"a condition without a name", "condition/", policy.Busy{}, "want the type of a pod's condition"},
	} {
		got, err := policy.ParseBusy(tc.given)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %q (-want +got):\n%s", tc.why, tc.given, diff)
		}
		switch {
		case (err != nil) != (tc.fault != ""):
			t.Errorf("%s: %q: error %v, want one with %q", tc.why, tc.given, err, tc.fault)
		case err != nil && (!strings.Contains(err.Error(), tc.fault) || !strings.Contains(err.Error(), "such as http://:9090/metrics#inference_in_flight")):
			t.Errorf("%s: %q: error %q, want %q and an example in it", tc.why, tc.given, err, tc.fault)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells a secret: %v", tc.why, err)
		}
	}
}
