package keda

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/pool"
	"github.com/furl-dev/furl/record"
	"github.com/furl-dev/furl/trigger"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// book takes the decisions of a stage. It implements [scaledobject.Records].
type book struct{ s *stage }

func (b book) Keep(_ record.Workload, r loop.Record) { b.s.record = &r }
func (book) Forget(record.Workload)                  {}

// inputs gives the stage's triggers their settings. It implements [scaledobject.Inputs].
type inputs struct{ s *stage }

func (in inputs) Input(_ context.Context, o *v1alpha1.ScaledObject, i int) (trigger.Input, error) {
	t := &in.s.triggers[i]
	return trigger.Input{
		Index: i, Name: o.Spec.Triggers[i].Name, Namespace: o.Namespace, Object: o.Name,
		MetricType: string(o.Spec.Triggers[i].MetricType), Composed: o.UsesModifiers(),
		Metadata: map[string]string{
			"place": strconv.Itoa(i), "metric": t.metric, "goal": strconv.FormatFloat(t.target, 'f', -1, 64),
		},
	}, nil
}

func (inputs) Forget(types.NamespacedName) {}

// leasing notes which sources the operator asks for. It implements [scaledobject.Sources].
type leasing struct {
	s *stage
	*pool.Pool
}

func (l leasing) Use(owner string, c trigger.Config, every time.Duration, notify func()) *pool.Lease {
	lease := l.Pool.Use(owner, c, every, notify)
	if set, ok := c.Value().(settings); ok {
		l.s.triggers[set.Place].lease = lease
	}
	return lease
}

// PatchScaledObject implements [scaledobject.Objects] as the API server does.
func (s *stage) PatchScaledObject(_ context.Context, _ types.NamespacedName, _ bool, body []byte) (*v1alpha1.ScaledObject, error) {
	is, err := json.Marshal(v1alpha1.ScaledObject{ObjectMeta: s.object.ObjectMeta, Spec: s.object.Spec, Status: *s.after()})
	if err != nil {
		return nil, err
	}
	merged, err := jsonpatch.MergePatch(is, body)
	if err != nil {
		return nil, err
	}
	stored := new(v1alpha1.ScaledObject)
	if err := json.Unmarshal(merged, stored); err != nil {
		return nil, err
	}
	s.status = &stored.Status
	s.patches++
	return stored.DeepCopy(), nil
}

// podLabel is on all pods of the workload.
const podLabel = "workload"

// pods are those of the workload that are ready.
func (s *stage) pods() *kube.Pods {
	all := kube.NewPods(nil)
	for i := range s.ready {
		all.Put(&corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: s.object.Namespace, Name: "pod-" + strconv.Itoa(int(i)), Labels: map[string]string{podLabel: podLabel},
			},
			Status: corev1.PodStatus{
				Phase: corev1.PodRunning, StartTime: new(metav1.NewTime(s.at.Add(-time.Hour))),
				Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
			},
		})
	}
	return all
}
