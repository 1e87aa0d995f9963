package keda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/operator/actuation"
	"github.com/furl-dev/furl/trigger"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// actuation is who has the sizes from the minimum up.
func (s *stage) actuation() string {
	if s.byHPA {
		return api.ActuationHPA
	}
	return api.ActuationDirect
}

// autoscalers are the stage's one HPA, if it has one. They implement [scaledobject.Autoscalers].
type autoscalers struct{ s *stage }

func (a autoscalers) Get(key types.NamespacedName) (h *autoscalingv2.HorizontalPodAutoscaler, ours bool) {
	if a.s.hpa == nil || a.s.hpa.Name != key.Name {
		return nil, false
	}
	return a.s.hpa, true
}

func (a autoscalers) Create(_ context.Context, h *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	a.s.hpa = h.DeepCopy()
	return h, nil
}

func (a autoscalers) Update(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	return a.Create(ctx, h)
}

func (a autoscalers) Delete(context.Context, *autoscalingv2.HorizontalPodAutoscaler) error {
	a.s.hpa = nil
	return nil
}

// readHPA is the HPA that KEDA read, or why it could not.
type readHPA struct {
	Name       string                                           `json:"name"`
	Error      *string                                          `json:"error"`
	Conditions []autoscalingv2.HorizontalPodAutoscalerCondition `json:"conditions"`
	Status     autoscalingv2.HorizontalPodAutoscalerStatus      `json:"status"`
}

// put makes it the stage's. The record's object is abridged: that its HPA has
// the name of the status is said in its spec.
func (h *readHPA) put(s *stage) {
	if h == nil || h.Error != nil || s.object.Status.HpaName == "" {
		return
	}
	name := s.object.Status.HpaName
	if s.object.Spec.Advanced == nil {
		s.object.Spec.Advanced = &v1alpha1.AdvancedConfig{}
	}
	s.object.Spec.Advanced.HorizontalPodAutoscalerConfig = &v1alpha1.HorizontalPodAutoscalerConfig{Name: name}
	s.hpa = &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.object.Namespace, Name: name,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(s.object, v1alpha1.GroupVersion().WithKind(v1alpha1.KindScaledObject))},
		},
		Status: h.Status,
	}
	s.hpa.Status.Conditions = append(s.hpa.Status.Conditions, h.Conditions...)
}

// replayHealth asks for the condition HPAActive of an HPA.
func replayHealth(ctx context.Context, r Record, o Options) ([]string, error) {
	type input struct {
		Name string    `json:"status_hpa_name"`
		Read []readHPA `json:"hpa_read"`
	}
	type expected struct {
		Status  metav1.ConditionStatus `json:"status"`
		Reason  string                 `json:"reason"`
		Message string                 `json:"message"`
	}
	in, exp, err := into[input, expected](r, "status", "reason", "message")
	if err != nil {
		return nil, err
	}
	s := &stage{at: now(), size: 1, off: o.Without, byHPA: true}
	if s.object, err = scaledObject(json.RawMessage(fmt.Sprintf(`{"status":{"hpaName":%q}}`, in.Name)), s.at); err != nil {
		return nil, err
	}
	for i := range in.Read {
		in.Read[i].put(s)
	}
	s.bystanders(some{active: true})
	s.declare()
	if err := s.turn(ctx); err != nil {
		return nil, err
	}
	got := s.after().Conditions.Get(v1alpha1.ConditionHPAActive)
	return same.Differences("HPAActive", exp, expected{got.Status, got.Reason, got.Message}), nil
}

// replayBuild lets the operator make the HPA of an object whose triggers
// measure what the record's do.
func replayBuild(ctx context.Context, r Record, o Options) ([]string, error) {
	type input struct {
		Object json.RawMessage            `json:"scaled_object"`
		Specs  []autoscalingv2.MetricSpec `json:"metric_specs_of_triggers"`
	}
	type expected struct {
		HPA   *autoscalingv2.HorizontalPodAutoscaler `json:"hpa"`
		Error *string                                `json:"error"`
	}
	in, exp, err := into[input, expected](r, "hpa", "error")
	if err != nil {
		return nil, err
	}
	s := &stage{at: now(), size: 1, off: o.Without, byHPA: true}
	if s.object, err = scaledObject(in.Object, s.at); err != nil {
		return nil, err
	}
	for i := range in.Specs {
		t, err := measuring(&in.Specs[i])
		if err != nil {
			return nil, err
		}
		s.triggers = append(s.triggers, t)
	}
	s.declare()
	if err := s.turn(ctx); err != nil && exp.Error == nil {
		return nil, err
	}
	d := same.Differences("error", exp.Error != nil, s.hpa == nil)
	if exp.HPA == nil || s.hpa == nil {
		return d, nil
	}
	return append(d, compareHPA(exp.HPA, s.hpa)...), nil
}

