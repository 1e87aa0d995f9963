package kedatypes_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/randfill"
)

// rounds is how many random objects of a kind go there and back.
const rounds = 200

func TestObjects_lose_nothing_either_way(t *testing.T) {
	fill := randfill.NewWithSeed(1).NilChance(0.3).NumElements(1, 2).MaxDepth(30).Funcs(
		func(m *metav1.TypeMeta, c randfill.Continue) { m.Kind, m.APIVersion = c.String(8), c.String(8) },
		func(at *metav1.Time, c randfill.Continue) { *at = metav1.Unix(c.Int63n(1<<33), 0).Rfc3339Copy() },
		func(at *metav1.MicroTime, c randfill.Continue) { at.Time = metav1.Unix(c.Int63n(1<<33), 0).Time },
		func(q *resource.Quantity, c randfill.Continue) {
			*q = *resource.NewMilliQuantity(c.Int63n(1<<40), resource.DecimalSI)
		},
		func(v *intstr.IntOrString, c randfill.Continue) { *v = intstr.FromInt32(c.Int31()) },
		func(f *metav1.FieldsV1, _ randfill.Continue) { f.SetRawBytes([]byte(`{}`)) },
		func(r *runtime.RawExtension, _ randfill.Continue) { r.Raw = []byte(`{}`) },
	)
	for _, p := range pairs {
		t.Run(p.name, func(t *testing.T) {
			for range rounds {
				from := p.keda()
				fill.Fill(from)
				travels(t, from, p.ours())
				from = p.ours()
				fill.Fill(from)
				travels(t, from, p.keda())
			}
		})
	}
}

// travels writes one object, reads it as the other with no field unknown, and
// expects that to write the same.
func travels(t *testing.T, from, through any) {
	t.Helper()
	sent, err := json.Marshal(from)
	if err != nil {
		t.Fatal(err)
	}
	strict, err := kjson.UnmarshalStrict(sent, through)
	if err != nil || len(strict) > 0 {
		t.Fatalf("%T read as %T: %v %v\n%s", from, through, err, strict, sent)
	}
	got, err := json.Marshal(through)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(sent) {
		t.Fatalf("%T written by %T:\n%s", from, through, cmp.Diff(string(sent), string(got)))
	}
}
