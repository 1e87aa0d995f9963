package doctor

import (
	"strings"
	"testing"
	"time"

	decisions "github.com/furl-dev/furl/api/decisions/v1alpha1"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/operator/freeze"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "shop", Name: name, CreationTimestamp: metav1.NewTime(now().Add(-time.Hour))}
}

func app(name string) map[string]string { return map[string]string{"app": name} }

// healthy is a namespace with one workload, one ready pod and one HPA, about
// which nothing is to be found.
func healthy() *Snapshot {
	started := metav1.NewTime(now().Add(-time.Hour))
	return &Snapshot{
		At: now().Add(500 * time.Millisecond), Server: now(), System: "furl-system", blind: map[string]bool{},
		Deployments: []appsv1.Deployment{{ObjectMeta: meta("web"), Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: app("web")},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: app("web")}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
				Name: "web", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse("200m")}},
			}}}},
		}}},
		Pods: []corev1.Pod{{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-1", Labels: app("web"), CreationTimestamp: started},
			Status: corev1.PodStatus{
				Phase: corev1.PodRunning, StartTime: &started,
				Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
			},
		}},
		HPAs: []autoscalingv2.HorizontalPodAutoscaler{{ObjectMeta: meta("web"), Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "web"}, MaxReplicas: 5,
			Metrics: []autoscalingv2.MetricSpec{{Resource: &autoscalingv2.ResourceMetricSource{
				Name: "cpu", Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType},
			}}},
		}}},
		APIs: []APIService{serves(metricsGroup, "furl-system", true), serves(decisions.GroupName, "furl-system", true)},
		Nodes: []corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: "n1"}, Status: corev1.NodeStatus{
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}},
		}}},
		Leases:    []coordinationv1.Lease{lease("n1", now().Add(-8*time.Second))},
		Decisions: []decisions.Decision{decision("hpa/web", decisions.Step{Rule: "tolerance", Before: 1, After: 1, Sentence: "0.95 is near"})},
	}
}

func serves(group, namespace string, up bool) APIService {
	a := APIService{ObjectMeta: metav1.ObjectMeta{Name: "v1beta1." + group}}
	a.Spec.Group, a.Spec.Service = group, &serviceName{namespace, "x"}
	c := metav1.Condition{Type: "Available", Status: metav1.ConditionFalse, Message: "no response"}
	if up {
		c.Status = metav1.ConditionTrue
	}
	a.Status.Conditions = []metav1.Condition{c}
	return a
}

func lease(node string, renewed time.Time) coordinationv1.Lease {
	at := metav1.NewMicroTime(renewed)
	return coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: corev1.NamespaceNodeLease, Name: node}, Spec: coordinationv1.LeaseSpec{RenewTime: &at},
	}
}

func decision(object string, steps ...decisions.Step) decisions.Decision {
	return decisions.Decision{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: strings.ReplaceAll(object, "/", ".")}, Object: object, Latest: decisions.Record{
		From: 1, To: 1, Outcome: "unchanged", Steps: steps,
	}}
}

// otherOwner is a ScaledObject that scales what the HPA scales, too.
func otherOwner() v1alpha1.ScaledObject {
	return v1alpha1.ScaledObject{ObjectMeta: meta("other"), Spec: v1alpha1.ScaledObjectSpec{
		ScaleTargetRef: &v1alpha1.ScaleTarget{Name: "web"}, Triggers: []v1alpha1.ScaleTriggers{{Type: "aws-sqs-queue"}},
	}}
}

// waits makes the pod one that no node takes.
func waits(s *Snapshot, spec corev1.PodSpec) {
	p := &s.Pods[0]
	p.Spec = spec
	p.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "0/1 nodes are available",
	}}}
}

func gpuPod(family string, tolerates bool) corev1.PodSpec {
	p := corev1.PodSpec{NodeSelector: map[string]string{"eks.amazonaws.com/instance-family": family}, Containers: []corev1.Container{{
		Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1"), "cpu": resource.MustParse("4")}},
	}}}
	if tolerates {
		p.Tolerations = []corev1.Toleration{{Key: "nvidia.com/gpu", Operator: corev1.TolerationOpExists}}
	}
	return p
}

