package machine

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// newBooks keeps books in client-go's object store, which is taught what it does not know of finalizers.
func newBooks() Books {
	c := fake.NewClientset()
	maps := corev1.SchemeGroupVersion.WithResource("configmaps")
	get := func(name string) *corev1.ConfigMap {
		o, err := c.Tracker().Get(maps, namespace, name)
		record, ok := o.(*corev1.ConfigMap)
		if err != nil || !ok {
			return nil
		}
		return record.DeepCopy()
	}
	c.PrependReactor("delete", "configmaps", func(a clienttesting.Action) (bool, runtime.Object, error) {
		deletion, ok := a.(clienttesting.DeleteAction)
		if !ok {
			return false, nil, nil
		}
		record := get(deletion.GetName())
		if record == nil || len(record.Finalizers) == 0 {
			return false, nil, nil
		}
		now := metav1.Now()
		record.DeletionTimestamp = &now
		return true, record, c.Tracker().Update(maps, record, namespace)
	})
	c.PrependReactor("update", "configmaps", func(a clienttesting.Action) (bool, runtime.Object, error) {
		update, ok := a.(clienttesting.UpdateAction)
		if !ok {
			return false, nil, nil
		}
		record, ok := update.GetObject().(*corev1.ConfigMap)
		if !ok || record.DeletionTimestamp == nil || len(record.Finalizers) > 0 {
			return false, nil, nil
		}
		return true, record, c.Tracker().Delete(maps, namespace, record.Name)
	})
	return Books{Client: c}
}

func newMachine() Machine {
	return Machine{
		Name: "m", Labels: map[string]string{"a": "b"},
		Taints:   []corev1.Taint{{Key: "k", Value: "v", Effect: corev1.TaintEffectNoSchedule}},
		Capacity: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4")},
		Reserved: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("80m")},
	}
}

