package scaledjob

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// written are the bodies of patches.
type written []string

func (w *written) PatchScaledJob(_ context.Context, _ types.NamespacedName, body []byte) (*v1alpha1.ScaledJob, error) {
	*w = append(*w, string(body))
	return nil, nil
}

func TestController_tells_each_job_once_and_leaves_those_of_others(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := new(written)
		k := NewController(w)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- k.Lead(ctx) }()
		served := &v1alpha1.ScaledJob{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "served", UID: "b"}}
		served.Status.Conditions = v1alpha1.NewConditions()
		k.Sink().Put(served)
		k.Sink().Put(&v1alpha1.ScaledJob{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "new", UID: "a"}})
		time.Sleep(time.Second)
		synctest.Wait()
		if len(*w) != 1 || !strings.Contains((*w)[0], notYet) || !strings.Contains((*w)[0], `"uid":"a"`) {
			t.Errorf("written: %v", *w)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