// measuring is a trigger that measures one metric.
func measuring(m *autoscalingv2.MetricSpec) (answer, error) {
	switch {
	case m.External != nil:
		t := answer{kind: "external", metric: plainName(m.External.Metric.Name), active: new(true)}
		t.aim(m.External.Target)
		return t, nil
	case m.Resource != nil && m.Resource.Target.AverageUtilization != nil:
		return answer{kind: string(m.Resource.Name), metricType: m.Resource.Target.Type, target: float64(*m.Resource.Target.AverageUtilization)}, nil
	case m.Resource != nil && m.Resource.Target.AverageValue != nil:
		return answer{kind: string(m.Resource.Name), metricType: m.Resource.Target.Type, target: m.Resource.Target.AverageValue.AsApproximateFloat64()}, nil
	}
	return answer{}, errors.New("a metric is neither external nor of a resource of whole pods")
}

// sourceBuild is the version of a program that was built from its source, as
// the one that the records are of.
const sourceBuild = "main"

func compareHPA(want, got *autoscalingv2.HorizontalPodAutoscaler) []string {
	got = got.DeepCopy()
	for i := range got.OwnerReferences {
		got.OwnerReferences[i].UID = "" // the record has none
	}
	d := same.Differences("apiVersion", want.APIVersion, autoscalingv2.SchemeGroupVersion.Version)
	d = append(d, same.Differences("status", want.Status, got.Status)...)
	d = append(d, same.Differences("name", want.Namespace+"/"+want.Name, got.Namespace+"/"+got.Name)...)
	d = append(d, same.Differences("labels", want.Labels, got.Labels)...)
	d = append(d, same.Differences("annotations", want.Annotations, got.Annotations)...)
	d = append(d, same.Differences("owner", want.OwnerReferences, got.OwnerReferences)...)
	if !apiequality.Semantic.DeepEqual(want.Spec, got.Spec) {
		d = append(d, same.Differences("spec", want.Spec, got.Spec)...)
	}
	return d
}

// replayMatch asks for a metric where the triggers measure those of a list.
func replayMatch(ctx context.Context, r Record, o Options) ([]string, error) {
	type input struct {
		Element string   `json:"element"`
		List    []string `json:"list"`
	}
	type expected struct {
		Contains bool `json:"contains"`
	}
	in, exp, err := into[input, expected](r, "contains")
	if err != nil {
		return nil, err
	}
	s, err := asking(ctx, o, in.List...)
	if err != nil {
		return nil, err
	}
	got := slices.ContainsFunc(in.List, func(name string) bool {
		return s.tells(trigger.MetricName(slices.Index(in.List, name), in.Element))
	})
	return same.Differences("contains", exp.Contains, got), nil
}

// asking is a stage whose triggers measure the metrics named, after a decision.
func asking(ctx context.Context, o Options, metrics ...string) (*stage, error) {
	s := &stage{at: now(), size: 1, off: o.Without, byHPA: true}
	var err error
	if s.object, err = scaledObject(nil, s.at); err != nil {
		return nil, err
	}
	for _, m := range metrics {
		s.triggers = append(s.triggers, answer{kind: "external", metric: m, active: new(true)})
	}
	s.bystanders(some{})
	s.declare()
	return s, s.turn(ctx)
}

// tells says that an HPA that asks for a metric gets a value.
func (s *stage) tells(metric string) bool {
	_, err := actuation.ValueIn(s.record, s.at, types.NamespacedName{Namespace: s.object.Namespace, Name: s.object.Name}, metric)
	return err == nil
}

// compareAsked asks for a metric of one trigger by its name with the index in
// front, which KEDA takes off to find the trigger.
func compareAsked(ctx context.Context, o Options, a *arguments, exp *returned) ([]string, error) {
	metrics := make([]string, a.Index+1)
	for i := range metrics {
		metrics[i] = plainName(a.Name)
	}
	s, err := asking(ctx, o, metrics...)
	if err != nil {
		return nil, err
	}
	found := ""
	if s.tells(a.Name) {
		found = plainName(a.Name)
	}
	d := same.Differences("error", exp.Error != nil, found == "")
	return append(d, same.Differences("string", exp.Text, found)...), nil
}
