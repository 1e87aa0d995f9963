package metricsapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/operator/metricsapi"
	"github.com/furl-dev/furl/resource"
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	metricsclient "k8s.io/metrics/pkg/client/clientset/versioned"
)

// inventory is a fixed set of pods and nodes.
type inventory struct{ pods, nodes []metricsapi.Object }

func (i inventory) Pods(namespace string, s labels.Selector) (out []metricsapi.Object) {
	for _, p := range i.pods {
		if (namespace == "" || p.Namespace == namespace) && s.Matches(labels.Set(p.Labels)) {
			out = append(out, p)
		}
	}
	return out
}

func (i inventory) Pod(namespace, name string) (metricsapi.Object, bool) {
	return find(i.pods, namespace, name)
}

func (i inventory) Nodes(s labels.Selector) (out []metricsapi.Object) {
	for _, n := range i.nodes {
		if s.Matches(labels.Set(n.Labels)) {
			out = append(out, n)
		}
	}
	return out
}

func (i inventory) Node(name string) (metricsapi.Object, bool) { return find(i.nodes, "", name) }

func find(in []metricsapi.Object, namespace, name string) (metricsapi.Object, bool) {
	for _, o := range in {
		if o.Namespace == namespace && o.Name == name {
			return o, true
		}
	}
	return metricsapi.Object{}, false
}

// tokens knows two users: alice may do everything, bob nothing.
type tokens struct{}

func (tokens) AuthenticateRequest(r *http.Request) (*authenticator.Response, bool, error) {
	name, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !found || name != "alice" && name != "bob" {
		return nil, false, nil
	}
	return &authenticator.Response{User: &user.DefaultInfo{Name: name}}, true, nil
}

type onlyAlice struct{ authorizer.Authorizer }

