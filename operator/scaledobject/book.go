package scaledobject

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/operator/hush"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// book holds the status of one object: as it should be, as it is stored, and
// what was said about it.
type book struct {
	seen   *v1alpha1.ScaledObject // newest state that the watch told
	stored *v1alpha1.ScaledObject // newest state known, maybe by our own write
	want   v1alpha1.ScaledObjectStatus

	silent bool      // the status is somebody else's
	wrote  time.Time // when the status was last written
	due    time.Time // when a status held back must be written, zero for none
	said   hush.Log
}

// see takes a state that the watch told, unless our own write is newer.
func (b *book) see(o *v1alpha1.ScaledObject) {
	b.seen = o
	switch {
	case b.stored == nil || b.stored.UID != o.UID:
		b.want = *o.Status.DeepCopy()
		b.stored = o
		for _, c := range v1alpha1.NewConditions() {
			if b.want.Conditions.Get(c.Type).Type == "" {
				b.want.Conditions.Set(c.Type, c.Status, c.Reason, c.Message)
			}
		}
	case newer(o.ResourceVersion, b.stored.ResourceVersion):
		b.stored = o
	}
}

// uid is that of the object the book is about, empty before there is one.
func (b *book) uid() types.UID {
	if b.stored == nil {
		return ""
	}
	return b.stored.UID
}

// newer tells whether version a comes after b; versions that cannot be compared count as new.
func newer(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err != nil || order > 0
}

// A status is written at once where it says something new, and at a walking
// pace where only a number moves. KEDA writes at every poll of an active object.
const countPace = time.Minute

// pace is how long the difference between the stored and the wanted status may
// wait, and whether anybody could see it at all. When a workload was last
// active is no news while it is: the flip of the condition takes it along.
func (b *book) pace() (wait time.Duration, differs bool) {
	is, want := b.stored.Status, b.want
	is.LastActiveTime, want.LastActiveTime = nil, nil
	if apiequality.Semantic.DeepEqual(&is, &want) {
		return 0, false
	}
	if sameHealth(is.Health, want.Health) {
		is.Health, want.Health = nil, nil
	}
	if apiequality.Semantic.DeepEqual(&is, &want) {
		return countPace, true
	}
	return 0, true
}

// sameHealth tells whether two maps differ in numbers of failures only.
func sameHealth(a, b map[string]v1alpha1.HealthStatus) bool {
	if len(a) != len(b) {
		return false
	}
	for name, h := range a {
		if b[name].Status != h.Status {
			return false
		}
	}
	return true
}

// write stores the status if it is time to.
func (a *Scaler) write(ctx context.Context, at time.Time) error {
	b := &a.book
	b.due = time.Time{}
	wait, differs := b.pace()
	if b.silent || !differs {
		return nil
	}
	if due := b.wrote.Add(wait); wait > 0 && due.After(at) {
		b.due = due
		return nil
	}
	body, err := statusPatch(b.stored, &b.want)
	if err != nil {
		return err
	}
	stored, err := a.ports.Objects.PatchScaledObject(ctx, a.key, true, body)
	a.settings.Meter.Wrote(shortKind, err)
	if err != nil {
		return fmt.Errorf("status of ScaledObject %s: %w", a.key, err)
	}
	b.wrote = at
	if stored != nil {
		b.stored = Cut(stored).Object
	}
	return nil
}

// statusPatch is what a JSON merge patch has to say to turn the status of an
// object into the one wanted. It is of this object and of no later one of its name.
func statusPatch(o *v1alpha1.ScaledObject, want *v1alpha1.ScaledObjectStatus) ([]byte, error) {
	is, err := fields(&o.Status)
	if err != nil {
		return nil, err
	}
	wanted, err := fields(want)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": o.UID},
		"status":   mergePatch(is, wanted),
	})
}

func fields(v any) (map[string]any, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out map[string]any
	return out, json.Unmarshal(raw, &out)
}

// mergePatch is the JSON merge patch (RFC 7386) from one object to another.
func mergePatch(from, to map[string]any) map[string]any {
	patch := make(map[string]any)
	for name, is := range to {
		was, there := from[name]
		inner, isObject := is.(map[string]any)
		before, wasObject := was.(map[string]any)
		switch {
		case there && reflect.DeepEqual(was, is):
		case isObject && wasObject:
			patch[name] = mergePatch(before, inner)
		default:
			patch[name] = is
		}
	}
	for name := range from {
		if _, stays := to[name]; !stays {
			patch[name] = nil
		}
	}
	return patch
}
