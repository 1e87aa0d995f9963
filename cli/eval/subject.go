package eval

import (
	"cmp"
	"fmt"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// subject is an object that asks for scaling and, if there is one, the
// template of the pods it scales.
type subject struct {
	where           place
	kind            string // HorizontalPodAutoscaler or ScaledObject
	namespace, name string
	// target is the workload.
	targetVersion, targetKind, targetName string
	template                              *template

	compile func(policy.Defaults) (policy.Compiled, error)
	// resume is the history that its status tells.
	resume func(at time.Time) engine.History
	// rhythm is the time between two decisions where an observation says none.
	rhythm time.Duration
	// triggers are other names of its sensors, by the sensor's own.
	triggers map[string][]string
}

// title is namespace/name, or the name alone.
func (s *subject) title() string {
	if s.namespace == "" {
		return s.name
	}
	return s.namespace + "/" + s.name
}

// is says whether an observation's name means this one.
func (s *subject) is(name string) bool { return name == s.title() || name == s.name }

// short is what users call its kind.
func (s *subject) short() string {
	if s.kind == "ScaledObject" {
		return s.kind
	}
	return "HPA"
}

// values is where an observation has the values of its signals.
func (s *subject) values() string {
	if s.kind == "ScaledObject" {
		return "triggers"
	}
	return "metrics"
}

// workload is how KEDA's events name the target.
func (s *subject) workload() string {
	return fmt.Sprintf("%s.%s %s/%s", s.targetVersion, s.targetKind, cmp.Or(s.namespace, "default"), s.targetName)
}

func newSubject(where place, kind string, m metav1.ObjectMeta) *subject {
	return &subject{where: where, kind: kind, namespace: m.Namespace, name: m.Name, rhythm: rhythm}
}

func hpaSubject(where place, h *autoscalingv2.HorizontalPodAutoscaler) *subject {
	s := newSubject(where, "HorizontalPodAutoscaler", h.ObjectMeta)
	s.targetKind, s.targetName = h.Spec.ScaleTargetRef.Kind, h.Spec.ScaleTargetRef.Name
	s.compile = func(d policy.Defaults) (policy.Compiled, error) { return policy.Compile(h, d) }
	s.resume = func(time.Time) engine.History { return engine.History{} }
	return s
}
