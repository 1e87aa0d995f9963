package metricsapi

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/furl-dev/furl/api/decisions/v1alpha1"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/record"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/server"
)

// Decisions is decisions.furl.dev/v1alpha1: the latest record of each workload
// and, below it, its history.
func Decisions(book *record.Book, clock func() time.Time) Group {
	return Group{
		Name:        v1alpha1.GroupName,
		AddToScheme: v1alpha1.AddToScheme,
		Build: func(s *runtime.Scheme, codecs serializer.CodecFactory) server.APIGroupInfo {
			info := server.NewDefaultAPIGroupInfo(v1alpha1.GroupName, s, runtime.NewParameterCodec(s), codecs)
			latest := decisions{book: book, clock: clock}
			info.VersionedResourcesStorageMap[v1alpha1.GroupVersion().Version] = map[string]rest.Storage{
				"decisions":         &latest,
				"decisions/history": &history{latest: &latest},
			}
			return info
		},
	}
}

// decisions serves the latest record of each workload.
type decisions struct {
	book  *record.Book
	clock func() time.Time
}

var (
	_ rest.Lister               = &decisions{}
	_ rest.Getter               = &decisions{}
	_ rest.Scoper               = &decisions{}
	_ rest.SingularNameProvider = &decisions{}
	_ rest.GetterWithOptions    = &history{}
	_ rest.TableConvertor       = &history{}
)

func (*decisions) New() runtime.Object     { return &v1alpha1.Decision{} }
func (*decisions) NewList() runtime.Object { return &v1alpha1.DecisionList{} }
func (*decisions) Destroy()                {}
func (*decisions) NamespaceScoped() bool   { return true }
func (*decisions) GetSingularName() string { return "decision" }

// List returns the workloads of the namespace in the order of their names. A
// decision has no labels: a selector that wants one matches none.
func (d *decisions) List(ctx context.Context, o *internalversion.ListOptions) (runtime.Object, error) {
	list := &v1alpha1.DecisionList{Items: []v1alpha1.Decision{}}
	if !labelsOf(o).Matches(labels.Set{}) {
		return list, nil
	}
	records := d.book.LatestOf(request.NamespaceValue(ctx))
	objects := make([]Object, len(records))
	byName := make(map[string]record.Record, len(records))
	for i, r := range records {
		objects[i] = Object{Namespace: r.Namespace, Name: objectName(r.Workload)}
		byName[objects[i].Namespace+"/"+objects[i].Name] = r
	}
	for _, x := range selected(objects, o) {
		list.Items = append(list.Items, decision(byName[x.Namespace+"/"+x.Name]))
	}
	return list, nil
}

// Get returns a workload's latest record.
func (d *decisions) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	r, err := d.find(ctx, name)
	if err != nil {
		return nil, err
	}
	out := decision(r)
	return &out, nil
}

func (d *decisions) find(ctx context.Context, name string) (record.Record, error) {
	kind, object, _ := strings.Cut(name, ".")
	r, ok := d.book.Latest(record.Workload{Namespace: request.NamespaceValue(ctx), Kind: kind, Name: object})
	if !ok {
		return r, apierrors.NewNotFound(schema.GroupResource{Group: v1alpha1.GroupName, Resource: "decisions"}, name)
	}
	return r, nil
}

// history serves decisions/NAME/history.
type history struct{ latest *decisions }

func (*history) New() runtime.Object { return &v1alpha1.Decision{} }
func (*history) Destroy()            {}

// Get returns the workload's records, the newest first.
func (h *history) Get(ctx context.Context, name string, options runtime.Object) (runtime.Object, error) {
	o, ok := options.(*v1alpha1.HistoryOptions)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("%T is no query of a history", options))
	}
	q := record.Query{Limit: int(o.Limit)}
	if o.Since != "" {
		var err error
		if q.Since, err = time.Parse(time.RFC3339Nano, o.Since); err != nil {
			return nil, apierrors.NewBadRequest(fmt.Sprintf("since=%s: give an instant such as 2026-01-02T15:04:05Z", url.QueryEscape(o.Since)))
		}
	}
	latest, err := h.latest.find(ctx, name)
	if err != nil {
		return nil, err
	}
	out := decision(latest)
	out.History = []v1alpha1.Record{}
	for _, r := range h.latest.book.History(latest.Workload, q) {
		one := recordOf(r)
		if o.Evidence {
			var b bytes.Buffer
			if err := record.Export(&b, r); err != nil {
				return nil, apierrors.NewInternalError(err)
			}
			one.Evidence = &runtime.RawExtension{Raw: bytes.TrimSpace(b.Bytes())}
		}
		out.History = append(out.History, one)
	}
	return &out, nil
}

func (*history) NewGetOptions() (options runtime.Object, withPath bool, path string) {
	return &v1alpha1.HistoryOptions{}, false, ""
}

// ConvertToTable prints one line a record.
func (h *history) ConvertToTable(ctx context.Context, object, options runtime.Object) (*metav1.Table, error) {
	return h.latest.ConvertToTable(ctx, object, options)
}

// ConvertToTable prints one line a workload, or one a record where a history
// was asked for.
func (d *decisions) ConvertToTable(_ context.Context, object, _ runtime.Object) (*metav1.Table, error) {
	t := &metav1.Table{ColumnDefinitions: []metav1.TableColumnDefinition{
		{Name: "Object", Type: "string", Format: "name", Description: "What asked for scaling"},
		{Name: "From", Type: "integer", Description: "Replicas before"},
		{Name: "To", Type: "integer", Description: "Replicas decided on"},
		{Name: "Rule", Type: "string", Description: "The rule that had the last word"},
		{Name: "Why", Type: "string", Description: "The sentence of that rule"},
		{Name: "Age", Type: "string", Description: "How long ago it was decided"},
	}}
	switch o := object.(type) {
	case *v1alpha1.Decision:
		if o.History == nil {
			d.row(t, o, &o.Latest)
		}
		for i := range o.History {
			d.row(t, o, &o.History[i])
		}
	case *v1alpha1.DecisionList:
		t.ListMeta = o.ListMeta
		for i := range o.Items {
			d.row(t, &o.Items[i], &o.Items[i].Latest)
		}
	default:
		return nil, notPrintable(object)
	}
	return t, nil
}

func (d *decisions) row(t *metav1.Table, o *v1alpha1.Decision, r *v1alpha1.Record) {
	var from, to any = int64(r.From), int64(r.To)
	if r.Outcome == string(loop.Unseen) {
		from, to = nil, nil // nobody knows the size
	}
	t.Rows = append(t.Rows, metav1.TableRow{
		Cells: []any{
			o.Object, from, to, cmp.Or(r.Rule, r.Outcome), cmp.Or(r.Why, r.Error),
			duration.HumanDuration(d.clock().Sub(r.At.Time)),
		},
		Object: runtime.RawExtension{Object: o},
	})
}

// objectName is the name of a workload's decision: hpa.php-apache.
func objectName(w record.Workload) string { return w.Kind + "." + w.Name }