func gpuPool(cpuUsed string) NodePool {
	n := NodePool{ObjectMeta: metav1.ObjectMeta{Name: "gpu"}}
	n.Spec.Limits = corev1.ResourceList{"cpu": resource.MustParse("10")}
	n.Status.Resources = corev1.ResourceList{"cpu": resource.MustParse(cpuUsed)}
	n.Spec.Template.Spec.Requirements = []requirement{{Key: "eks.amazonaws.com/instance-family", Operator: corev1.NodeSelectorOpIn, Values: []string{"g6"}}}
	n.Spec.Template.Spec.Taints = []corev1.Taint{{Key: "nvidia.com/gpu", Value: "true", Effect: corev1.TaintEffectNoSchedule}}
	return n
}

func TestExamine_finds_each_symptom_and_nothing_else(t *testing.T) {
	for why, c := range map[string]struct {
		breaks func(s *Snapshot)
		want   []string // severity rule object: words of the sentence
	}{
		"a healthy namespace": {func(*Snapshot) {}, nil},
		"no operator":         {func(s *Snapshot) { s.APIs = s.APIs[:1] }, []string{"error operator apiservice/v1alpha1.decisions.furl.dev: not installed"}},
		"no leader": {
			func(s *Snapshot) { s.APIs[1] = serves(decisions.GroupName, "furl-system", false) },
			[]string{"error operator apiservice/v1alpha1.decisions.furl.dev: no leader"},
		},
		"nobody serves metrics": {func(s *Snapshot) { s.APIs = s.APIs[1:] }, []string{"error metrics-api apiservice/metrics.k8s.io: nobody serves"}},
		"somebody else serves metrics": {
			func(s *Snapshot) { s.APIs[0] = serves(metricsGroup, "kube-system", true) },
			[]string{"note metrics-api apiservice/v1beta1.metrics.k8s.io: somebody else, service kube-system/x"},
		},
		"somebody else's API is silent": {
			func(s *Snapshot) { s.APIs[0] = serves(metricsGroup, "kube-system", false) },
			[]string{"error metrics-api apiservice/v1beta1.metrics.k8s.io: does not answer"},
		},
		"what may not be read is not concluded from": {func(s *Snapshot) { s.APIs, s.blind["apiservices"] = nil, true }, nil},
		"a freeze": {
			func(s *Snapshot) { s.Freezes = []freeze.Freeze{{Cluster: true, By: "ann"}} },
			[]string{"warning frozen configmap/furl-freeze: by ann"},
		},
		"a freeze that is over": {func(s *Snapshot) { s.Freezes = []freeze.Freeze{{Cluster: true, Until: now()}} }, nil},
		"no requests": {
			func(s *Snapshot) {
				s.Deployments[0].Spec.Template.Spec.Containers[0].Resources = corev1.ResourceRequirements{}
			},
			[]string{"error requests hpa/web: not every container has one"},
		},
		"two owners": {
			func(s *Snapshot) { s.ScaledObjects = []v1alpha1.ScaledObject{otherOwner()} },
			[]string{"error owners deploy/web: hpa/web, so/other"},
		},
		"an HPA that a ScaledObject made": {func(s *Snapshot) {
			s.ScaledObjects = []v1alpha1.ScaledObject{otherOwner()}
			s.HPAs[0].OwnerReferences = []metav1.OwnerReference{{Kind: "ScaledObject", Name: "other"}}
			s.Decisions = nil
		}, nil},
		"a second owner that observes": {func(s *Snapshot) {
			o := otherOwner()
			o.Annotations = map[string]string{"furl.dev/mode": "observe"}
			s.ScaledObjects = []v1alpha1.ScaledObject{o}
		}, nil},
		"selectors that overlap": {func(s *Snapshot) {
			d := *s.Deployments[0].DeepCopy()
			d.Name = "twin"
			s.Deployments = append(s.Deployments, d)
		}, []string{"error selectors deploy/web: pods of deploy/twin"}},
		"a source that refuses": {func(s *Snapshot) {
			s.HPAs = nil
			s.ScaledObjects = []v1alpha1.ScaledObject{otherOwner()}
			d := decision("scaledobject/other")
			d.Latest.Signals = []decisions.Signal{{Name: "s0-q", Missing: "AccessDenied: User is not authorized to perform sqs:GetQueueAttributes"}}
			s.Decisions = []decisions.Decision{d}
		}, []string{"error access so/other: s0-q refuses access"}},
		"a source that is silent": {func(s *Snapshot) {
			s.Decisions[0].Latest.Signals = []decisions.Signal{{Name: "cpu", Missing: "no node reports pod shop/web-1"}}
		}, []string{"error unknown hpa/web: <unknown>"}},
		"an object that is paused, whose triggers are not read": {func(s *Snapshot) {
			s.HPAs = nil
			o := otherOwner()
			o.Annotations = map[string]string{v1alpha1.AnnotationPaused: "true"}
			s.ScaledObjects = []v1alpha1.ScaledObject{o}
			d := decision("scaledobject/other")
			d.Latest.Signals = []decisions.Signal{{Name: "s0-q", Missing: "what it measures is not known yet"}}
			s.Decisions = []decisions.Decision{d}
		}, nil},
		"a new HPA without a value yet": {func(s *Snapshot) {
			s.HPAs[0].CreationTimestamp = metav1.NewTime(now().Add(-10 * time.Second))
			s.Decisions[0].Latest.Signals = []decisions.Signal{{Name: "cpu", Missing: "no sample yet"}}
		}, []string{"note unknown hpa/web: <unknown>"}},
		"a pool at its limit": {
			func(s *Snapshot) { waits(s, gpuPod("g6", true)); s.NodePools = []NodePool{gpuPool("8")} },
			[]string{"error pending pod/web-1: waits for a GPU node since 1h0m0s, in vain: the quota"},
		},
		"a taint": {
			func(s *Snapshot) { waits(s, gpuPod("g6", false)); s.NodePools = []NodePool{gpuPool("0")} },
			[]string{"error pending pod/web-1: a taint that it does not tolerate"},
		},
		"no pool that matches": {
			func(s *Snapshot) { waits(s, gpuPod("p5", true)); s.NodePools = []NodePool{gpuPool("0")} },
			[]string{"error pending pod/web-1: no pool matches"},
		},
		"a node that may come": {func(s *Snapshot) {
			waits(s, gpuPod("g6", true))
			s.Pods[0].CreationTimestamp = metav1.NewTime(now().Add(-time.Minute))
			s.NodePools = []NodePool{gpuPool("0")}
		}, []string{"note pending pod/web-1: one may come"}},
		"no pools, and no node with the label": {
			func(s *Snapshot) { waits(s, gpuPod("g6", true)) },
			[]string{"error pending pod/web-1: no node has the labels"},
		},
		"a quota of the namespace": {func(s *Snapshot) {
			s.Deployments[0].Status.Conditions = []appsv1.DeploymentCondition{{
				Type: "ReplicaFailure", Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: "exceeded quota: small",
			}}
		}, []string{"error quota deploy/web: exceeded quota"}},
		"a pod that is not ready": {
			func(s *Snapshot) { s.Pods[0].Status.Conditions[0].Status = corev1.ConditionFalse },
			[]string{"warning slow pod/web-1: is not ready"},
		},
		"a container that does not start": {func(s *Snapshot) {
			s.Pods[0].Status.Conditions[0].Status = corev1.ConditionFalse
			s.Pods[0].Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "web", State: corev1.ContainerState{
				Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"},
			}}}
		}, []string{"error slow pod/web-1: CrashLoopBackOff"}},
		"a node's clock that is fast": {
			func(s *Snapshot) { s.Leases[0] = lease("n1", now().Add(20*time.Second)) },
			[]string{"error clock node/n1: 20s ahead of"},
		},
		"a node's clock that is slow": {
			func(s *Snapshot) { s.Leases[0] = lease("n1", now().Add(-5*time.Minute)) },
			[]string{"error clock node/n1: 5m0s behind"},
		},
		"a node that is gone":  {func(s *Snapshot) { s.Leases[0] = lease("gone", now().Add(-5*time.Minute)) }, nil},
		"this machine's clock": {func(s *Snapshot) { s.At = now().Add(time.Minute) }, []string{"warning clock this machine: ahead of"}},
		"held at the maximum": {func(s *Snapshot) {
			s.Decisions[0].Latest.Steps = []decisions.Step{{Rule: "clamp", Before: 9, After: 5, Sentence: "9 is above the maximum of 5"}}
		}, []string{"warning held hpa/web: held by max"}},
		"at the minimum": {func(s *Snapshot) {
			s.Decisions[0].Latest.Steps = []decisions.Step{{Rule: "clamp", Before: 0, After: 1, Sentence: "0 is below the minimum of 1"}}
		}, nil},
		"no target": {
			func(s *Snapshot) {
				s.Decisions[0].Latest = decisions.Record{Outcome: "unseen", Error: "deployments \"web\" not found"}
			},
			[]string{"error target hpa/web: cannot be read"},
		},
	} {
		s := healthy()
		c.breaks(s)
		r := Examine(s)
		if len(r.Findings) != len(c.want) {
			t.Errorf("%s: %d findings, want %d:\n%s", why, len(r.Findings), len(c.want), r.Text())
			continue
		}
		for i, want := range c.want {
			f := r.Findings[i]
			head, words, _ := strings.Cut(want, ": ")
			if got := string(f.Severity) + " " + f.Rule + " " + f.Object; got != head || !strings.Contains(f.Sentence, words) {
				t.Errorf("%s: found %q: %q, want %q", why, got, f.Sentence, want)
			}
			if len(f.Evidence) == 0 || len(f.Do) == 0 {
				t.Errorf("%s: evidence %q, to do %q", why, f.Evidence, f.Do)
			}
		}
		if r.Failed() != (len(c.want) > 0 && strings.HasPrefix(c.want[0], "error")) {
			t.Errorf("%s: failed is %v", why, r.Failed())
		}
	}
}