func (onlyAlice) Authorize(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
	if a.GetUser().GetName() == "alice" {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "only alice may", nil
}

// access is alice's to the server that the tests share: to make one takes a
// second, for its keys. It has four sampled pods and the decisions of book.
var access *rest.Config

func TestMain(m *testing.M) {
	ctx, cancel := context.WithCancel(context.Background())
	config, ended, err := start(ctx, metricsapi.Metrics(usage(4)), metricsapi.Decisions(book(), func() time.Time { return epoch().Add(90 * time.Second) }))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	access = config
	code := m.Run()
	cancel()
	if err := <-ended; err != nil {
		fmt.Fprintln(os.Stderr, "Run:", err)
		code = 1
	}
	os.Exit(code)
}

// start runs a server on a free loopback port until the context ends.
func start(ctx context.Context, groups ...metricsapi.Group) (alice *rest.Config, ended <-chan error, err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	o := metricsapi.DefaultOptions()
	o.Serving.Listener = listener
	o.Serving.ServerCert.CertDirectory = ""
	s, err := metricsapi.New(metricsapi.Config{Options: o, Groups: groups, Authenticator: tokens{}, Authorizer: onlyAlice{}})
	if err != nil {
		return nil, nil, err
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return &rest.Config{
		Host: "https://" + s.Address().String(), BearerToken: "alice", QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{CAData: s.Certificate()},
	}, done, nil
}

// node is an answer of a kubelet with n pods named web-0 and so on, at the
// given instant; each has used a quarter of a core since.
func node(at time.Time, pods int) string {
	var b strings.Builder
	ms, used := at.UnixMilli(), float64(at.Unix()-epoch().Unix())/4
	for i := range pods {
		l := fmt.Sprintf(`{container="main",namespace="shop",pod="web-%d"}`, i)
		fmt.Fprintf(&b, "container_cpu_usage_seconds_total%s %g %d\n", l, used+1, ms)
		fmt.Fprintf(&b, "container_memory_working_set_bytes%s %d %d\n", l, 64<<20, ms)
		fmt.Fprintf(&b, "container_start_time_seconds%s %d\n", l, epoch().Add(-time.Hour).Unix())
	}
	fmt.Fprintf(&b, "node_cpu_usage_seconds_total %g %d\nnode_memory_working_set_bytes %d %d\n", 2*used+1, ms, 1<<30, ms)
	return b.String()
}

func epoch() time.Time { return time.Unix(1_800_000_000, 0).UTC() }

// sampled is a store that has seen the pods twice, ten seconds apart.
func sampled(pods int) *resource.Store {
	s := resource.NewStore(10 * time.Second)
	for _, at := range []time.Time{epoch(), epoch().Add(10 * time.Second)} {
		if err := s.Take("n1", at, strings.NewReader(node(at, pods))); err != nil {
			panic(err)
		}
	}
	return s
}

func usage(pods int) metricsapi.Usage {
	i := inventory{nodes: []metricsapi.Object{{Name: "n1", Labels: map[string]string{"zone": "a"}}, {Name: "n2"}}}
	for n := range pods {
		i.pods = append(i.pods, metricsapi.Object{
			Namespace: "shop", Name: fmt.Sprintf("web-%d", n), Labels: map[string]string{"run": "web", "odd": fmt.Sprint(n%2 == 1)},
		})
	}
	i.pods = append(i.pods, metricsapi.Object{Namespace: "shop", Name: "new", Labels: map[string]string{"run": "web"}})
	return metricsapi.Usage{Store: sampled(pods), Pods: i, Nodes: i, Clock: epoch}
}

func TestMetrics_answers_the_generated_client_as_metrics_server_does(t *testing.T) {
	client := metricsclient.NewForConfigOrDie(access).MetricsV1beta1()

	pods, err := client.PodMetricses("shop").List(t.Context(), metav1.ListOptions{LabelSelector: "run=web,odd=true"})
	if err != nil {
		t.Fatal(err)
	}
	if len(pods.Items) != 2 || pods.Items[0].Name != "web-1" || pods.Items[1].Name != "web-3" {
		t.Fatalf("odd pods: %v, want web-1 and web-3", pods.Items)
	}
	p := pods.Items[0]
	if cpu := p.Containers[0].Usage.Cpu().String(); cpu != "250m" {
		t.Errorf("cpu %s, want 250m", cpu)
	}
	if memory := p.Containers[0].Usage.Memory().String(); memory != "64Mi" {
		t.Errorf("memory %s, want 64Mi", memory)
	}
	if want := epoch().Add(10 * time.Second); !p.Timestamp.Time.Equal(want) || p.Window.Duration != 10*time.Second {
		t.Errorf("sampled at %s over %s, want %s over 10s", p.Timestamp, p.Window.Duration, want)
	}
	all, err := client.PodMetricses("").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(all.Items) != 4 {
		t.Errorf("all pods: %d, %v; want 4: the pod without samples is absent", len(all.Items), err)
	}
	one, err := client.PodMetricses("").List(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=web-2"})
	if err != nil || len(one.Items) != 1 || one.Items[0].Name != "web-2" {
		t.Errorf("by name: %v, %v; want web-2", one, err)
	}
	n, err := client.NodeMetricses().List(t.Context(), metav1.ListOptions{LabelSelector: "zone=a"})
	if err != nil || len(n.Items) != 1 || n.Items[0].Usage.Cpu().String() != "500m" {
		t.Errorf("nodes: %v, %v; want n1 with 500m", n, err)
	}
}

func TestMetrics_says_why_an_object_has_no_usage(t *testing.T) {
	client := metricsclient.NewForConfigOrDie(access).MetricsV1beta1()
	for _, c := range []struct {
		why, want string
		get       func() error
	}{
		{"listed, never sampled", `podmetrics.metrics.k8s.io "shop/new" not found: no node reports pod shop/new`, func() error {
			_, err := client.PodMetricses("shop").Get(t.Context(), "new", metav1.GetOptions{})
			return err
		}},
		{"no such pod", `pods "shop/ghost" not found`, func() error {
			_, err := client.PodMetricses("shop").Get(t.Context(), "ghost", metav1.GetOptions{})
			return err
		}},
		{"a node that was never scraped", `nodemetrics.metrics.k8s.io "n2" not found: it was not asked yet`, func() error {
			_, err := client.NodeMetricses().Get(t.Context(), "n2", metav1.GetOptions{})
			return err
		}},
	} {
		if err := c.get(); !apierrors.IsNotFound(err) || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.why, err, c.want)
		}
	}
	if _, err := client.PodMetricses("shop").Get(t.Context(), "web-0", metav1.GetOptions{}); err != nil {
		t.Errorf("a sampled pod: %v", err)
	}
}

func TestMetrics_asks_who_may_read(t *testing.T) {
	for token, refused := range map[string]func(error) bool{
		"":      apierrors.IsUnauthorized,
		"eve":   apierrors.IsUnauthorized,
		"bob":   apierrors.IsForbidden,
		"alice": func(err error) bool { return err == nil },
	} {
		c := rest.CopyConfig(access)
		c.BearerToken = token
		_, err := metricsclient.NewForConfigOrDie(c).MetricsV1beta1().PodMetricses("shop").List(t.Context(), metav1.ListOptions{})
		if !refused(err) {
			t.Errorf("token %q: %v", token, err)
		}
	}
}

// get asks the server as alice and returns the answer's body.
func get(t testing.TB, c *rest.Config, path, accept string) []byte {
	t.Helper()
	client, err := rest.HTTPClientFor(c)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.Host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s %v\n%s", path, res.Status, err, body)
	}
	return body
}

