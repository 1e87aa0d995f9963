package kube

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/schedule"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/yaml"
)

// right is one verb on one resource; subresources as roles write them.
type right struct{ group, resource, verb string }

// grants tells whether a right of a role covers one that is asked for.
func (r right) grants(asked right) bool {
	_, sub, _ := strings.Cut(asked.resource, "/")
	return (r.group == "*" || r.group == asked.group) && r.verb == asked.verb &&
		(r.resource == "*" || r.resource == asked.resource || sub != "" && r.resource == "*/"+sub)
}

// gate is an API server that has nothing, refuses every update, and notes what
// right each request needs.
type gate struct {
	mu    sync.Mutex // guards asked
	asked map[right]bool
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	body := []byte(nil)
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	asked, name := rightOf(r)
	if asked.resource != "" {
		g.mu.Lock()
		g.asked[asked] = true
		g.mu.Unlock()
	}
	refuse := func(code int, reason metav1.StatusReason) (*http.Response, error) {
		return reply(r, code, "application/json", fmt.Appendf(nil, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d}`, reason, code)), nil
	}
	switch {
	case r.Method == http.MethodPost && asked.resource == "endpointslices":
		return refuse(http.StatusConflict, metav1.StatusReasonAlreadyExists)
	case r.Method == http.MethodPost:
		return reply(r, http.StatusCreated, r.Header.Get("Content-Type"), body), nil
	case r.Method == http.MethodPut:
		return refuse(http.StatusConflict, metav1.StatusReasonConflict)
	case asked.group == "apiregistration.k8s.io" && r.Method == http.MethodGet:
		return reply(r, http.StatusOK, "application/json", fmt.Appendf(nil,
			`{"kind":"APIService","apiVersion":"apiregistration.k8s.io/v1","metadata":{"name":%q},"spec":{"service":{"name":"furl","namespace":"furl-system"}}}`, name)), nil
	case asked.group == "admissionregistration.k8s.io" && r.Method == http.MethodGet:
		return reply(r, http.StatusOK, "application/json", fmt.Appendf(nil,
			`{"kind":"ValidatingWebhookConfiguration","apiVersion":"admissionregistration.k8s.io/v1","metadata":{"name":%q},"webhooks":[{"name":"x","clientConfig":{"url":"https://x"}}]}`, name)), nil
	case asked.resource == "secrets" && name == "furl-certificates" && r.Method == http.MethodGet:
		return reply(r, http.StatusOK, "application/json", []byte(`{"kind":"Secret","apiVersion":"v1"}`)), nil
	case asked.resource == "endpointslices" && name != "":
		return reply(r, http.StatusOK, "application/json", []byte(`{"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1"}`)), nil
	}
	return refuse(http.StatusNotFound, metav1.StatusReasonNotFound)
}

func reply(r *http.Request, code int, kind string, body []byte) *http.Response {
	return &http.Response{
		StatusCode: code, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(bytes.NewReader(body)), Request: r,
	}
}

// rightOf reads a request as the API server's authorizer does.
func rightOf(r *http.Request) (is right, name string) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if parts[0] == "apis" && len(parts) > 2 {
		is.group, parts = parts[1], parts[3:]
	} else {
		parts = parts[min(2, len(parts)):]
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	if len(parts) == 0 {
		return right{}, "" // discovery, which anybody may ask
	}
	is.resource = parts[0]
	if len(parts) > 1 {
		name = parts[1]
	}
	if len(parts) > 2 {
		is.resource += "/" + parts[2]
	}
	verbs := map[string]string{http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete", http.MethodGet: "list"}
	is.verb = verbs[r.Method]
	switch {
	case r.URL.Query().Get("watch") != "":
		is.verb = "watch"
	case r.Method == http.MethodGet && name != "":
		is.verb = "get"
	}
	return is, name
}

// granted are the rights that deploy/ gives to Furl.
func granted(t *testing.T) []right {
	t.Helper()
	all, err := os.ReadFile("../deploy/20-roles.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var out []right
	for doc := range strings.SplitSeq(string(all), "\n---\n") {
		var role rbacv1.ClusterRole // a Role reads alike
		if err := yaml.UnmarshalStrict([]byte(doc), &role); err != nil {
			t.Fatal(err)
		}
		if role.Name != "furl" {
			continue // what others may do
		}
		for _, rule := range role.Rules {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					for _, verb := range rule.Verbs {
						out = append(out, right{group, resource, verb})
					}
				}
			}
		}
	}
	return out
}

// elsewhere are rights that no adapter of this package asks the API server
// for: kubelets ask for the first, an admission plugin for the second, the others
// are rights on metrics that users name.
func elsewhere(r right) bool {
	return r.resource == "nodes/metrics" || r.resource == "scaledobjects/finalizers" || r.group == "custom.metrics.k8s.io" || r.group == "external.metrics.k8s.io"
}

func TestRights_are_what_the_code_needs_and_no_more(t *testing.T) {
	g := &gate{asked: map[right]bool{}}
	synctest.Test(t, func(t *testing.T) { g.all(t) })
	rules := granted(t)
	for asked := range g.asked {
		if !slices.ContainsFunc(rules, func(r right) bool { return r.grants(asked) }) {
			t.Errorf("deploy/20-roles.yaml does not grant %s of %s in group %q", asked.verb, asked.resource, asked.group)
		}
	}
	for _, r := range rules {
		used := elsewhere(r)
		for asked := range g.asked {
			used = used || r.grants(asked)
		}
		if !used {
			t.Errorf("deploy/20-roles.yaml grants %s of %s in group %q, which nothing asks for", r.verb, r.resource, r.group)
		}
	}
}

// all asks for all that Furl asks an API server for. Errors do not matter.
func (g *gate) all(t *testing.T) {
	config := &rest.Config{Host: "http://cluster", Transport: g}
	clients, err := NewClients(Access{Config: config})
	if err != nil {
		t.Fatal(err)
	}
	keda, err := NewKeda(clients.Config)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := dynamic.NewForConfig(clients.Config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, f := range append(WorkloadFeeds(clients.Watch, nil, NewWorkloads(nil)),
		PodFeed(clients.Watch, nil, NewPods(nil)), FreezeFeed(clients.Watch, nil, NewTable(func(*corev1.ConfigMap) int { return 0 }, nil)),
		NodeFeed(clients.Watch, NewTable(func(*corev1.Node) int { return 0 }, nil)),
		AutoscalerFeed(clients.Watch, nil, NewTable(func(*autoscalingv2.HorizontalPodAutoscaler) int { return 0 }, nil)),
		keda.ScaledObjectFeed(nil, NewTable(func(*v1alpha1.ScaledObject) int { return 0 }, nil)),
		keda.ScaledJobFeed(nil, NewTable(func(*v1alpha1.ScaledJob) int { return 0 }, nil)),
		keda.TriggerAuthenticationFeed(nil, NewTable(func(*v1alpha1.TriggerAuthentication) int { return 0 }, nil)),
		keda.ClusterTriggerAuthenticationFeed(NewTable(func(*v1alpha1.ClusterTriggerAuthentication) int { return 0 }, nil)),
	) {
		running.Go(func() { _ = f.Run(ctx) })
	}
	api, err := APIServiceFeed(clients, ExternalMetrics, new(APIHolder))
	if err != nil {
		t.Fatal(err)
	}
	running.Go(func() { _ = api.Run(ctx) })
	lease := candidate(clients.Core, "one")
	lease.Namespace, lease.Client = "furl-system", clients.Leases
	running.Go(func() {
		_ = lease.Lead(ctx, func(ctx context.Context) error { <-ctx.Done(); return nil })
	})
	g.read(ctx, clients, objects)
	g.write(ctx, clients, keda, objects)
	time.Sleep(5 * time.Second)
	stop()
	running.Wait()
}

func (*gate) read(ctx context.Context, c *Clients, objects dynamic.Interface) {
	key := types.NamespacedName{Namespace: "ns", Name: "x"}
	for _, kind := range []string{KindSecret, KindConfigMap, KindServiceAccount} {
		ref := Ref{Kind: kind, NamespacedName: key}
		one, _ := single(c.Watch, ref, func(error) {})
		source := cache.ToListerWatcherWithContext(one)
		_, _ = source.ListWithContext(ctx, metav1.ListOptions{})
		_, _ = source.WatchWithContext(ctx, metav1.ListOptions{Watch: true})
		_, _, _ = get(ctx, c.Core, ref)
	}
	templates := NewPodSpecs(plurals{}, objects)
	for kind, version := range map[string]string{
		deploymentKind: "apps/v1", statefulSetKind: "apps/v1", replicaSetKind: "apps/v1", controllerKind: "v1",
	} {
		_, _ = templates.Get(ctx, Target{Namespace: key.Namespace, Name: key.Name, APIVersion: version, Kind: kind})
	}
	_, _ = Surroundings{Client: c.Core}.Endpoints(ctx, key.Namespace, key.Name, 80)
	_, _ = Scalables{Client: c.Core}.Limits(ctx, key.Namespace)
	_, _ = Costs{Client: c.Core}.Pods(ctx, key.Namespace, "app=x")
	_, _ = Ground{Client: c.Core, Namespace: "furl-system"}.Try(ctx, &autoscalingv2.HorizontalPodAutoscaler{})
	_, _ = Ground{Client: c.Core}.ServedBy(ctx, "v1beta1.metrics.k8s.io")
	apis, err := NewMetricsAPIs(c.Config, c.Core.Discovery(), c.Mapper)
	if err == nil {
		_, _ = apis.Pods(ctx, key.Namespace, labels.Everything())
	}
}

func (*gate) write(ctx context.Context, c *Clients, k *Keda, objects dynamic.Interface) {
	key := types.NamespacedName{Namespace: "ns", Name: "x"}
	named := metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}
	deployments := schema.GroupResource{Group: appsv1.GroupName, Resource: "deployments"}
	_, _ = c.Scale.Get(ctx, deployments, key.Namespace, key.Name)
	_, _ = c.Scale.Update(ctx, deployments, &autoscalingv1.Scale{ObjectMeta: named})
	hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: named}
	_, _ = (&KedaPresence{Client: c.Core, Clock: time.Now}).Sign(ctx)
	_, _ = AutoscalerStatus{Client: c.Core.AutoscalingV2()}.WriteStatus(ctx, hpa)
	_, _ = Autoscalers{Client: c.Core.AutoscalingV2()}.Create(ctx, hpa)
	_, _ = Autoscalers{Client: c.Core.AutoscalingV2()}.Update(ctx, hpa)
	_ = Autoscalers{Client: c.Core.AutoscalingV2()}.Delete(ctx, hpa)
	_, _ = k.PatchScaledObject(ctx, key, false, []byte(`{}`))
	_, _ = k.PatchScaledObject(ctx, key, true, []byte(`{}`))
	_, _ = k.PatchScaledJob(ctx, key, []byte(`{}`))
	for _, kind := range []string{v1alpha1.KindTriggerAuthentication, v1alpha1.KindClusterTriggerAuthentication} {
		_ = k.PatchAuthentication(ctx, Ref{Kind: kind, NamespacedName: types.NamespacedName{Name: key.Name}}, []byte(`{}`))
	}
	_ = Costs{Client: c.Core}.Set(ctx, &corev1.Pod{ObjectMeta: named}, 1)
	_ = Whereabouts{
		Client: c.Core, Namespace: "furl-system", Service: "furl-leader", Port: "https", Address: netip.MustParseAddrPort("10.0.0.1:443"),
	}.Publish(ctx)
	box := SecretBox{Client: c.Core, NamespacedName: types.NamespacedName{Namespace: "furl-system", Name: "furl-certificates"}}
	_ = box.Store(ctx, nil, "")
	_ = box.Store(ctx, nil, "1")
	_ = Trust{
		Client: objects, Namespace: "furl-system", Services: []string{"furl"}, APIServices: []string{"v1beta1.metrics.k8s.io"}, Webhooks: "furl",
	}.Publish(ctx, []byte("authorities"))
	events := NewEvents(ctx, EventsConfig{Client: c.Events, Clock: schedule.Clock{}})
	for range 2 { // the second is counted up
		events.Event(hpa, corev1.EventTypeNormal, "SuccessfulRescale", "New size: 2")
		time.Sleep(time.Second)
	}
	events.Close()
}

// plurals finds the resources of the kinds that have a template.
type plurals struct{}

func (plurals) RESTMappings(k schema.GroupKind, versions ...string) ([]*meta.RESTMapping, error) {
	return []*meta.RESTMapping{{Resource: resourceOf(k).WithVersion(versions[0])}}, nil
}
