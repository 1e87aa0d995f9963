package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/operator/freeze"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	// page and most bound what is read of one kind: the largest pods of a cluster
	// of 10,000 are 100 MiB.
	page = 500
	most = 10_000
	// within bounds the whole visit.
	within = time.Minute
)

// Visit is how a cluster is looked at.
type Visit struct {
	Config *rest.Config
	Scope  Scope
	// System is Furl's namespace; empty: as the cluster says.
	System string
	Clock  func() time.Time
}

// ErrAbsent means that the object that was asked about is not there.
var ErrAbsent = errors.New("it is not there")

// Gather reads what the rules need, once, with the user's rights. What cannot be
// read is noted; it fails only where nothing can be, or where the object that
// was asked about is not there.
func Gather(ctx context.Context, v Visit) (*Snapshot, error) {
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	c := rest.CopyConfig(v.Config)
	watch := &clocks{here: v.Clock}
	c.Wrap(func(next http.RoundTripper) http.RoundTripper { return watch.around(next) })
	c.QPS, c.Burst = -1, -1
	client, err := kubernetes.NewForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", c.Host, err)
	}
	g := &gatherer{client: client.Discovery().RESTClient(), s: &Snapshot{Scope: v.Scope, System: v.System, blind: map[string]bool{}}}
	if _, err := client.Discovery().ServerVersion(); err != nil {
		return nil, fmt.Errorf("the API server at %s: %w", c.Host, err)
	}
	g.s.At, g.s.Server = watch.read()
	g.all(ctx)
	return g.s, g.s.present()
}

// clocks notes what time it is here and at the API server, of its first answer.
type clocks struct {
	here func() time.Time

	mu         sync.Mutex // guards what follows
	at, server time.Time
}

type trip func(*http.Request) (*http.Response, error)

func (t trip) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func (c *clocks) around(next http.RoundTripper) http.RoundTripper {
	return trip(func(r *http.Request) (*http.Response, error) {
		began := c.here()
		answer, err := next.RoundTrip(r)
		if err == nil {
			c.note(began, answer.Header.Get("Date"))
		}
		return answer, err
	})
}

func (c *clocks) note(began time.Time, date string) {
	at, err := http.ParseTime(date)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && c.server.IsZero() {
		c.server, c.at = at, began.Add(c.here().Sub(began)/2)
	}
}

func (c *clocks) read() (here, server time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server.IsZero() {
		return c.here(), time.Time{}
	}
	return c.at, c.server
}

// gatherer fills a snapshot, one kind after the other.
type gatherer struct {
	client rest.Interface
	s      *Snapshot
}

// all reads the kinds. A namespace's are read alone where one was asked about:
// whoever may see that and no more is told as much.
func (g *gatherer) all(ctx context.Context) {
	s := g.s
	s.APIs = read[APIService](ctx, g, "apiservices", "/apis/apiregistration.k8s.io/v1/apiservices")
	if a := s.api("decisions.furl.dev"); a != nil && a.Spec.Service != nil && s.System == "" {
		s.System = a.Spec.Service.Namespace
	}
	in := func(api, resource string) string {
		if s.Scope.Namespace == "" {
			return api + "/" + resource
		}
		return api + "/namespaces/" + s.Scope.Namespace + "/" + resource
	}
	const core, apps, keda = "/api/v1", "/apis/apps/v1", "/apis/keda.sh/v1alpha1"
	fill(ctx, g, &s.HPAs, "horizontalpodautoscalers", in("/apis/autoscaling/v2", "horizontalpodautoscalers"))
	fill(ctx, g, &s.ScaledObjects, "scaledobjects", in(keda, "scaledobjects"))
	fill(ctx, g, &s.ScaledJobs, "scaledjobs", in(keda, "scaledjobs"))
	fill(ctx, g, &s.Authentications, "triggerauthentications", in(keda, "triggerauthentications"))
	fill(ctx, g, &s.ClusterAuths, "clustertriggerauthentications", keda+"/clustertriggerauthentications")
	fill(ctx, g, &s.Deployments, "deployments", in(apps, "deployments"))
	fill(ctx, g, &s.StatefulSets, "statefulsets", in(apps, "statefulsets"))
	fill(ctx, g, &s.Pods, "pods", in(core, "pods"))
	fill(ctx, g, &s.Events, "events", in(core, "events"))
	fill(ctx, g, &s.Accounts, "serviceaccounts", in(core, "serviceaccounts"))
	fill(ctx, g, &s.Nodes, "nodes", core+"/nodes")
	fill(ctx, g, &s.NodePools, "nodepools", "/apis/karpenter.sh/v1/nodepools")
	fill(ctx, g, &s.NodeClaims, "nodeclaims", "/apis/karpenter.sh/v1/nodeclaims")
	if s.api("decisions.furl.dev") != nil || !s.sees("apiservices") {
		fill(ctx, g, &s.Decisions, "decisions", in("/apis/decisions.furl.dev/v1alpha1", "decisions"))
	}
	s.Leases = read[coordinationv1.Lease](ctx, g, "leases of nodes", "/apis/coordination.k8s.io/v1/namespaces/"+corev1.NamespaceNodeLease+"/leases")
	g.own(ctx)
}

