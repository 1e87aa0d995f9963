// Package install puts Furl into a cluster, brings it up to date and takes it
// away again, in any order and from any state, and leaves nothing stuck.
package install

import (
	"context"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// FieldManager owns what an installation applies.
const FieldManager = "furl-install"

const (
	// callTimeout bounds every request.
	callTimeout = 30 * time.Second
	// pageSize bounds one answer to a list.
	pageSize = 500
	// qps and burst let an installation of fifty objects go at once.
	qps, burst = 50, 100
)

// Clock is real time, which package schedule owns.
type Clock interface {
	Now() time.Time
	Wait(ctx context.Context, until time.Time) error
}

// Cluster is where Furl is installed.
type Cluster struct {
	objects dynamic.Interface
	mapper  meta.ResettableRESTMapper
	clock   Clock
	manager string
	say     func(line string)
}

// Connect returns the cluster of c, which it does not modify. What is applied
// belongs to manager. Say is told what happened, one line an act.
func Connect(c *rest.Config, manager string, clock Clock, say func(line string)) (*Cluster, error) {
	c = rest.CopyConfig(c)
	c.Timeout, c.QPS, c.Burst, c.UserAgent = callTimeout, qps, burst, manager
	objects, err := dynamic.NewForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", c.Host, err)
	}
	found, err := discovery.NewDiscoveryClientForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("discovery client of %s: %w", c.Host, err)
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(found))
	return &Cluster{objects: objects, mapper: mapper, clock: clock, manager: manager, say: say}, nil
}

func (c *Cluster) tell(format string, args ...any) { c.say(fmt.Sprintf(format, args...)) }

// resource is where objects of the kind of o live.
func (c *Cluster) resource(o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kind := o.GroupVersionKind()
	m, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) { // of a definition just applied, perhaps
		c.mapper.Reset()
		m, err = c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	}
	if err != nil {
		return nil, fmt.Errorf("find the resource of kind %s: %w", kind.Kind, err)
	}
	if m.Scope.Name() == meta.RESTScopeNameNamespace {
		return c.objects.Resource(m.Resource).Namespace(o.GetNamespace()), nil
	}
	return c.objects.Resource(m.Resource), nil
}

// get returns the object of the same name as it is in the cluster, nil where there is none.
func (c *Cluster) get(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	r, err := c.resource(o)
	if err != nil {
		return nil, err
	}
	live, err := r.Get(ctx, o.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", title(o), err)
	}
	return live, nil
}

// query says which objects of a resource are meant; its zero value, all.
type query struct{ namespace, labels string }

// each calls visit with every object of a resource, in pages. A resource that
// the cluster does not have has no objects.
func (c *Cluster) each(ctx context.Context, r schema.GroupVersionResource, q query, visit func(*unstructured.Unstructured) error) error {
	o := metav1.ListOptions{LabelSelector: q.labels, Limit: pageSize}
	for {
		list, err := c.objects.Resource(r).Namespace(q.namespace).List(ctx, o)
		switch {
		case apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return fmt.Errorf("list %s: %w", r.GroupResource(), err)
		}
		for i := range list.Items {
			if err := visit(&list.Items[i]); err != nil {
				return err
			}
		}
		if o.Continue = list.GetContinue(); o.Continue == "" {
			return nil
		}
	}
}

// title names an object as kubectl does, such as deployment.apps/furl.
func title(o *unstructured.Unstructured) string {
	kind := strings.ToLower(o.GetKind())
	if g := o.GroupVersionKind().Group; g != "" {
		kind += "." + g
	}
	if n := o.GetNamespace(); n != "" {
		return kind + "/" + o.GetName() + " -n " + n
	}
	return kind + "/" + o.GetName()
}

// pause is how long a wait waits between two looks.
const pause = time.Second

// until looks again and again until there is nothing left to wait for, or the
// time is over. A look says what it waits for, and nothing when it is content;
// each new answer is told.
func (c *Cluster) until(ctx context.Context, within time.Duration, look func(context.Context) (waitsFor string, err error)) error {
	end := c.clock.Now().Add(within)
	for told := ""; ; {
		waits, err := look(ctx)
		switch {
		case err == nil && waits == "":
			return nil
		case err != nil && ctx.Err() != nil:
			return err
		case err != nil: // an API server that is busy may answer the next time
			waits = err.Error()
		}
		if waits != told {
			c.tell("waiting: %s", waits)
			told = waits
		}
		if !c.clock.Now().Before(end) {
			return fmt.Errorf("not within %s: %s", within, waits)
		}
		if err := c.clock.Wait(ctx, c.clock.Now().Add(pause)); err != nil {
			return err
		}
	}
}