func TestExamine_of_one_object_says_what_holds_it_and_nothing_of_others(t *testing.T) {
	for rule, word := range map[string]string{
		"tolerance": "tolerance", "stabilise": "stabilization", "rate": "policy", "burst": "policy", "pause": "pause",
	} {
		s := healthy()
		s.Scope = Scope{Namespace: "shop", Kind: "hpa", Name: "web"}
		s.Decisions[0].Latest.Steps = []decisions.Step{{Rule: rule, Before: 3, After: 1, Sentence: "why"}}
		lost := decision("hpa/other")
		lost.Latest.Outcome = "unseen"
		s.Decisions = append(s.Decisions, lost)
		r := Examine(s)
		if len(r.Findings) != 1 || !strings.Contains(r.Findings[0].Sentence, "held by "+word+": why") {
			t.Errorf("%s: %s", rule, r.Text())
		}
	}
}

func TestExamine_names_what_keeps_the_last_replica(t *testing.T) {
	cooling := decisions.Step{Rule: "activate", Sentence: "cooling down"}
	stable := decisions.Step{Rule: "stabilise", Sentence: "why"}
	for after, word := range map[int32]string{1: "cooldown: cooling down", 5: "stabilization: why"} {
		s := healthy()
		s.Scope = Scope{Namespace: "shop", Kind: "hpa", Name: "web"}
		cooling.Before, cooling.After, stable.After = after, after, after
		s.Decisions[0].Latest.Steps = []decisions.Step{cooling, stable}
		if got := Examine(s).Text(); !strings.Contains(got, "held by "+word) {
			t.Errorf("of %d: %s", after, got)
		}
	}
}

