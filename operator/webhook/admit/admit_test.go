package admit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/webhook/admit"
	"github.com/furl-dev/furl/triggers/all"
	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// world is what is around the objects of a test.
type world struct {
	objects []*v1alpha1.ScaledObject
	hpas    []*autoscalingv2.HorizontalPodAutoscaler
	pod     *corev1.PodSpec // of every workload; nil: there is none
	limits  []corev1.LimitRange
	unread  error // what reading a workload says instead
}

func (w *world) ScaledObjects(string) []*v1alpha1.ScaledObject               { return w.objects }
func (w *world) Autoscalers(string) []*autoscalingv2.HorizontalPodAutoscaler { return w.hpas }
func (w *world) HasAuthentication(kind, namespace, name string) bool         { return name == "there" }

func (w *world) Limits(context.Context, string) ([]corev1.LimitRange, error) { return w.limits, nil }

func (w *world) Pod(_ context.Context, t kube.Target) (*corev1.PodSpec, error) {
	switch {
	case w.unread != nil:
		return nil, w.unread
	case w.pod == nil:
		return nil, fmt.Errorf("%s: %w", t, apierrors.NewNotFound(schema.GroupResource{Resource: "deployments"}, t.Name))
	}
	return w.pod, nil
}

func (*world) Resolve(apiVersion, kind string) error {
	if apiVersion == "apps/v1" || apiVersion == "apps/v1beta1" {
		return nil
	}
	return fmt.Errorf("no kind %q in %s", kind, apiVersion)
}

func (w *world) rules() *admit.Rules {
	kinds := all.Kinds()
	names := make([]string, len(kinds))
	for i := range kinds {
		names[i] = kinds[i].Name
	}
	return &admit.Rules{Neighbours: w, Workloads: w, Kind: kinds.Find, Names: names}
}

// read decodes an object of a test.
func read[T any](t *testing.T, text string) *T {
	t.Helper()
	o := new(T)
	if err := yaml.UnmarshalStrict([]byte(text), o); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return o
}

// object is a good ScaledObject with more in its spec, and metadata.
func object(t *testing.T, metadata, spec string) *v1alpha1.ScaledObject {
	t.Helper()
	o := "metadata: {namespace: ns, name: worker, " + metadata + "}\nspec:\n  scaleTargetRef: {name: worker}\n"
	if !strings.Contains(spec, "triggers:") {
		spec += "\n  triggers: [{type: cron, metadata: {timezone: UTC, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: \"3\"}}]"
	}
	return read[v1alpha1.ScaledObject](t, o+"  "+spec)
}

func reasons(a *admit.Answer) []string {
	out := make([]string, 0, len(a.Refusals))
	for _, r := range a.Refusals {
		out = append(out, string(r.Reason))
	}
	return out
}

func judge(t *testing.T, w *world, o, old *v1alpha1.ScaledObject) admit.Answer {
	t.Helper()
	a, err := w.rules().ScaledObject(t.Context(), o, old, admit.Request{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestScaledObject_refuses_settings_that_cannot_work(t *testing.T) {
	for _, tc := range []struct {
		why, triggers, says string
	}{
		{"a good one", `[{type: cron, metadata: {timezone: UTC, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: "3"}}]`, ""},
		{
			"a number that is none", `[{type: aws-sqs-queue, metadata: {queueURL: "https://sqs.eu-west-1.amazonaws.com/1/q", queueLength: ten, awsRegion: eu-west-1}}]`,
			`trigger 0 (aws-sqs-queue): queueLength "ten": want a whole number`,
		},
		{"a setting that is missing", `[{type: prometheus, metadata: {query: up, threshold: "1"}}]`, "serverAddress is missing: want it in the metadata"},
		{
			"a metric type that it cannot have", `[{type: cron, metadata: {timezone: UTC, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: "3"}}, {type: cpu, metadata: {value: "50"}}]`,
			`trigger 1 (cpu): metricType "": want Utilization or AverageValue`,
		},
		{"what an authentication may give is not missed", `[{type: metrics-api, authenticationRef: {name: there}, metadata: {url: "http://x/", valueLocation: a, targetValue: "1", authMode: bearer}}]`, ""},
		{"what the environment may give is not missed", `[{type: aws-sqs-queue, metadata: {queueURLFromEnv: QUEUE, queueLength: "5", awsRegion: eu-west-1}}]`, ""},
		{"a type that is not built in is a warning: another may read it", `[{type: kafka, metadata: {}}]`, ""},
	} {
		o := object(t, "", "triggers: "+tc.triggers)
		w := &world{pod: &corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: amounts("cpu", "1")}}}}}
		a := judge(t, w, o, nil)
		want := []string{}
		if tc.says != "" {
			want = []string{string(admit.Settings)}
		}
		if diff := cmp.Diff(want, reasons(&a)); diff != "" || !strings.Contains(a.Message(), tc.says) {
			t.Errorf("%s: %s%q does not say %q", tc.why, diff, a.Message(), tc.says)
		}
		stored := judge(t, w, o, o)
		lenient := w.rules()
		lenient.LenientSettings = true
		warned, err := lenient.ScaledObject(t.Context(), o, nil, admit.Request{})
		for why, b := range map[string]admit.Answer{"stored already": stored, "lenient": warned} {
			if err != nil || len(b.Refusals) > 0 || tc.says != "" && !strings.Contains(strings.Join(b.Warnings, "\n"), tc.says) {
				t.Errorf("%s, %s: %+v, %v; want a warning", tc.why, why, b, err)
			}
		}
	}
}