const asTable = "application/json;as=Table;v=v1;g=meta.k8s.io"

// grid is a table as text: a row each, the header first.
func grid(t testing.TB, body []byte) (out [][]any) {
	t.Helper()
	var table metav1.Table
	if err := json.Unmarshal(body, &table); err != nil {
		t.Fatal(err)
	}
	header := make([]any, 0, len(table.ColumnDefinitions))
	for _, c := range table.ColumnDefinitions {
		header = append(header, c.Name)
	}
	out = append(out, header)
	for _, r := range table.Rows {
		out = append(out, r.Cells)
	}
	return out
}

func TestMetrics_prints_tables_for_kubectl(t *testing.T) {
	for path, want := range map[string][][]any{
		"/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods": {
			{"Name", "cpu", "memory", "Window"},
			{"web-0", "250m", "64Mi", "10s"},
			{"web-1", "250m", "64Mi", "10s"},
			{"web-2", "250m", "64Mi", "10s"},
			{"web-3", "250m", "64Mi", "10s"},
		},
		"/apis/metrics.k8s.io/v1beta1/nodes/n1": {
			{"Name", "cpu", "memory", "Window"},
			{"n1", "500m", "1Gi", "10s"},
		},
	} {
		if diff := cmp.Diff(want, grid(t, get(t, access, path, asTable))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestServer_describes_itself(t *testing.T) {
	_, resources, err := discovery.NewDiscoveryClientForConfigOrDie(access).ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]string{}
	for _, l := range resources {
		for _, r := range l.APIResources {
			kinds[l.GroupVersion+" "+r.Name] = r.Kind
			if slices.Contains(r.Verbs, "watch") {
				t.Errorf("%s %s is offered to be watched, which it cannot", l.GroupVersion, r.Name)
			}
		}
	}
	want := map[string]string{
		"metrics.k8s.io/v1beta1 pods": "PodMetrics", "metrics.k8s.io/v1beta1 nodes": "NodeMetrics",
		"decisions.furl.dev/v1alpha1 decisions": "Decision", "decisions.furl.dev/v1alpha1 decisions/history": "Decision",
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
	for _, path := range []string{"/openapi/v2", "/openapi/v3/apis/metrics.k8s.io/v1beta1"} {
		if body := get(t, access, path, "application/json"); !strings.Contains(string(body), "io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics") {
			t.Errorf("%s does not describe PodMetrics", path)
		}
	}
}

// A list of the 3,000 pods of one namespace over TLS, with the client in this
// process, as an HPA controller asks for it.
func BenchmarkMetrics_list_3000_pods(b *testing.B) {
	config, ended, err := start(b.Context(), metricsapi.Metrics(usage(3000)))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	for b.Loop() {
		get(b, config, "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods", "application/vnd.kubernetes.protobuf")
	}
}
