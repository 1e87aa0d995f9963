package resource_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/furl-dev/furl/resource"
	"github.com/furl-dev/furl/series"
	"github.com/google/go-cmp/cmp"
)

const resolution = 10 * time.Second

func epoch() time.Time { return time.Unix(1_800_000_000, 0).UTC() }

// after returns the instant so many seconds after the epoch.
func after(seconds int) time.Time { return epoch().Add(time.Duration(seconds) * time.Second) }

// use is what a container has used at an instant.
type use struct {
	name    string // pod/container
	at      int    // seconds, of the sample
	cpu     float64
	memory  int64
	started int // seconds; 0: long ago
}

// saying is a kubelet's answer with these containers.
func saying(uses ...use) io.Reader {
	var b strings.Builder
	for _, u := range uses {
		pod, container, _ := strings.Cut(u.name, "/")
		l := fmt.Sprintf(`{container=%q,namespace="shop",pod=%q}`, container, pod)
		started := after(-3600)
		if u.started != 0 {
			started = after(u.started)
		}
		ms := after(u.at).UnixMilli()
		fmt.Fprintf(&b, "container_cpu_usage_seconds_total%s %g %d\n", l, u.cpu, ms)
		fmt.Fprintf(&b, "container_memory_working_set_bytes%s %d %d\n", l, u.memory, ms)
		fmt.Fprintf(&b, "container_start_time_seconds%s %d\n", l, started.Unix())
	}
	return strings.NewReader(b.String())
}

// scrapes is what a node said at an instant; no uses and a failure: it did not answer.
type scrapes struct {
	node    string
	at      int
	uses    []use
	failure string
}