func amounts(name corev1.ResourceName, amount string) corev1.ResourceList {
	var l corev1.ResourceList
	if err := yaml.Unmarshal(fmt.Appendf(nil, "%s: %s", name, amount), &l); err != nil {
		panic(err)
	}
	return l
}

func TestScaledObject_warns_of_what_does_not_work_as_it_reads(t *testing.T) {
	cron := func(more string) string {
		return `triggers: [{type: cron, metadata: {timezone: UTC, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: "3"}` + more + `}]`
	}
	for _, tc := range []struct {
		why, metadata, spec string
		want                []string
	}{
		{"nothing to say", "", cron(""), nil},
		{
			"a key with a typo", "", `triggers: [{type: cron, metadata: {timezone: UTC, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: "3", timezome: UTC}}]`,
			[]string{"trigger 0 (cron): timezome is no setting and is not read: did you mean timezone?"},
		},
		{
			"a type with a typo", "", `triggers: [{type: aws-sqs-que, metadata: {}}]`,
			[]string{"trigger 0 (aws-sqs-que): no such type, so it is not read: did you mean aws-sqs-queue?"},
		},
		{
			"a type that nobody knows", "", `triggers: [{type: kafka, metadata: {}}]`,
			[]string{"trigger 0 (kafka): no such type, so it is not read: furl triggers lists those there are"},
		},
		{
			"an authentication that is not there", "", cron(", authenticationRef: {name: gone}"),
			[]string{`trigger 0 (cron): TriggerAuthentication "gone" does not exist in namespace ns; until it does, the trigger is not read`},
		},
		{
			"one of the cluster", "", cron(", authenticationRef: {name: gone, kind: ClusterTriggerAuthentication}"),
			[]string{`trigger 0 (cron): ClusterTriggerAuthentication "gone" does not exist; until it does, the trigger is not read`},
		},
		{"one that is there", "", cron(", authenticationRef: {name: there}"), nil},
		{
			"a misspelt annotation", `annotations: {autoscaling.keda.sh/pause: "true"}`, cron(""),
			[]string{"annotation autoscaling.keda.sh/pause is not read: did you mean autoscaling.keda.sh/paused?"},
		},
		{"somebody else's annotation", `annotations: {example.com/pause: "true"}`, cron(""), nil},
		{
			"an annotation of the HPA", `annotations: {validations.keda.sh/hpa-ownership: "false"}`, cron(""),
			[]string{"annotation validations.keda.sh/hpa-ownership has an effect on a HorizontalPodAutoscaler only: annotate the one that may share the workload"},
		},
		{
			"a size to pause at that is none", `annotations: {autoscaling.keda.sh/paused-replicas: many}`, cron(""),
			[]string{`annotation autoscaling.keda.sh/paused-replicas "many": give a number of replicas; it pauses at the size there is`},
		},
		{
			"a cooldown that never comes", "", "minReplicaCount: 1\n  cooldownPeriod: 30\n  " + cron(""),
			[]string{"CooldownPeriod is configured but is not relevant. CooldownPeriod is only relevant when minReplicaCount = 0 or idleReplicaCount is set"},
		},
	} {
		a := judge(t, &world{}, object(t, tc.metadata, tc.spec), nil)
		if diff := cmp.Diff(tc.want, a.Warnings); diff != "" || len(a.Refusals) > 0 {
			t.Errorf("%s: %s%v", tc.why, diff, a.Refusals)
		}
	}
}

