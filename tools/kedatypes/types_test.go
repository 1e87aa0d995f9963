package kedatypes_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
)

// pair is an object of KEDA's and ours.
type pair struct {
	name       string
	keda, ours func() any
}

// pairs are all kinds and their lists.
var pairs = []pair{
	{"ScaledObject", func() any { return &keda.ScaledObject{} }, func() any { return &v1alpha1.ScaledObject{} }},
	{"ScaledObjectList", func() any { return &keda.ScaledObjectList{} }, func() any { return &v1alpha1.ScaledObjectList{} }},
	{"ScaledJob", func() any { return &keda.ScaledJob{} }, func() any { return &v1alpha1.ScaledJob{} }},
	{"ScaledJobList", func() any { return &keda.ScaledJobList{} }, func() any { return &v1alpha1.ScaledJobList{} }},
	{"TriggerAuthentication", func() any { return &keda.TriggerAuthentication{} }, func() any { return &v1alpha1.TriggerAuthentication{} }},
	{"TriggerAuthenticationList", func() any { return &keda.TriggerAuthenticationList{} }, func() any { return &v1alpha1.TriggerAuthenticationList{} }},
	{"ClusterTriggerAuthentication", func() any { return &keda.ClusterTriggerAuthentication{} }, func() any { return &v1alpha1.ClusterTriggerAuthentication{} }},
	{"ClusterTriggerAuthenticationList", func() any { return &keda.ClusterTriggerAuthenticationList{} }, func() any { return &v1alpha1.ClusterTriggerAuthenticationList{} }},
}

// leftOut are KEDA's fields that ours lack, each with the reason.
var leftOut = map[string]string{
	"VaultSecret.Value": `json:"-": KEDA keeps a value that it read there, it is no part of the API`,
}

func TestTypes_have_the_same_names_kinds_and_tags(t *testing.T) {
	c := comparison{t: t, seen: map[reflect.Type]bool{}}
	for _, p := range pairs {
		c.same(p.name, reflect.TypeOf(p.keda()), reflect.TypeOf(p.ours()))
	}
	for name := range leftOut {
		if !c.left[name] {
			t.Errorf("%s is listed as left out, but KEDA has no such field", name)
		}
	}
	if len(c.seen) < 40 {
		t.Errorf("only %d types were compared", len(c.seen))
	}
}

// comparison walks two types side by side.
type comparison struct {
	t    *testing.T
	seen map[reflect.Type]bool
	left map[string]bool
}

func (c *comparison) same(at string, theirs, ours reflect.Type) {
	if theirs == ours || c.seen[theirs] {
		return // a type of Kubernetes, or known already
	}
	if theirs.Kind() != ours.Kind() || theirs.Name() != ours.Name() {
		c.t.Errorf("%s: %s with KEDA, %s here", at, theirs, ours)
		return
	}
	if theirs.Name() != "" {
		c.seen[theirs] = true
	}
	if kind := theirs.Kind(); kind == reflect.Struct {
		c.sameFields(theirs, ours)
	} else if kind == reflect.Pointer || kind == reflect.Slice || kind == reflect.Map {
		c.same(at+" element", theirs.Elem(), ours.Elem())
	}
	if theirs.Kind() == reflect.Map {
		c.same(at+" key", theirs.Key(), ours.Key())
	}
}

func (c *comparison) sameFields(theirs, ours reflect.Type) {
	var names, want []string
	for f := range theirs.Fields() {
		name := theirs.Name() + "." + f.Name
		if _, left := leftOut[name]; left {
			c.note(name)
			continue
		}
		want = append(want, f.Name)
	}
	for f := range ours.Fields() {
		names = append(names, f.Name)
	}
	if got, kedas := strings.Join(names, " "), strings.Join(want, " "); got != kedas {
		c.t.Errorf("%s: fields %s with KEDA, %s here", theirs.Name(), kedas, got)
		return
	}
	for _, name := range names {
		a, _ := theirs.FieldByName(name)
		b, _ := ours.FieldByName(name)
		at := theirs.Name() + "." + name
		if a.Tag.Get("json") != b.Tag.Get("json") || a.Anonymous != b.Anonymous {
			c.t.Errorf("%s: tag %q with KEDA, %q here", at, a.Tag.Get("json"), b.Tag.Get("json"))
		}
		c.same(at, a.Type, b.Type)
	}
}

func (c *comparison) note(name string) {
	if c.left == nil {
		c.left = map[string]bool{}
	}
	c.left[name] = true
}
