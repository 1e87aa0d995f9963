package workload

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/evidence"
	"github.com/furl-dev/furl/trigger/triggertest"
	"github.com/google/go-cmp/cmp"
)

// asked is what a cluster was asked.
type asked struct {
	Namespace, Selector string
	ByNode              bool
}

// cluster counts 7 pods on 6 nodes, or breaks.
type cluster struct {
	broken error
	asked  []asked
}

func (c *cluster) CountPods(ctx context.Context, namespace, selector string, byNode bool) (int64, error) {
	c.asked = append(c.asked, asked{namespace, selector, byNode})
	if byNode {
		return 6, ctx.Err()
	}
	return 7, errors.Join(ctx.Err(), c.broken)
}

func (*cluster) Endpoints(context.Context, string, string, int) ([]string, error) { return nil, nil }

func input(string) trigger.Input {
	return trigger.Input{Namespace: "shop", Metadata: map[string]string{"podSelector": "app=backend", "value": "0.5", "activationValue": "3.1"}}
}

func TestSource_keeps_what_every_trigger_promises(t *testing.T) {
	triggertest.Run(t, triggertest.Suite{
		Kind: Kind(), Input: input, Want: 7, Cluster: &cluster{}, Evidence: evidence.Stub,
		Bad: []triggertest.Bad{
			{Why: "no number of pods", Change: map[string]string{"value": "0"}, Says: "value"},
			{Why: "no selector", Change: map[string]string{"podSelector": "app=a b"}, Says: "podSelector"},
		},
	})
}

func TestRead_counts_pods_or_their_nodes(t *testing.T) {
	for _, tc := range []struct {
		byNode string
		want   float64
	}{{"", 7}, {"true", 6}} {
		c := &cluster{}
		in := input("")
		in.Metadata["groupByNode"] = tc.byNode
		got, err := read(t, c, in)
		if err != nil || got.Value != tc.want {
			t.Errorf("groupByNode %q: %v, %v, want %v", tc.byNode, got.Value, err, tc.want)
		}
		if diff := cmp.Diff([]asked{{"shop", "app=backend", tc.byNode == "true"}}, c.asked); diff != "" {
			t.Errorf("asked (-want +got)\n%s", diff)
		}
	}
}

func TestRead_has_no_data_where_pods_cannot_be_counted(t *testing.T) {
	broken := errors.New("broken")
	if _, err := read(t, &cluster{broken: broken}, input("")); !errors.Is(err, broken) || !strings.Contains(err.Error(), "app=backend") {
		t.Errorf("error %v, want the cluster's, with the selector", err)
	}
	c, err := Kind().Decode(input(""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Open(t.Context(), trigger.Env{Now: triggertest.Noon}); err == nil {
		t.Error("opened without a cluster")
	}
}

func read(t *testing.T, c trigger.Cluster, in trigger.Input) (trigger.Sample, error) {
	t.Helper()
	config, err := Kind().Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	s, err := config.Open(t.Context(), trigger.Env{Now: triggertest.Noon, Cluster: c})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	return s.Read(t.Context())
}

func TestDecode_keeps_namespaces_apart(t *testing.T) {
	here, there := input(""), input("")
	there.Namespace = "bank"
	a, errA := Kind().Decode(here)
	b, errB := Kind().Decode(there)
	if errA != nil || errB != nil || a.Key == b.Key {
		t.Errorf("pods of two namespaces share the key %s (%v, %v)", a.Key, errA, errB)
	}
}

func TestCheckSelector_reads_selectors_as_the_API_server_does(t *testing.T) {
	for _, good := range []string{
		"app=demo", "app==demo", "app!=demo", "app", "!app", "a.b/c=d", "x in (a,b)", "x notin ( a , b )", "x in ()", "x in (a,,b)", "x=", "x>5", "x < 10",
		"app in (demo1, demo2),deploy in (deploy1, deploy2)", "app=backend, deploy notin (critical, monolith)", "in in (in)", "x in(a)",
	} {
		if err := checkSelector(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"app=a b", "app=demo,", "=a", "!app=b", "x in a", "x in (a", "xin(a)", "x>a", "-a=b", "a=-b", "a/b/c=d", "a=b;c=d", "x in (a b)", "x)", strings.Repeat("a", 64),
	} {
		if err := checkSelector(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
