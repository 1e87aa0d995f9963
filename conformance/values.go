package conformance

import (
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/furl-dev/furl/engine"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// start is the instant 0 of the records.
func start() time.Time { return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC) }

// instant is a time of a record: seconds from the start, "zero", RFC 3339 or nothing.
type instant struct {
	time.Time
	absent bool
}

func (i *instant) UnmarshalJSON(b []byte) error {
	var word string
	switch {
	case string(b) == "null":
		i.absent = true
		return nil
	case json.Unmarshal(b, &word) != nil:
		d, err := seconds(json.Number(b))
		i.Time = start().Add(d)
		return err
	case word == "zero":
		i.Time = time.Time{}
		return nil
	default:
		t, err := time.Parse(time.RFC3339, word)
		i.Time = t
		return err
	}
}

// seconds is exact to the nanosecond.
func seconds(n json.Number) (time.Duration, error) {
	if n == "" {
		return 0, nil
	}
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return 0, fmt.Errorf("%q is not a number of seconds", n)
	}
	ns := new(big.Rat).Mul(r, new(big.Rat).SetInt64(int64(time.Second)))
	whole := new(big.Int).Quo(ns.Num(), ns.Denom())
	if !whole.IsInt64() {
		return 0, fmt.Errorf("%q seconds are too many", n)
	}
	return time.Duration(whole.Int64()), nil
}

// podRecord is a pod of a record.
type podRecord struct {
	Name      string            `json:"name"`
	Namespace string            `json:"namespace"`
	Labels    map[string]string `json:"labels"`
	Phase     corev1.PodPhase   `json:"phase"`
	Deleting  bool              `json:"deletion_timestamp_set"`
	Start     *instant          `json:"start_time"`
	Ready     *struct {
		Status     corev1.ConditionStatus `json:"status"`
		Transition instant                `json:"last_transition_time"`
	} `json:"ready_condition"`
	Containers     []containerRecord   `json:"containers"`
	InitContainers []containerRecord   `json:"init_containers"`
	Requests       corev1.ResourceList `json:"pod_level_requests"`
	Limits         corev1.ResourceList `json:"pod_level_limits"`
}

type containerRecord struct {
	Name          string                         `json:"name"`
	Requests      corev1.ResourceList            `json:"requests"`
	RestartPolicy *corev1.ContainerRestartPolicy `json:"restart_policy"`
}

func (p podRecord) requestsItself() bool { return len(p.Requests) > 0 }

func (p podRecord) pod() *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace, Labels: p.Labels},
		Spec: corev1.PodSpec{
			Containers:     containers(p.Containers),
			InitContainers: containers(p.InitContainers),
		},
		Status: corev1.PodStatus{Phase: p.Phase},
	}
	if p.Deleting {
		pod.DeletionTimestamp = new(metav1.NewTime(start()))
	}
	if len(p.Requests)+len(p.Limits) > 0 {
		pod.Spec.Resources = &corev1.ResourceRequirements{Requests: p.Requests, Limits: p.Limits}
	}
	if p.Start != nil && !p.Start.absent {
		pod.Status.StartTime = new(metav1.NewTime(p.Start.Time))
	}
	if r := p.Ready; r != nil {
		pod.Status.Conditions = []corev1.PodCondition{{
			Type: corev1.PodReady, Status: r.Status, LastTransitionTime: metav1.NewTime(r.Transition.Time),
		}}
	}
	return pod
}

func containers(cs []containerRecord) []corev1.Container {
	out := make([]corev1.Container, 0, len(cs))
	for _, c := range cs {
		out = append(out, corev1.Container{
			Name: c.Name, RestartPolicy: c.RestartPolicy,
			Resources: corev1.ResourceRequirements{Requests: c.Requests},
		})
	}
	return out
}

// want and resize are entries of upstream's histories.
type want struct {
	Recommendation int32   `json:"recommendation"`
	Time           instant `json:"time"`
}

type resize struct {
	Change int32   `json:"replica_change"`
	Time   instant `json:"time"`
}

// past makes the engine's history of upstream's three lists.
func past(wants []want, ups, downs []resize) engine.History {
	ws := make([]engine.Want, 0, len(wants))
	for _, w := range wants {
		ws = append(ws, engine.Want{At: w.Time.Time, Replicas: w.Recommendation})
	}
	rs := make([]engine.Resize, 0, len(ups)+len(downs))
	for _, u := range ups {
		rs = append(rs, engine.Resize{At: u.Time.Time, Change: u.Change})
	}
	for _, d := range downs {
		rs = append(rs, engine.Resize{At: d.Time.Time, Change: -d.Change})
	}
	return engine.Past(ws, rs)
}

func milli(n int64) *resource.Quantity { return resource.NewMilliQuantity(n, resource.DecimalSI) }
