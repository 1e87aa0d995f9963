package freeze_test

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/operator/freeze"
	"github.com/furl-dev/furl/schedule"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// told notes the namespaces that a gate told of.
type told struct {
	mu  sync.Mutex // guards all
	all []string
}

func (t *told) changed(namespace string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, namespace)
}

func (t *told) take() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.all
	t.all = nil
	return out
}

func newGate(t *told, log *bytes.Buffer) *freeze.Gate {
	return freeze.NewGate(freeze.Config{
		Own: "furl-system", Clock: schedule.Clock{}, Changed: t.changed, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
}

func order(namespace string, f freeze.Freeze) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: api.FreezeName}, Data: f.Data()}
}

func nameIn(namespace string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: api.FreezeName}
}

func TestGate_closes_for_a_namespace_or_for_all(t *testing.T) {
	var heard told
	g := newGate(&heard, new(bytes.Buffer))
	if why := g.Closed("shop"); why != "" {
		t.Errorf("a gate without orders says %q", why)
	}
	g.Put(order("shop", freeze.Freeze{By: "ann", Reason: "sale"}))
	if want, got := "namespace shop is frozen by ann until furl unfreeze -n shop: sale", g.Closed("shop"); got != want {
		t.Errorf("shop: %q, want %q", got, want)
	}
	if why := g.Closed("other"); why != "" {
		t.Errorf("other: %q, want nothing", why)
	}
	g.Put(order("furl-system", freeze.Freeze{By: "bob"}))
	for _, ns := range []string{"shop", "other", "furl-system"} {
		if want, got := "the whole cluster is frozen by bob until furl unfreeze", g.Closed(ns); got != want {
			t.Errorf("%s: %q, want %q", ns, got, want)
		}
	}
	g.Drop(nameIn("furl-system"))
	if why := g.Closed("other"); why != "" {
		t.Errorf("other, after the end: %q", why)
	}
	if why := g.Closed("shop"); !strings.Contains(why, "ann") {
		t.Errorf("shop, after the end of the cluster's: %q, want its own", why)
	}
	if diff := cmp.Diff([]string{"shop", "", ""}, heard.take()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestGate_opens_by_itself_when_the_time_is_over(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard told
		g := newGate(&heard, new(bytes.Buffer))
		var running sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		running.Go(func() { _ = g.Run(ctx) })
		defer func() { stop(); running.Wait() }()
		until := func(d time.Duration) freeze.Freeze { return freeze.Freeze{Until: time.Now().Add(d)} }
		g.Put(order("late", until(time.Hour)))
		g.Put(order("soon", until(time.Minute)))
		g.Put(order("longer", until(time.Minute)))
		g.Put(order("longer", until(2*time.Minute)))
		synctest.Wait()
		heard.take()

		time.Sleep(time.Minute)
		synctest.Wait()
		if diff := cmp.Diff([]string{"soon"}, heard.take()); diff != "" {
			t.Errorf("after a minute told (-want +got):\n%s", diff)
		}
		if g.Closed("soon") != "" || g.Closed("longer") == "" || g.Closed("late") == "" {
			t.Errorf("after a minute: soon %q, longer %q, late %q", g.Closed("soon"), g.Closed("longer"), g.Closed("late"))
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if diff := cmp.Diff([]string{"longer", "late"}, heard.take()); diff != "" {
			t.Errorf("after an hour told (-want +got):\n%s", diff)
		}
	})
}

func TestGate_stays_closed_where_it_cannot_read_the_end(t *testing.T) {
	var heard told
	g := newGate(&heard, new(bytes.Buffer))
	c := order("shop", freeze.Freeze{})
	c.Data[api.FreezeUntil] = "tomorrow"
	g.Put(c)
	if why := g.Closed("shop"); !strings.Contains(why, `"tomorrow"`) {
		t.Errorf("it says %q, want what it cannot read", why)
	}
}

func TestGate_tells_a_change_once(t *testing.T) {
	var heard told
	log := new(bytes.Buffer)
	g := newGate(&heard, log)
	g.Put(order("shop", freeze.Freeze{By: "ann"}))
	g.Put(order("shop", freeze.Freeze{By: "ann"})) // a relist
	another := order("shop", freeze.Freeze{})
	another.Name = "settings"
	g.Put(another)
	g.Drop(nameIn("elsewhere"))
	g.Drop(types.NamespacedName{Namespace: "shop", Name: "settings"})
	if diff := cmp.Diff([]string{"shop"}, heard.take()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines are logged, want one:\n%s", n, log)
	}
}

func TestFreeze_reads_back_what_it_says(t *testing.T) {
	begin := time.Date(2026, 1, 31, 15, 0, 0, 0, time.UTC)
	f := freeze.Freeze{Namespace: "shop", By: "ann", Reason: "sale of\nthe year", Since: begin, Until: begin.Add(2 * time.Hour)}
	got := freeze.Of(order("shop", f), "furl-system")
	f.Reason = "sale of the year"
	if diff := cmp.Diff(f, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := "namespace shop is frozen by ann until 2026-01-31T17:00:00Z: sale of the year"; got.String() != want {
		t.Errorf("%q, want %q", got.String(), want)
	}
	f.Reason = strings.Repeat("long ", 1000)
	if got := freeze.Of(order("shop", f), ""); len(got.Reason) > 210 {
		t.Errorf("%d bytes of a reason are passed on", len(got.Reason))
	}
}

func TestMeter_has_a_series_for_each_order_in_force(t *testing.T) {
	var heard told
	g := newGate(&heard, new(bytes.Buffer))
	g.Put(order("shop", freeze.Freeze{}))
	g.Put(order("furl-system", freeze.Freeze{}))
	g.Put(order("over", freeze.Freeze{Until: time.Unix(1, 0)}))
	want := `
# HELP furl_frozen 1 while no size is written, by scope (cluster, namespace) and namespace.
# TYPE furl_frozen gauge
furl_frozen{namespace="",scope="cluster"} 1
furl_frozen{namespace="shop",scope="namespace"} 1
`
	if err := testutil.CollectAndCompare(freeze.NewMeter(g), strings.NewReader(want)); err != nil {
		t.Error(err)
	}
	if all := g.InForce(); len(all) != 2 || !slices.ContainsFunc(all, func(f freeze.Freeze) bool { return f.Cluster }) {
		t.Errorf("in force: %v", all)
	}
}