func TestIdentity_says_who_asked(t *testing.T) {
	role := "arn:aws:iam::1:role/reader"
	for want, c := range map[string]struct {
		spec v1alpha1.TriggerAuthenticationSpec
		data map[string]string
		ref  bool
	}{
		"key k of secret creds":                   {ref: true, spec: v1alpha1.TriggerAuthenticationSpec{SecretTargetRef: []v1alpha1.AuthSecretTargetRef{{Name: "creds", Key: "k"}}}},
		"the role " + role:                        {ref: true, spec: v1alpha1.TriggerAuthenticationSpec{PodIdentity: &v1alpha1.AuthPodIdentity{Provider: "aws", RoleArn: &role}}},
		"service account default, role " + role:   {ref: true, spec: v1alpha1.TriggerAuthenticationSpec{PodIdentity: &v1alpha1.AuthPodIdentity{Provider: "aws", IdentityOwner: new("workload")}}},
		"service account furl-system/furl, which": {data: map[string]string{"identityOwner": "operator"}},
		"no authenticationRef":                    {},
	} {
		s := healthy()
		s.Authentications = []v1alpha1.TriggerAuthentication{{ObjectMeta: meta("a"), Spec: c.spec}}
		reader := corev1.ServiceAccount{ObjectMeta: meta("default")}
		reader.Annotations = map[string]string{"eks.amazonaws.com/role-arn": role}
		s.Accounts = []corev1.ServiceAccount{reader, {ObjectMeta: metav1.ObjectMeta{Namespace: "furl-system", Name: "furl"}}}
		trigger := &v1alpha1.ScaleTriggers{Type: "aws-sqs-queue", Metadata: c.data}
		if c.ref {
			trigger.AuthenticationRef = &v1alpha1.AuthenticationRef{Name: "a"}
		}
		a := autoscaler{ref: Ref{kindScaledObject, "shop", "x"}, target: Ref{kindDeployment, "shop", "web"}}
		if who, do := s.identity(&a, trigger); !strings.Contains(who, want) || do == "" {
			t.Errorf("%q, %q; want %q", who, do, want)
		}
	}
}