func play(t testing.TB, all []scrapes) *resource.Store {
	t.Helper()
	s := resource.NewStore(resolution)
	for _, one := range all {
		if one.failure != "" {
			s.Fail(one.node, after(one.at), errors.New(one.failure))
			continue
		}
		if err := s.Take(one.node, after(one.at), saying(one.uses...)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func TestStore_answers_for_a_pod_or_says_why_not(t *testing.T) {
	steady := []scrapes{
		{node: "n1", at: 0, uses: []use{{"web/a", 0, 100, 1 << 20, 0}, {"web/b", -3, 10, 2 << 20, 0}}},
		{node: "n1", at: 10, uses: []use{{"web/a", 10, 102.5001, 1 << 20, 0}, {"web/b", 7, 15, 2 << 20, 0}}},
	}
	with := func(more ...scrapes) []scrapes { return append(append([]scrapes{}, steady...), more...) }
	type answer struct {
		Milli   int64
		At      int
		Window  time.Duration
		Missing string
	}
	for _, c := range []struct {
		why       string
		scrapes   []scrapes
		container string
		memory    bool
		want      answer
	}{
		{why: "one container, rounded up", scrapes: steady, container: "a", want: answer{Milli: 251, At: 10, Window: resolution}},
		{why: "all, each rounded up, at the oldest instant", scrapes: steady, want: answer{Milli: 751, At: 7, Window: resolution}},
		{why: "memory in millibytes", scrapes: steady, memory: true, want: answer{Milli: 3 << 20 * 1000, At: 7, Window: resolution}},
		{why: "an unknown container", scrapes: steady, container: "c", want: answer{Missing: "pod shop/web reports no container c"}},
		{why: "no such pod", want: answer{Missing: "no node reports pod shop/web"}},
		{why: "a first sample", scrapes: steady[:1], container: "a", want: answer{Missing: "container a: no second sample yet"}},
		{why: "memory needs one sample only", scrapes: steady[:1], container: "a", memory: true, want: answer{Milli: 1 << 20 * 1000}},
		{
			why: "a new container spoils the sum", scrapes: with(scrapes{node: "n1", at: 20, uses: []use{{"web/a", 20, 105, 1, 0}, {"web/c", 20, 1, 1, 18}}}),
			want: answer{Missing: "container c: no second sample yet"},
		},
		{
			why: "a container that is gone leaves the sum", scrapes: with(scrapes{node: "n1", at: 20, uses: []use{{"web/a", 20, 105.0001, 1, 0}}}),
			want: answer{Milli: 250, At: 20, Window: resolution},
		},
		{
			why: "a restarted container", scrapes: with(scrapes{node: "n1", at: 20, uses: []use{{"web/a", 20, 0.5, 1, 15}}}), container: "a",
			want: answer{Missing: "container a: no second sample since its restart"},
		},
		{
			why:     "a counter that went back spoils the sum",
			scrapes: with(scrapes{node: "n1", at: 20, uses: []use{{"web/a", 20, 50, 1, 0}, {"web/b", 17, 20, 1, 0}}}),
			want:    answer{Missing: "container a: its counter went back, no second sample since"},
		},
		{
			why: "a young container counts from its start", scrapes: []scrapes{{node: "n1", at: 15, uses: []use{{"web/a", 15, 3, 1, 3}}}}, container: "a",
			want: answer{Milli: 250, At: 15, Window: 12 * time.Second},
		},
		{
			why: "a zero is no measurement", scrapes: []scrapes{{node: "n1", at: 0, uses: []use{{"web/a", 0, 0, 0, 0}}}, {node: "n1", at: 10, uses: []use{{"web/a", 10, 0, 0, 0}}}}, container: "a",
			want: answer{Missing: "container a: the kubelet reports no CPU yet"},
		},
		{
			why: "no CPU beside some memory is idleness", container: "a",
			scrapes: []scrapes{{node: "n1", at: 0, uses: []use{{"web/a", 0, 0, 5, 0}}}, {node: "n1", at: 10, uses: []use{{"web/a", 10, 0, 5, 0}}}},
			want:    answer{At: 10, Window: resolution},
		},
		{
			why: "a scrape that failed once changes nothing", scrapes: with(scrapes{node: "n1", at: 20, failure: "timed out"}), container: "a",
			want: answer{Milli: 251, At: 10, Window: resolution},
		},
		{
			why: "a node silent for long", scrapes: with(scrapes{node: "n1", at: 42, failure: "timed out"}),
			want: answer{Missing: "node n1: timed out; its last answer is 32s old"},
		},
		{
			why: "a node that answers again", scrapes: with(scrapes{node: "n1", at: 42, failure: "timed out"}, scrapes{node: "n1", at: 50, uses: []use{{"web/a", 50, 112.5001, 1, 0}}}),
			want: answer{Milli: 250, At: 50, Window: 40 * time.Second},
		},
		{
			why: "another node's failure is not this pod's", scrapes: with(scrapes{node: "n2", at: 42, failure: "timed out"}), container: "a",
			want: answer{Milli: 251, At: 10, Window: resolution},
		},
		{
			why: "a pod of the same name that began on another node later", scrapes: with(
				scrapes{node: "n2", at: 20, uses: []use{{"web/a", 20, 1, 1, 12}}},
				scrapes{node: "n1", at: 20, uses: []use{{"web/a", 11, 102.6, 1, 0}}},
				scrapes{node: "n2", at: 30, uses: []use{{"web/a", 30, 2, 1, 12}}}), container: "a",
			want: answer{Milli: 100, At: 30, Window: resolution},
		},
	} {
		t.Run(c.why, func(t *testing.T) {
			milli, at, window, missing := play(t, c.scrapes).PodUsage("shop", "web", c.container, !c.memory)
			got := answer{Milli: milli, Window: window, Missing: missing}
			if missing == "" {
				got.At = int(at.Sub(epoch()) / time.Second)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestStore_shows_a_pod_only_when_each_container_has_both(t *testing.T) {
	s := play(t, []scrapes{
		{node: "n1", at: 0, uses: []use{{"web/b", 0, 1, 5, 0}}},
		{node: "n1", at: 10, uses: []use{{"web/b", 10, 2, 5, 0}, {"web/a", 10, 2, 5, 9}}},
	})
	p, ok := s.Pod("shop", "web")
	if !ok || p.Served() || len(p.Containers) != 2 || p.Containers[0].Name != "a" || !p.Containers[0].HasMemory || p.Containers[0].HasCPU {
		t.Errorf("half measured: %+v %v", p, ok)
	}
	if err := s.Take("n1", after(20), saying(use{"web/b", 20, 3, 5, 0}, use{"web/a", 20, 2.5, 6, 9})); err != nil {
		t.Fatal(err)
	}
	if p, _ = s.Pod("shop", "web"); !p.Served() || p.Containers[0].NanoCPU != 50_000_000 || p.Containers[0].Memory != 6 {
		t.Errorf("fully measured: %+v", p)
	}
}

func TestStore_tells_which_pods_have_a_newer_sample(t *testing.T) {
	s := resource.NewStore(resolution)
	var told []resource.Scraped
	s.Subscribe(func(d resource.Scraped) { told = append(told, d) })
	take := func(at int, uses ...use) {
		if err := s.Take("n1", after(at), saying(uses...)); err != nil {
			t.Fatal(err)
		}
	}
	take(0, use{"web/a", 0, 1, 1, 0}, use{"web/b", 0, 1, 1, 0}, use{"api/a", 0, 1, 1, 0})
	take(10, use{"web/a", 0, 1, 1, 0}, use{"web/b", 10, 2, 1, 0}, use{"api/a", 0, 1, 1, 0})
	take(20, use{"web/a", 0, 1, 1, 0}, use{"web/b", 10, 2, 1, 0})
	web, api := series.Key{Namespace: "shop", Name: "web"}, series.Key{Namespace: "shop", Name: "api"}
	want := []resource.Scraped{
		{Node: "n1", At: after(0), Pods: []series.Key{web, api}},
		{Node: "n1", At: after(10), Pods: []series.Key{web}},
		{Node: "n1", At: after(20), Pods: []series.Key{}},
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestStore_keeps_what_it_knows_when_an_answer_is_broken(t *testing.T) {
	s := play(t, []scrapes{
		{node: "n1", at: 0, uses: []use{{"web/a", 0, 1, 5, 0}}},
		{node: "n1", at: 10, uses: []use{{"web/a", 10, 2, 5, 0}}},
	})
	broken := io.MultiReader(saying(use{"api/a", 20, 1, 1, 0}), iotest.ErrReader(io.ErrUnexpectedEOF))
	if err := s.Take("n1", after(20), broken); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Take: %v, want the reader's error", err)
	}
	if milli, _, _, missing := s.PodUsage("shop", "web", "", true); milli != 100 || missing != "" {
		t.Errorf("web: %d %s, want 100", milli, missing)
	}
	if _, ok := s.Pod("shop", "api"); ok {
		t.Error("half an answer was taken")
	}
}

func TestStore_reads_without_allocating(t *testing.T) {
	s := play(t, []scrapes{
		{node: "n1", at: 0, uses: []use{{"web/a", 0, 1, 5, 0}, {"web/b", 0, 1, 5, 0}}},
		{node: "n1", at: 10, uses: []use{{"web/a", 10, 2, 5, 0}, {"web/b", 10, 2, 5, 0}}},
	})
	if n := testing.AllocsPerRun(100, func() {
		s.PodUsage("shop", "web", "", true)
		s.PodUsage("shop", "web", "b", false)
		s.Node("n1")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestOptions_name_the_flag_that_is_wrong(t *testing.T) {
	for flag, spoil := range map[string]func(*resource.Options){
		"--metric-resolution":               func(o *resource.Options) { o.MetricResolution = time.Millisecond },
		"--kubelet-request-timeout":         func(o *resource.Options) { o.RequestTimeout = 0 },
		"--kubelet-port":                    func(o *resource.Options) { o.Port = 70000 },
		"--kubelet-preferred-address-types": func(o *resource.Options) { o.PreferredAddressTypes = nil },
		"--kubelet-insecure-tls":            func(o *resource.Options) { o.InsecureTLS, o.CAFile = true, "ca.crt" },
		"--kubelet-client-key":              func(o *resource.Options) { o.ClientCertFile = "tls.crt" },
		"--node-selector":                   func(o *resource.Options) { o.NodeSelector = "==" },
	} {
		o := resource.DefaultOptions()
		if err := o.Validate(); err != nil {
			t.Fatal(err)
		}
		spoil(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s: %v", flag, err)
		}
	}
}
