package trigger_test

import (
	"strings"
	"testing"

	"github.com/furl-dev/furl/trigger"
)

func key(t *testing.T, k trigger.Kind, in trigger.Input) string {
	t.Helper()
	c, err := k.Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	return c.Key
}

func TestKey_is_equal_for_what_reads_alike(t *testing.T) {
	for _, tc := range []struct {
		why    string
		change func(*trigger.Input)
		shared bool
	}{
		{"nothing differs", func(*trigger.Input) {}, true},
		{"another object", func(in *trigger.Input) { in.Namespace, in.Object, in.Index, in.Name = "n", "o", 3, "t" }, true},
		{"another target", func(in *trigger.Input) { *in = with(*in, "queueLength", "9", "activationQueueLength", "3") }, true},
		{"a key that nothing reads", func(in *trigger.Input) { *in = with(*in, "colour", "red") }, true},
		{"the default, written", func(in *trigger.Input) { *in = with(*in, "identityOwner", "pod") }, true},
		{"blanks", func(in *trigger.Input) { *in = with(*in, "awsRegion", " eu-west-1") }, true},
		{
			"the same from a variable",
			func(in *trigger.Input) {
				*in = with(*in, "queueURL", "", "queueURLFromEnv", "Q")
				in.Env = map[string]string{"Q": "http://h/q", "OTHER": "x"}
			}, true,
		},
		{"another queue", func(in *trigger.Input) { *in = with(*in, "queueURL", "http://h/r") }, false},
		{"a password", func(in *trigger.Input) { in.Auth = map[string]string{"password": "p"} }, false},
		{"an identity", func(in *trigger.Input) { in.Identity.RoleARN = "arn" }, false},
		{"bytes that are no text", func(in *trigger.Input) { *in = with(*in, "queueURL", "http://h/\xff") }, false},
		{"other bytes that are no text", func(in *trigger.Input) { *in = with(*in, "queueURL", "http://h/\xfe") }, false},
	} {
		in := sound()
		tc.change(&in)
		if got := key(t, kind(), in) == key(t, kind(), sound()); got != tc.shared {
			t.Errorf("%s: shared %v, want %v", tc.why, got, tc.shared)
		}
	}
}

func TestKey_keeps_apart_what_a_struct_asks_for(t *testing.T) {
	pods := trigger.DefineResource[struct {
		Namespace trigger.Namespace
	}]("pods", "Pods.")
	shaped := trigger.DefineResource[struct {
		Threshold int `cfg:"threshold,role=target,shapes" doc:"."`
	}]("shaped", "Shaped.")
	whole := trigger.DefineResource[struct{ In trigger.Input }]("whole", "Whole.")
	a, b := trigger.Input{Namespace: "a", Metadata: map[string]string{"threshold": "1"}}, trigger.Input{Namespace: "b", Metadata: map[string]string{"threshold": "2"}}
	for _, k := range []trigger.Kind{pods, shaped, whole} {
		if key(t, k, a) == key(t, k, b) {
			t.Errorf("%s: reads that differ share a key", k.Name)
		}
		if !strings.HasPrefix(key(t, k, a), k.Name+":") {
			t.Errorf("%s: key %q does not begin with the kind", k.Name, key(t, k, a))
		}
	}
}
