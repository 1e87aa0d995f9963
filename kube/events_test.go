package kube_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/schedule"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
)

// board is where events end: an API server that takes a while for each.
type board struct {
	typedcore.EventInterface
	takes time.Duration

	mu    sync.Mutex // guards what follows
	told  map[string][]string
	made  map[string]*corev1.Event
	fails func(n int) error // n counts requests from 1
	asked int
}

func newBoard(takes time.Duration) *board {
	return &board{takes: takes, told: map[string][]string{}, made: map[string]*corev1.Event{}, fails: func(int) error { return nil }}
}

// Events implements typedcore.EventsGetter.
func (b *board) Events(string) typedcore.EventInterface { return b }

func (b *board) take(verb string, e *corev1.Event) (*corev1.Event, error) {
	time.Sleep(b.takes)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	if err := b.fails(b.asked); err != nil {
		return nil, err
	}
	b.made[e.Name] = e
	of := e.InvolvedObject.Kind + " " + e.InvolvedObject.Name
	b.told[of] = append(b.told[of], verb+" "+e.Source.Component+": "+e.Message)
	return e, nil
}

// Create implements typedcore.EventInterface.
func (b *board) Create(_ context.Context, e *corev1.Event, _ metav1.CreateOptions) (*corev1.Event, error) {
	return b.take("create", e)
}

// Patch implements typedcore.EventInterface.
func (b *board) Patch(_ context.Context, name string, _ types.PatchType, _ []byte, _ metav1.PatchOptions, _ ...string) (*corev1.Event, error) {
	b.mu.Lock()
	e := b.made[name]
	b.mu.Unlock()
	if e == nil {
		return nil, apierrors.NewNotFound(corev1.Resource("events"), name)
	}
	return b.take("patch", e)
}

func (b *board) count() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, of := range b.told {
		n += len(of)
	}
	return n
}

func scaled(name string) *v1alpha1.ScaledObject {
	return &v1alpha1.ScaledObject{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID(name)}}
}

// onBoard runs a test in a bubble with events that end on a board.
func onBoard(t *testing.T, b *board, test func(t *testing.T, e *kube.Events, lost func() string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := prometheus.NewPedanticRegistry()
		e := kube.NewEvents(t.Context(), kube.EventsConfig{Client: b, Clock: schedule.Clock{}, Metrics: r})
		test(t, e, func() string {
			families, err := r.Gather()
			if err != nil {
				t.Error(err)
			}
			var out []string
			for _, m := range families[0].GetMetric() {
				if n := m.GetCounter().GetValue(); n > 0 {
					out = append(out, fmt.Sprintf("%s %g", m.GetLabel()[0].GetValue(), n))
				}
			}
			return strings.Join(out, ", ")
		})
		e.Close()
		if problems, err := testutil.GatherAndLint(r); err != nil || len(problems) > 0 {
			t.Errorf("metrics: %v, %v", problems, err)
		}
	})
}

func TestEvents_are_told_in_order_for_each_object_and_beside_each_other(t *testing.T) {
	b := newBoard(100 * time.Millisecond)
	onBoard(t, b, func(t *testing.T, e *kube.Events, lost func() string) {
		const objects = 400
		for i := range objects {
			o := scaled(fmt.Sprint("web-", i))
			kube.ScaledObjectEvents{Events: e}.Event(o, corev1.EventTypeNormal, "First", "first")
			kube.ScaledObjectEvents{Events: e}.Own(o, corev1.EventTypeWarning, "Second", "second")
		}
		h := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "h"}}
		e.Event(h, corev1.EventTypeNormal, "SuccessfulRescale", "New size: 2")
		time.Sleep(20 * time.Second) // one after the other: 80 s
		synctest.Wait()
		if n := b.count(); n != 2*objects+1 {
			t.Errorf("%d events of %d after 20 s, lost: %s", n, 2*objects+1, lost())
		}
		want := []string{"create keda-operator: first", "create furl: second"}
		if diff := cmp.Diff(want, b.told["ScaledObject web-7"]); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"create horizontal-pod-autoscaler: New size: 2"}, b.told["HorizontalPodAutoscaler h"]); diff != "" {
			t.Error(diff)
		}
	})
}

func TestEvents_count_up_what_is_said_again(t *testing.T) {
	b := newBoard(0)
	onBoard(t, b, func(t *testing.T, e *kube.Events, _ func() string) {
		tell := func() {
			kube.ScaledObjectEvents{Events: e}.Event(scaled("web"), corev1.EventTypeWarning, "KEDAScalerFailed", "no answer")
			time.Sleep(time.Second)
			synctest.Wait()
		}
		tell()
		tell()
		clear(b.made) // the API server keeps events for an hour
		tell()
		want := []string{"create keda-operator: no answer", "patch keda-operator: no answer", "create keda-operator: no answer"}
		if diff := cmp.Diff(want, b.told["ScaledObject web"]); diff != "" {
			t.Error(diff)
		}
	})
}

func TestEvents_block_nobody_and_count_what_they_lose(t *testing.T) {
	for _, c := range []struct {
		why    string
		takes  time.Duration
		fails  func(n int) error
		events int
		lost   string
	}{
		{"an API server that comes back", 0, func(n int) error {
			if n < 3 {
				return errors.New("connection refused")
			}
			return nil
		}, 1, ""},
		{"one that stays away", 0, func(int) error { return errors.New("connection refused") }, 1, "unreachable 1"},
		{"one that will not have it", 0, func(int) error { return apierrors.NewForbidden(corev1.Resource("events"), "", nil) }, 2, "refused 2"},
		{"one that hangs", time.Hour, nil, 20_000, "queue_full 7992"},
	} {
		b := newBoard(c.takes)
		if c.fails != nil {
			b.fails = c.fails
		}
		onBoard(t, b, func(t *testing.T, e *kube.Events, lost func() string) {
			begun := time.Now()
			for i := range c.events {
				kube.ScaledObjectEvents{Events: e}.Own(scaled(fmt.Sprint("web-", i)), corev1.EventTypeNormal, "Reason", "message")
			}
			if took := time.Since(begun); took > 0 {
				t.Errorf("%s: telling took %s", c.why, took)
			}
			time.Sleep(30 * time.Second)
			synctest.Wait()
			if got := lost(); got != c.lost {
				t.Errorf("%s: lost %q, want %q", c.why, got, c.lost)
			}
		})
	}
}

func TestEvents_end_soon_though_nobody_answers(t *testing.T) {
	b := newBoard(0)
	b.fails = func(int) error { return errors.New("connection refused") }
	onBoard(t, b, func(t *testing.T, e *kube.Events, lost func() string) {
		for i := range 100 {
			kube.ScaledObjectEvents{Events: e}.Own(scaled(fmt.Sprint("web-", i)), corev1.EventTypeNormal, "Reason", "message")
		}
		begun := time.Now()
		e.Close()
		if took := time.Since(begun); took > 6*time.Second {
			t.Errorf("closing took %s", took)
		}
		e.Close()
		kube.ScaledObjectEvents{Events: e}.Own(scaled("late"), corev1.EventTypeNormal, "Reason", "message")
		if got := lost(); !strings.Contains(got, "ended") {
			t.Errorf("lost %q, want some that the end lost", got)
		}
	})
}
