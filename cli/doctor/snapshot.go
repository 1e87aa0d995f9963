package doctor

import (
	"slices"
	"strings"
	"time"

	"github.com/furl-dev/furl/api"
	decisions "github.com/furl-dev/furl/api/decisions/v1alpha1"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/operator/freeze"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Snapshot is what a cluster said of itself at one instant.
type Snapshot struct {
	// At is this machine's clock in the middle of the answer that Server is of.
	At time.Time
	// Server is the API server's clock, in whole seconds; zero: not said.
	Server time.Time
	Scope  Scope
	// System is Furl's namespace, empty where it is not known.
	System string

	HPAs            []autoscalingv2.HorizontalPodAutoscaler
	ScaledObjects   []v1alpha1.ScaledObject
	ScaledJobs      []v1alpha1.ScaledJob
	Authentications []v1alpha1.TriggerAuthentication
	ClusterAuths    []v1alpha1.ClusterTriggerAuthentication
	Accounts        []corev1.ServiceAccount
	Deployments     []appsv1.Deployment
	StatefulSets    []appsv1.StatefulSet
	Pods            []corev1.Pod
	Events          []corev1.Event
	Nodes           []corev1.Node
	NodePools       []NodePool
	NodeClaims      []NodeClaim
	APIs            []APIService
	Leases          []coordinationv1.Lease
	Freezes         []freeze.Freeze
	Decisions       []decisions.Decision

	// Unread is what could not be read, and why.
	Unread []string
	counts []Count
	blind  map[string]bool // kinds that could not be read
}

// Scope is what was asked about: an object, a namespace or everything.
type Scope struct{ Namespace, Kind, Name string }

// String names the scope.
func (s Scope) String() string {
	switch {
	case s.Name != "":
		return s.Kind + "/" + s.Name + " in namespace " + s.Namespace
	case s.Namespace != "":
		return "namespace " + s.Namespace
	default:
		return "the whole cluster"
	}
}

// Ref names an object. Kind is short: hpa, so, deploy, sts, pod.
type Ref struct{ Kind, Namespace, Name string }

func (r Ref) object() string { return r.Kind + "/" + r.Name }

// APIService is an entry of the aggregator.
type APIService struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Group   string       `json:"group"`
		Service *serviceName `json:"service"`
	} `json:"spec"`
	Status struct {
		Conditions []metav1.Condition `json:"conditions"`
	} `json:"status"`
}

type serviceName struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// available is whether somebody answers, and what the aggregator says of it.
func (a *APIService) available() (bool, string) {
	for _, c := range a.Status.Conditions {
		if c.Type == "Available" {
			return c.Status == metav1.ConditionTrue, c.Message
		}
	}
	return false, "no condition Available yet"
}

// looked counts what was read.
func (s *Snapshot) looked() []Count { return slices.Clone(s.counts) }

// sees tells that a kind could be read: nothing is concluded from what was not.
func (s *Snapshot) sees(kinds ...string) bool {
	return !slices.ContainsFunc(kinds, func(k string) bool { return s.blind[k] })
}

// autoscaler is what a rule needs to know of an object that scales.
type autoscaler struct {
	ref, target Ref
	observes    bool
	hpa         *autoscalingv2.HorizontalPodAutoscaler
	so          *v1alpha1.ScaledObject
}

// autoscalers are all HPAs and ScaledObjects, but the HPAs that KEDA or Furl
// made for a ScaledObject.
func (s *Snapshot) autoscalers() []autoscaler {
	var out []autoscaler
	for i := range s.HPAs {
		h := &s.HPAs[i]
		if slices.ContainsFunc(h.OwnerReferences, func(o metav1.OwnerReference) bool { return o.Kind == v1alpha1.KindScaledObject }) {
			continue
		}
		t := h.Spec.ScaleTargetRef
		out = append(out, autoscaler{
			ref: Ref{kindHPA, h.Namespace, h.Name}, target: Ref{shortKind(t.Kind), h.Namespace, t.Name}, observes: observes(h.Annotations), hpa: h,
		})
	}
	for i := range s.ScaledObjects {
		o := &s.ScaledObjects[i]
		kind, name := "Deployment", ""
		if t := o.Spec.ScaleTargetRef; t != nil {
			name = t.Name
			if t.Kind != "" {
				kind = t.Kind
			}
		}
		out = append(out, autoscaler{
			ref: Ref{kindScaledObject, o.Namespace, o.Name}, target: Ref{shortKind(kind), o.Namespace, name}, observes: observes(o.Annotations), so: o,
		})
	}
	return out
}