func TestBooks(t *testing.T) {
	t.Run("return_a_machine_as_it_was_rented", func(t *testing.T) {
		b := newBooks()
		if err := b.Rent(t.Context(), newMachine()); err != nil {
			t.Fatal(err)
		}
		got, err := b.Find(t.Context(), "m")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(newMachine(), got); diff != "" {
			t.Error(diff)
		}
		all, err := b.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Machine{newMachine()}, all); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("rent_a_machine_once", func(t *testing.T) {
		b := newBooks()
		other := newMachine()
		other.Labels = map[string]string{"a": "c"}
		if err := errors.Join(b.Rent(t.Context(), newMachine()), b.Rent(t.Context(), other)); err != nil {
			t.Fatal(err)
		}
		if got, err := b.Find(t.Context(), "m"); err != nil || got.Labels["a"] != "b" {
			t.Errorf("found %v, %v; want the first", got, err)
		}
	})
	t.Run("keep_a_machine_that_was_given_back_until_it_runs_no_more", func(t *testing.T) {
		b := newBooks()
		if err := errors.Join(b.Rent(t.Context(), newMachine()), b.GiveBack(t.Context(), "m")); err != nil {
			t.Fatal(err)
		}
		if got, err := b.Find(t.Context(), "m"); err != nil || !got.Ending {
			t.Errorf("found %v, %v; want one that is ending", got, err)
		}
		if err := b.closeRecord(t.Context(), "m"); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Find(t.Context(), "m"); !errors.Is(err, ErrNone) {
			t.Errorf("found one, %v", err)
		}
	})
	t.Run("say_that_there_is_none", func(t *testing.T) {
		b := newBooks()
		if err := b.GiveBack(t.Context(), "m"); !errors.Is(err, ErrNone) {
			t.Errorf("giving back what nobody rented: %v", err)
		}
		if err := b.closeRecord(t.Context(), "m"); err != nil {
			t.Errorf("closing a record that is gone: %v", err)
		}
	})
}

func TestProviderID(t *testing.T) {
	name, err := NameOf(newMachine().ProviderID())
	if name != "m" || err != nil {
		t.Errorf("the name is %q, %v", name, err)
	}
	for _, other := range []string{"aws:///us-east-1a/i-1", "furl://", ""} {
		if _, err := NameOf(other); err == nil {
			t.Errorf("%q was taken for a machine of the lab", other)
		}
	}
}

const soon = 10 * time.Second

// yard runs a Yard whose machines tell when they start and end.
type yard struct {
	*testing.T
	books        Books
	starts, ends chan string
	breaks       chan error // a machine that receives one returns it
	stop         context.CancelFunc
	stopped      chan error
}

func newYard(t *testing.T, b Books) *yard {
	t.Helper()
	y := &yard{T: t, books: b, starts: make(chan string, 9), ends: make(chan string, 9), breaks: make(chan error), stopped: make(chan error, 1)}
	yard := &Yard{Books: b, Log: slog.New(slog.DiscardHandler), Run: func(ctx context.Context, m Machine) error {
		y.starts <- m.Name
		defer func() { y.ends <- m.Name }()
		select {
		case <-ctx.Done():
			return nil
		case err := <-y.breaks:
			return err
		}
	}}
	var ctx context.Context
	ctx, y.stop = context.WithCancel(t.Context())
	go func() { y.stopped <- yard.Keep(ctx) }()
	t.Cleanup(y.stop)
	return y
}

func (y *yard) tells(from chan string) {
	y.Helper()
	select {
	case got := <-from:
		if got != newMachine().Name {
			y.Fatalf("heard of machine %q", got)
		}
	case <-time.After(soon):
		y.Fatal("heard nothing of the machine")
	}
}

func (y *yard) ended() {
	y.Helper()
	y.stop()
	select {
	case err := <-y.stopped:
		if err != nil {
			y.Error(err)
		}
	case <-time.After(soon):
		y.Fatal("the yard did not end")
	}
}

// gone waits until the record of the machine is closed.
func (y *yard) gone() {
	y.Helper()
	for end := time.Now().Add(soon); ; <-time.After(time.Millisecond) {
		_, err := y.books.Find(y.Context(), newMachine().Name)
		if errors.Is(err, ErrNone) {
			return
		}
		if time.Now().After(end) {
			y.Fatalf("the record is still there: %v", err)
		}
	}
}

func TestYard(t *testing.T) {
	t.Run("runs_a_machine_until_it_is_given_back", func(t *testing.T) {
		b := newBooks()
		if err := b.Rent(t.Context(), newMachine()); err != nil {
			t.Fatal(err)
		}
		y := newYard(t, b)
		y.tells(y.starts)
		if err := b.GiveBack(t.Context(), "m"); err != nil {
			t.Fatal(err)
		}
		y.tells(y.ends)
		y.gone()
		y.ended()
	})
	t.Run("starts_a_machine_again_that_broke_down", func(t *testing.T) {
		b := newBooks()
		if err := b.Rent(t.Context(), newMachine()); err != nil {
			t.Fatal(err)
		}
		y := newYard(t, b)
		y.tells(y.starts)
		y.breaks <- errors.New("smoke")
		y.tells(y.ends)
		y.tells(y.starts)
		y.ended()
	})
	t.Run("ends_machines_with_itself_and_keeps_their_records", func(t *testing.T) {
		b := newBooks()
		if err := b.Rent(t.Context(), newMachine()); err != nil {
			t.Fatal(err)
		}
		y := newYard(t, b)
		y.tells(y.starts)
		y.ended()
		y.tells(y.ends)
		if m, err := b.Find(t.Context(), "m"); err != nil || m.Ending {
			t.Errorf("found %v, %v", m, err)
		}
	})
	t.Run("closes_the_record_of_one_that_was_given_back_meanwhile", func(t *testing.T) {
		b := newBooks()
		if err := errors.Join(b.Rent(t.Context(), newMachine()), b.GiveBack(t.Context(), "m")); err != nil {
			t.Fatal(err)
		}
		y := newYard(t, b)
		y.gone()
		y.ended()
		if len(y.starts) > 0 {
			t.Error("it was started once more")
		}
	})
	t.Run("ends_a_machine_whose_record_was_taken_away_by_force", func(t *testing.T) {
		b := newBooks()
		if err := b.Rent(t.Context(), newMachine()); err != nil {
			t.Fatal(err)
		}
		y := newYard(t, b)
		y.tells(y.starts)
		if err := errors.Join(b.GiveBack(t.Context(), "m"), b.closeRecord(t.Context(), "m")); err != nil {
			t.Fatal(err)
		}
		y.tells(y.ends)
		y.ended()
	})
}