// own reads what stands in Furl's namespace: its lease, its account, and orders
// to freeze, which stand in others too.
func (g *gatherer) own(ctx context.Context) {
	s := g.s
	orders := func(where string) []corev1.ConfigMap {
		return read[corev1.ConfigMap](ctx, g, "orders to freeze "+where, "/api/v1"+where+"/configmaps?fieldSelector=metadata.name%3D"+api.FreezeName)
	}
	where := "" // all namespaces
	if s.Scope.Namespace != "" {
		where = "/namespaces/" + s.Scope.Namespace
	}
	all := orders(where)
	if where != "" && s.System != "" && s.System != s.Scope.Namespace {
		all = append(all, orders("/namespaces/"+s.System)...)
	}
	for i := range all {
		s.Freezes = append(s.Freezes, freeze.Of(&all[i], s.System))
	}
	if s.System == "" {
		return
	}
	s.Leases = append(s.Leases, read[coordinationv1.Lease](ctx, g, "leases of furl", "/apis/coordination.k8s.io/v1/namespaces/"+s.System+"/leases")...)
	if s.Scope.Namespace != "" && s.Scope.Namespace != s.System {
		s.Accounts = append(s.Accounts, read[corev1.ServiceAccount](ctx, g, "serviceaccounts of furl", "/api/v1/namespaces/"+s.System+"/serviceaccounts")...)
	}
}

// fill reads a kind and counts it.
func fill[T any](ctx context.Context, g *gatherer, into *[]T, kind, path string) {
	*into = read[T](ctx, g, kind, path)
	if g.s.sees(kind) && (len(*into) > 0 || counted(kind)) {
		g.s.counts = append(g.s.counts, Count{kind, len(*into)})
	}
}

// counted are the kinds that are told of even where there are none.
func counted(kind string) bool {
	return kind == "horizontalpodautoscalers" || kind == "scaledobjects" || kind == "pods" || kind == "nodes" || kind == "decisions"
}

// read lists a kind, page by page. A kind that the cluster does not know has no objects.
func read[T any](ctx context.Context, g *gatherer, kind, path string) []T {
	var out []T
	for next := ""; ; {
		raw, err := g.client.Get().RequestURI(withPage(path, next)).Do(ctx).Raw()
		var list struct {
			Metadata struct{ Continue string }
			Items    []T
		}
		if err == nil {
			err = json.Unmarshal(raw, &list)
		}
		switch {
		case apierrors.IsNotFound(err):
			return out
		case err != nil:
			g.blind(kind, err)
			return out
		}
		out = append(out, list.Items...)
		next = list.Metadata.Continue
		if next == "" {
			return out
		}
		if len(out) >= most {
			g.s.Unread = append(g.s.Unread, fmt.Sprintf("all %s: there are more than %d; ask about one namespace with -n", kind, most))
			return out
		}
	}
}

func (g *gatherer) blind(kind string, err error) {
	g.s.blind[kind] = true
	why := err.Error()
	if apierrors.IsForbidden(err) {
		why = "you may not list them here"
	}
	g.s.Unread = append(g.s.Unread, kind+": "+oneLine(why))
}

func withPage(path, next string) string {
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	path += sep + "limit=" + strconv.Itoa(page)
	if next != "" {
		path += "&continue=" + url.QueryEscape(next)
	}
	return path
}

// present fails where the object that was asked about is not there.
func (s *Snapshot) present() error {
	if s.Scope.Name == "" {
		return nil
	}
	asked := Ref{s.Scope.Kind, s.Scope.Namespace, s.Scope.Name}
	for _, w := range s.workloads() {
		if w.ref == asked {
			return nil
		}
	}
	for _, a := range s.autoscalers() {
		if a.ref == asked {
			return nil
		}
	}
	for i := range s.ScaledJobs {
		if j := &s.ScaledJobs[i]; asked == (Ref{kindScaledJob, j.Namespace, j.Name}) {
			return nil
		}
	}
	if len(s.Unread) > 0 && !s.sees("horizontalpodautoscalers", "scaledobjects", "deployments", "statefulsets") {
		return nil
	}
	return fmt.Errorf("%s: %w", s.Scope, ErrAbsent)
}
