package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// bubbleClock is the clock of a synctest bubble.
type bubbleClock struct{}

func (bubbleClock) Now() time.Time { return time.Now() }

func (bubbleClock) Wait(ctx context.Context, until time.Time) error {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// bench is a Watched that runs against a fake API server.
type bench struct {
	*Watched
	client *fake.Clientset
	log    *bytes.Buffer

	mu      sync.Mutex // guards changed
	changed []Ref
}

func secretRef(name string) Ref { return Ref{Kind: KindSecret, NamespacedName: keyed(name)} }

func secret(name, value string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}, Data: map[string][]byte{"key": []byte(value)}}
}

// watched runs a test in a bubble with a Watched that ends with it.
func watched(t *testing.T, test func(t *testing.T, b *bench), objects ...runtime.Object) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{client: fake.NewClientset(objects...), log: &bytes.Buffer{}}
		b.Watched = NewWatched(WatchedConfig{
			Calls: b.client, Watches: b.client, Clock: bubbleClock{}, Log: slog.New(slog.NewTextHandler(b.log, nil)),
			Changed: func(r Ref) {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.changed = append(b.changed, r)
			},
		})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- b.Run(ctx) }()
		test(t, b)
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func (b *bench) reads(t *testing.T, ref Ref, want map[string]string) {
	t.Helper()
	got, found, err := b.Read(t.Context(), ref)
	if err != nil || found != (want != nil) {
		t.Fatalf("%s: found %v, error %v", ref, found, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", ref, diff)
	}
}

func (b *bench) changes() []Ref {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.changed
	b.changed = nil
	return out
}

func TestWatched_tells_when_a_secret_rotates_comes_and_goes(t *testing.T) {
	watched(t, func(t *testing.T, b *bench) {
		a, late := secretRef("a"), secretRef("late")
		b.Use(a)
		b.Use(late)
		b.reads(t, a, map[string]string{"key": "old"})
		b.reads(t, late, nil)
		if got := b.changes(); got != nil {
			t.Errorf("told %v though nothing has changed", got)
		}
		api := b.client.CoreV1().Secrets("ns")
		rotated := secret("a", "new")
		if _, err := api.Update(t.Context(), rotated, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Ref{a}, b.changes()); diff != "" {
			t.Error(diff)
		}
		b.reads(t, a, map[string]string{"key": "new"})
		rotated.Labels = map[string]string{"not": "data"}
		if _, err := api.Update(t.Context(), rotated, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := b.changes(); got != nil {
			t.Errorf("told %v though the data is the same", got)
		}
		if _, err := api.Create(t.Context(), secret("late", "here"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := api.Delete(t.Context(), "a", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := b.changes(); len(got) != 2 {
			t.Errorf("told %v, want both", got)
		}
		b.reads(t, a, nil)
		b.reads(t, late, map[string]string{"key": "here"})
	}, secret("a", "old"))
}

func TestWatched_keeps_only_what_is_used(t *testing.T) {
	watched(t, func(t *testing.T, b *bench) {
		b.Use(secretRef("a"))
		b.Use(secretRef("a"))
		b.reads(t, secretRef("a"), map[string]string{"key": "1"})
		b.Release(secretRef("a"))
		b.reads(t, secretRef("a"), map[string]string{"key": "1"})
		n := b.objects[secretRef("a")]
		b.Release(secretRef("a"))
		b.Release(secretRef("a"))
		b.learn(n, map[string]string{"key": "under way"}, true, nil)
		if _, _, err := b.Read(t.Context(), secretRef("a")); err == nil || b.Len() != 0 {
			t.Errorf("error %v, %d objects", err, b.Len())
		}
		if _, err := b.client.CoreV1().Secrets("ns").Update(t.Context(), secret("a", "2"), metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		if got := b.changes(); got != nil {
			t.Errorf("told %v of what nobody uses", got)
		}
		b.Use(secretRef("a"))
		b.reads(t, secretRef("a"), map[string]string{"key": "2"})
	}, secret("a", "1"), secret("b", "never read"))
}

func TestWatched_reads_config_maps_and_annotations(t *testing.T) {
	watched(t, func(t *testing.T, b *bench) {
		for kind, want := range map[string]map[string]string{
			KindConfigMap: {"k": "v"}, KindServiceAccount: {"eks.amazonaws.com/role-arn": "arn"},
		} {
			ref := Ref{Kind: kind, NamespacedName: keyed("x")}
			b.Use(ref)
			b.reads(t, ref, want)
		}
		strange := Ref{Kind: "Lease", NamespacedName: keyed("x")}
		b.Use(strange)
		if _, _, err := b.Read(t.Context(), strange); err == nil {
			t.Error("read a Lease")
		}
	},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "x"}, Data: map[string]string{"k": "v"}},
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "x", Annotations: map[string]string{
			"eks.amazonaws.com/role-arn": "arn", corev1.LastAppliedConfigAnnotation: "{}",
		}}},
	)
}

func TestWatched_polls_where_watching_is_not_permitted(t *testing.T) {
	watched(t, func(t *testing.T, b *bench) {
		forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "", errors.New("no"))
		b.client.PrependReactor("list", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, forbidden })
		b.client.PrependWatchReactor("secrets", func(clienttesting.Action) (bool, watch.Interface, error) { return true, nil, forbidden })
		b.Use(secretRef("a"))
		b.Use(secretRef("b"))
		b.reads(t, secretRef("a"), map[string]string{"key": "1"})
		b.reads(t, secretRef("b"), map[string]string{"key": "1"})
		if _, err := b.client.CoreV1().Secrets("ns").Update(t.Context(), secret("a", "2"), metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(pollEvery + time.Second) // of the bubble
		if diff := cmp.Diff([]Ref{secretRef("a")}, b.changes()); diff != "" {
			t.Error(diff)
		}
		b.reads(t, secretRef("a"), map[string]string{"key": "2"})
		time.Sleep(2 * pollsPerWatch * pollEvery)
		synctest.Wait()
		if got := strings.Count(b.log.String(), "\n"); got != 1 {
			t.Errorf("%d log lines, want 1:\n%s", got, b.log)
		}
	}, secret("a", "1"), secret("b", "1"))
}

func TestWatched_says_why_it_cannot_read_and_keeps_what_it_knows(t *testing.T) {
	watched(t, func(t *testing.T, b *bench) {
		var mu sync.Mutex // guards answer
		answer := error(apierrors.NewInternalError(errors.New("down")))
		b.client.PrependReactor("list", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
			mu.Lock()
			defer mu.Unlock()
			return answer != nil, nil, answer
		})
		b.Use(secretRef("a"))
		if _, _, err := b.Read(t.Context(), secretRef("a")); err == nil || strings.Contains(err.Error(), "hush") {
			t.Fatalf("error %v", err)
		}
		mu.Lock()
		answer = nil
		mu.Unlock()
		time.Sleep(time.Minute) // the reflector's backoff, of the bubble
		if diff := cmp.Diff([]Ref{secretRef("a")}, b.changes()); diff != "" {
			t.Error(diff)
		}
		b.reads(t, secretRef("a"), map[string]string{"key": "hush"})
		b.learn(b.objects[secretRef("a")], nil, false, errors.New("down again"))
		b.reads(t, secretRef("a"), map[string]string{"key": "hush"})
	}, secret("a", "hush"))
}

// A thousand objects that share fifty secrets are fifty watches.
func TestWatched_shares_a_watch(t *testing.T) {
	objects := make([]runtime.Object, 0, 50)
	for i := range 50 {
		objects = append(objects, secret(fmt.Sprint("s", i), "v"))
	}
	watched(t, func(t *testing.T, b *bench) {
		for i := range 1000 {
			b.Use(secretRef(fmt.Sprint("s", i%50)))
		}
		for i := range 50 {
			b.reads(t, secretRef(fmt.Sprint("s", i)), map[string]string{"key": "v"})
		}
		synctest.Wait()
		watches := 0
		for _, a := range b.client.Actions() {
			if a.GetVerb() == "watch" {
				watches++
			}
		}
		if watches != 50 || b.Len() != 50 {
			t.Errorf("%d watches, %d objects", watches, b.Len())
		}
	}, objects...)
}