func TestScaledObject_refuses_what_Furl_could_not_decide_by(t *testing.T) {
	window := "advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleDown: {stabilizationWindowSeconds: 3700}}}}"
	for _, tc := range []struct {
		why, metadata, spec string
		want                admit.Reason
	}{
		{"a window beyond the API's", "", window, admit.Behavior},
		{"a mode that is none", "annotations: {furl.dev/mode: watch}", "", admit.Annotation},
		{"a formula over a trigger without a name", "", `advanced: {scalingModifiers: {formula: a + 1, target: "1"}}`, admit.Modifiers},
	} {
		o := object(t, tc.metadata, tc.spec)
		a := judge(t, &world{}, o, nil)
		if diff := cmp.Diff([]string{string(tc.want)}, reasons(&a)); diff != "" {
			t.Errorf("%s: %s", tc.why, diff)
		}
		if tc.want == admit.Modifiers {
			continue // KEDA's rule, which it asks at each change
		}
		if a := judge(t, &world{}, o, o); len(a.Refusals) > 0 {
			t.Errorf("%s: refused again though it is stored: %v", tc.why, a.Refusals)
		}
	}
}

func TestScaledObject_has_its_workload_alone(t *testing.T) {
	hpa := func(metadata, target string) *world {
		return &world{hpas: []*autoscalingv2.HorizontalPodAutoscaler{read[autoscalingv2.HorizontalPodAutoscaler](t,
			"metadata: {namespace: ns, "+metadata+"}\nspec: {maxReplicas: 5, scaleTargetRef: {kind: Deployment, "+target+"}}")}}
	}
	same := "apiVersion: apps/v1, name: worker"
	another := func(metadata, spec string) *world {
		return &world{objects: []*v1alpha1.ScaledObject{read[v1alpha1.ScaledObject](t, "metadata: {namespace: ns, "+metadata+"}\nspec: {"+spec+", triggers: []}")}}
	}
	mine := "scaleTargetRef: {name: worker}"
	for _, tc := range []struct {
		why      string
		around   *world
		metadata string
		spec     string
		want     []string
	}{
		{"alone", &world{}, "", "", []string{}},
		{"an HPA", hpa("name: x", same), "", "", []string{"other-hpa"}},
		{"an HPA of another workload", hpa("name: x", "apiVersion: apps/v1, name: web"), "", "", []string{}},
		{"an HPA by another version", hpa("name: x", "apiVersion: apps/v1beta1, name: worker"), "", "", []string{"other-hpa"}},
		{"an HPA that is going", hpa("name: x, deletionTimestamp: 2026-01-01T00:00:00Z", same), "", "", []string{}},
		{"an HPA that shares", hpa(`name: x, annotations: {validations.keda.sh/hpa-ownership: "false"}`, same), "", "", []string{}},
		{"its own HPA", hpa("name: keda-hpa-worker, ownerReferences: [{kind: ScaledObject, name: worker, apiVersion: keda.sh/v1alpha1, uid: u}]", same), "", "", []string{}},
		{"an HPA to take over, not named", hpa("name: x", same), `annotations: {scaledobject.keda.sh/transfer-hpa-ownership: "true"}`, "", []string{"transfer-ownership-missing-hpa-name"}},
		{
			"an HPA to take over", hpa("name: x", same), `annotations: {scaledobject.keda.sh/transfer-hpa-ownership: "true"}`,
			"advanced: {horizontalPodAutoscalerConfig: {name: x}}",
			[]string{},
		},
		{"an HPA beside one that only watches", hpa("name: x", same), "annotations: {furl.dev/mode: observe}", "", []string{}},
		{"another object", another("name: other", mine), "", "", []string{"other-scaled-object"}},
		{"itself", another("name: worker", mine), "", "", []string{}},
		{"another that only watches", another("name: other, annotations: {furl.dev/mode: observe}", mine), "", "", []string{}},
		{
			"another with its HPA's name", another("name: other", "scaleTargetRef: {name: web}, advanced: {horizontalPodAutoscalerConfig: {name: keda-hpa-worker}}"), "", "",
			[]string{"other-scaled-object-hpa"},
		},
	} {
		a := judge(t, tc.around, object(t, tc.metadata, tc.spec), nil)
		if diff := cmp.Diff(tc.want, reasons(&a)); diff != "" {
			t.Errorf("%s: %s", tc.why, diff)
		}
	}
}

