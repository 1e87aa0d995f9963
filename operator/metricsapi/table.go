package metricsapi

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/furl-dev/furl/resource"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/metrics/pkg/apis/metrics"
)

// swap is the name metrics-server gives to what the kubelet says of swap.
const swap corev1.ResourceName = "swap"

// table is what kubectl prints: the name, a column for each resource of the
// first row, and the window, as metrics-server has them.
type table struct {
	metav1.Table
	columns []corev1.ResourceName
}

func (t *table) add(name string, usage corev1.ResourceList, window time.Duration, object runtime.Object) {
	if t.columns == nil {
		t.columns = slices.Sorted(maps.Keys(usage))
	}
	row := make([]any, 0, len(t.columns)+2)
	row = append(row, name)
	for _, c := range t.columns {
		q := usage[c]
		row = append(row, q.String())
	}
	row = append(row, window.String())
	t.Rows = append(t.Rows, metav1.TableRow{Cells: row, Object: runtime.RawExtension{Object: object}})
}

func (t *table) finish() *metav1.Table {
	t.ColumnDefinitions = []metav1.TableColumnDefinition{
		{Name: "Name", Type: "string", Format: "name", Description: "Name of the resource"},
	}
	for _, c := range t.columns {
		t.ColumnDefinitions = append(t.ColumnDefinitions, metav1.TableColumnDefinition{Name: string(c), Type: "string", Format: "quantity"})
	}
	t.ColumnDefinitions = append(t.ColumnDefinitions, metav1.TableColumnDefinition{Name: "Window", Type: "string", Format: "duration"})
	return &t.Table
}

// quantities is the API's form of a sample, in metrics-server's units.
func quantities(s resource.Sample) corev1.ResourceList {
	list := corev1.ResourceList{
		corev1.ResourceCPU:    scaled(s.NanoCPU, -9, quantity.DecimalSI),
		corev1.ResourceMemory: scaled(s.Memory, 0, quantity.BinarySI),
	}
	if s.HasSwap {
		list[swap] = scaled(s.Swap, 0, quantity.BinarySI)
	}
	return list
}

func scaled(n int64, scale quantity.Scale, format quantity.Format) quantity.Quantity {
	q := *quantity.NewScaledQuantity(n, scale)
	q.Format = format
	return q
}

func labelsOf(o *internalversion.ListOptions) labels.Selector {
	if o == nil || o.LabelSelector == nil {
		return labels.Everything()
	}
	return o.LabelSelector
}

// selected keeps the objects that the field selector matches: metadata.name
// and metadata.namespace are the fields there are.
func selected(objects []Object, o *internalversion.ListOptions) []Object {
	if o == nil || o.FieldSelector == nil || o.FieldSelector.Empty() {
		return objects
	}
	return slices.DeleteFunc(objects, func(x Object) bool {
		return !o.FieldSelector.Matches(fields.Set{"metadata.name": x.Name, "metadata.namespace": x.Namespace})
	})
}

// absent is metrics-server's answer for an object without samples, and the reason.
func absent(resource, name, why string) error {
	err := apierrors.NewNotFound(metrics.Resource(resource), name)
	err.ErrStatus.Message += ": " + why
	return err
}

func notPrintable(o runtime.Object) error {
	return fmt.Errorf("print %T as a table: it is no object of this resource", o)
}