// Short kinds, as users type them.
const (
	kindHPA          = "hpa"
	kindScaledObject = "so"
	kindDeployment   = "deploy"
	kindStatefulSet  = "sts"
	kindPod          = "pod"
)

func shortKind(kind string) string {
	switch kind {
	case "Deployment":
		return kindDeployment
	case "StatefulSet":
		return kindStatefulSet
	default:
		return strings.ToLower(kind)
	}
}

// workload is what a rule needs to know of what is scaled.
type workload struct {
	ref      Ref
	selector labels.Selector
	template *corev1.PodTemplateSpec
	replicas int32
}

// workloads are the Deployments and StatefulSets.
func (s *Snapshot) workloads() []workload {
	var out []workload
	add := func(kind string, m *metav1.ObjectMeta, sel *metav1.LabelSelector, t *corev1.PodTemplateSpec, n *int32) {
		selector, err := metav1.LabelSelectorAsSelector(sel)
		if err != nil {
			return // the API server takes none such
		}
		w := workload{ref: Ref{kind, m.Namespace, m.Name}, selector: selector, template: t, replicas: 1}
		if n != nil {
			w.replicas = *n
		}
		out = append(out, w)
	}
	for i := range s.Deployments {
		d := &s.Deployments[i]
		add(kindDeployment, &d.ObjectMeta, d.Spec.Selector, &d.Spec.Template, d.Spec.Replicas)
	}
	for i := range s.StatefulSets {
		d := &s.StatefulSets[i]
		add(kindStatefulSet, &d.ObjectMeta, d.Spec.Selector, &d.Spec.Template, d.Spec.Replicas)
	}
	return out
}

// workload finds what is scaled; nil where its kind is not read or it is not there.
func (s *Snapshot) workload(r Ref) *workload {
	for _, w := range s.workloads() {
		if w.ref == r {
			return &w
		}
	}
	return nil
}

// podsOf are the pods that a workload selects.
func (s *Snapshot) podsOf(w *workload) []*corev1.Pod {
	var out []*corev1.Pod
	for i := range s.Pods {
		if p := &s.Pods[i]; p.Namespace == w.ref.Namespace && w.selector.Matches(labels.Set(p.Labels)) {
			out = append(out, p)
		}
	}
	return out
}

// scaledBy are the autoscalers of a workload.
func (s *Snapshot) scaledBy(target Ref) []autoscaler {
	return slices.DeleteFunc(s.autoscalers(), func(a autoscaler) bool { return a.target != target })
}

// touched is what belongs to the object that was asked about: itself, what it
// scales, and who else scales that.
func (s *Snapshot) touched() []Ref {
	asked := Ref{s.Scope.Kind, s.Scope.Namespace, s.Scope.Name}
	target := asked
	for _, a := range s.autoscalers() {
		if a.ref == asked {
			target = a.target
		}
	}
	return append([]Ref{asked}, s.around(target)...)
}

// around are a workload and all that scale it: what a finding about it touches.
func (s *Snapshot) around(target Ref) []Ref {
	scaling := s.scaledBy(target)
	out := make([]Ref, 0, 1+len(scaling))
	out = append(out, target)
	for _, a := range scaling {
		out = append(out, a.ref)
	}
	return out
}

// eventsOf are what was said of an object of late, the latest first, each once.
func (s *Snapshot) eventsOf(kind, namespace, name string, reasons ...string) []string {
	var found []*corev1.Event
	for i := range s.Events {
		e := &s.Events[i]
		if o := e.InvolvedObject; o.Kind == kind && o.Namespace == namespace && o.Name == name && slices.Contains(reasons, e.Reason) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b *corev1.Event) int { return said(b).Compare(said(a)) })
	var out []string
	for _, e := range found {
		text := "event " + e.Reason + ": " + oneLine(e.Message)
		if !slices.Contains(out, text) && len(out) < mostEvents {
			out = append(out, text)
		}
	}
	return out
}

// mostEvents about one object are told.
const mostEvents = 3

func said(e *corev1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	default:
		return e.CreationTimestamp.Time
	}
}

// longest is how much of a message is told.
const longest = 400

func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "..."
	}
	return text
}

// observes tells that an object is only watched.
func observes(annotations map[string]string) bool {
	return annotations[api.AnnotationMode] == api.ModeObserve
}