func TestScaledObject_tells_all_that_is_wrong(t *testing.T) {
	o := read[v1alpha1.ScaledObject](t, `
metadata: {namespace: ns, name: `+strings.Repeat("n", 64)+`}
spec:
  scaleTargetRef: {name: x, apiVersion: no/v1, kind: Such}
  minReplicaCount: 5
  idleReplicaCount: 6
  fallback: {failureThreshold: 1, replicas: 1, behavior: scalingModifiers}
  triggers: [{type: cron, name: a, useCachedMetrics: true, metadata: {}}]`)
	a := judge(t, &world{}, o, nil)
	want := []string{"incorrect-replicas", "incorrect-triggers", "scaling-modifiers-fallback", "name-too-long", "unknown-target-kind", "trigger-settings"}
	if diff := cmp.Diff(want, reasons(&a)); diff != "" {
		t.Error(diff)
	}
	for _, says := range []string{"idleReplicaCount 6", "64 characters", "useCachedMetrics", `no kind "Such" in no/v1`} {
		if !strings.Contains(a.Message(), says) {
			t.Errorf("%s does not say %q", a.Message(), says)
		}
	}
}

func TestScaledObject_holds_usage_triggers_against_the_pods(t *testing.T) {
	cpu := "minReplicaCount: 1\n  triggers: [{type: cpu, metricType: Utilization, metadata: {value: \"50\"}}]"
	bare := &corev1.PodSpec{Containers: []corev1.Container{{Name: "app"}}}
	for _, tc := range []struct {
		why  string
		w    *world
		spec string
		want []string
	}{
		{"no workload", &world{}, cpu, []string{"target-not-found"}},
		{"no request", &world{pod: bare}, cpu, []string{"missing-requests"}},
		{"a default of the namespace", &world{pod: bare, limits: []corev1.LimitRange{{Spec: corev1.LimitRangeSpec{
			Limits: []corev1.LimitRangeItem{{Type: corev1.LimitTypeContainer, DefaultRequest: amounts("cpu", "1")}},
		}}}}, cpu, []string{}},
		{"a default for whole pods is none", &world{pod: bare, limits: []corev1.LimitRange{{Spec: corev1.LimitRangeSpec{
			Limits: []corev1.LimitRangeItem{{Type: corev1.LimitTypePod, Default: amounts("cpu", "1")}},
		}}}}, cpu, []string{"missing-requests"}},
		{"asleep by usage", &world{pod: &corev1.PodSpec{}}, strings.Replace(cpu, "minReplicaCount: 1", "minReplicaCount: 0", 1), []string{"scale-to-zero-requirements-not-met"}},
	} {
		o := object(t, "", tc.spec)
		a := judge(t, tc.w, o, nil)
		if diff := cmp.Diff(tc.want, reasons(&a)); diff != "" {
			t.Errorf("%s: %s", tc.why, diff)
		}
		dry, err := tc.w.rules().ScaledObject(t.Context(), o, nil, admit.Request{DryRun: true})
		if err != nil || len(dry.Refusals) > 0 {
			t.Errorf("%s: a dry run is refused: %v, %v", tc.why, dry.Refusals, err)
		}
	}
	broken := errors.New("connection refused")
	if _, err := (&world{unread: broken}).rules().ScaledObject(t.Context(), object(t, "", cpu), nil, admit.Request{}); !errors.Is(err, broken) {
		t.Errorf("%v, want what reading the workload said: nobody knows then", err)
	}
}

func TestScaledObject_lets_finalizers_go(t *testing.T) {
	wrong := "idleReplicaCount: 9"
	old := object(t, "finalizers: [finalizer.keda.sh]", wrong)
	if a := judge(t, &world{}, object(t, "", wrong), old); len(a.Refusals) > 0 {
		t.Errorf("the last finalizer is kept: %v", a.Refusals)
	}
	if a := judge(t, &world{}, object(t, "", "idleReplicaCount: 8"), old); len(a.Refusals) == 0 {
		t.Error("a change of the spec slipped through with a finalizer")
	}
}

func TestAutoscaler_is_refused_where_a_ScaledObject_scales(t *testing.T) {
	text := func(metadata string) *autoscalingv2.HorizontalPodAutoscaler {
		return read[autoscalingv2.HorizontalPodAutoscaler](t,
			"metadata: {namespace: ns, name: web, "+metadata+"}\nspec: {maxReplicas: 5, scaleTargetRef: {kind: Deployment, apiVersion: apps/v1, name: worker}}")
	}
	w := &world{objects: []*v1alpha1.ScaledObject{object(t, "", "")}}
	for _, tc := range []struct {
		why      string
		h, old   *autoscalingv2.HorizontalPodAutoscaler
		want     []string
		metadata string
	}{
		{"a second owner", text(""), nil, []string{"other-scaled-object"}, ""},
		{"one that was there", text(""), text(""), []string{}, ""},
		{"one that shares", text(`annotations: {validations.keda.sh/hpa-ownership: "false"}`), nil, []string{}, ""},
		{"the object's own", text("ownerReferences: [{kind: ScaledObject, name: worker, apiVersion: keda.sh/v1alpha1, uid: u}]"), nil, []string{}, ""},
		{"one that is only watched", text("annotations: {furl.dev/mode: observe}"), nil, []string{}, ""},
		{"an annotation that cannot be read", text(`annotations: {furl.dev/cadence: often, validations.keda.sh/hpa-ownership: "false"}`), nil, []string{"incorrect-annotation"}, ""},
		{"beside one that only watches", text(""), nil, []string{}, "annotations: {furl.dev/mode: observe}"},
	} {
		around := w
		if tc.metadata != "" {
			around = &world{objects: []*v1alpha1.ScaledObject{object(t, tc.metadata, "")}}
		}
		a := around.rules().Autoscaler(tc.h, tc.old)
		if diff := cmp.Diff(tc.want, reasons(&a)); diff != "" {
			t.Errorf("%s: %s", tc.why, diff)
		}
	}
	other := text("")
	other.Name = "other"
	a := (&world{hpas: []*autoscalingv2.HorizontalPodAutoscaler{other}}).rules().Autoscaler(text(""), nil)
	if len(a.Refusals) > 0 || len(a.Warnings) != 1 {
		t.Errorf("two HPAs of one workload: %+v, want one warning", a)
	}
}

func TestScaledJob_and_authentications_are_judged_too(t *testing.T) {
	r := (&world{}).rules()
	job := read[v1alpha1.ScaledJob](t, `
metadata: {namespace: ns, name: job}
spec:
  jobTargetRef: {template: {spec: {containers: []}}}
  triggers:
  - {type: cron, name: a, metadata: {}}
  - {type: cpu, name: a, metadata: {value: "1"}, metricType: Utilization}
  - {type: cron, metricType: Value, metadata: {timezone: UTC, start: 0 8 * * *, end: 0 18 * * *, desiredReplicas: "3"}}`)
	a := r.ScaledJob(job, nil)
	if diff := cmp.Diff([]string{"incorrect-triggers", "trigger-settings"}, reasons(&a)); diff != "" {
		t.Error(diff)
	}
	if len(a.Warnings) != 2 {
		t.Errorf("warnings %q, want one of cpu and one of metricType", a.Warnings)
	}
	bad := &v1alpha1.TriggerAuthenticationSpec{FilePath: "x", OAuth2: &v1alpha1.OAuth2{Type: "none"}}
	auth := r.Authentication(v1alpha1.KindTriggerAuthentication, bad, nil)
	if diff := cmp.Diff([]string{"incorrect-authentication"}, reasons(&auth)); diff != "" || len(auth.Warnings) != 1 {
		t.Errorf("%s%q", diff, auth.Warnings)
	}
	if a := r.Authentication(v1alpha1.KindClusterTriggerAuthentication, bad, bad); len(a.Refusals) > 0 {
		t.Errorf("refused again though nothing changed: %v", a.Refusals)
	}
}
