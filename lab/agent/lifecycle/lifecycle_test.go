package lifecycle

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// pod has init container i, sidecar s and main containers a and b, as the letters in names say.
func pod(policy corev1.RestartPolicy, names string) *corev1.Pod {
	always := corev1.ContainerRestartPolicyAlways
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Generation: 3}, Spec: corev1.PodSpec{RestartPolicy: policy}}
	for _, n := range names {
		c := corev1.Container{Name: string(n)}
		switch n {
		case 'i', 'j':
			p.Spec.InitContainers = append(p.Spec.InitContainers, c)
		case 's', 't':
			c.RestartPolicy = &always
			p.Spec.InitContainers = append(p.Spec.InitContainers, c)
		default:
			p.Spec.Containers = append(p.Spec.Containers, c)
		}
	}
	return p
}

// with sets how containers stand: "new", "run" (running and started), "up" (running, not started), an exit code as "0"
// or "1", or "crash" (waiting after exit code 1, to be retried in a minute).
func with(p *corev1.Pod, states map[string]string) []Container {
	all := Kinds(p)
	for i := range all {
		c := &all[i]
		switch states[c.Spec.Name] {
		case "run":
			c.Status.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
			*c.Status.Started, c.Status.Ready = true, true
		case "up":
			c.Status.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
		case "0":
			c.Status.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
			c.Status.Ready = c.Kind == Init
		case "1":
			c.Status.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1}}
		case "crash":
			c.Status.LastTerminationState = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1}}
			c.Retry = now.Add(time.Minute)
		case "busy":
			c.Busy = true
		}
	}
	return all
}

const (
	always    = corev1.RestartPolicyAlways
	onFailure = corev1.RestartPolicyOnFailure
	never     = corev1.RestartPolicyNever
)

func TestNext(t *testing.T) {
	type states = map[string]string
	for _, tc := range []struct {
		why    string
		policy corev1.RestartPolicy
		names  string
		states states
		ending bool
		want   Plan
	}{
		{"main containers start together", always, "ab", nil, false, Plan{Start: []string{"a", "b"}}},
		{"an init container goes first", always, "ija", nil, false, Plan{Start: []string{"i"}}},
		{"the next one waits for it", always, "ija", states{"i": "run"}, false, Plan{}},
		{"then it is its turn", always, "ija", states{"i": "0"}, false, Plan{Start: []string{"j"}}},
		{"after the last one the rest", always, "ija", states{"i": "0", "j": "0"}, false, Plan{Start: []string{"a"}}},
		{"an init container that fails is tried again", always, "ia", states{"i": "1"}, false, Plan{Start: []string{"i"}}},
		{"but not with Never: it is over", never, "ia", states{"i": "1"}, false, Plan{Over: true}},
		{"its sidecar is stopped then", never, "sia", states{"s": "run", "i": "1"}, false, Plan{Stop: []string{"s"}}},
		{"a sidecar must have started", always, "sia", states{"s": "up"}, false, Plan{}},
		{"and lets the next one go on", always, "sia", states{"s": "run"}, false, Plan{Start: []string{"i"}}},
		{"a sidecar that dies is restarted beside the rest", always, "sa", states{"s": "1", "a": "run"}, false, Plan{Start: []string{"s"}}},
		{"init containers are not repeated", always, "ia", states{"a": "1"}, false, Plan{Start: []string{"a"}}},
		{"a crash waits for its back-off", always, "a", states{"a": "crash"}, false, Plan{Hold: []string{"a"}, At: now.Add(time.Minute)}},
		{"success is restarted with Always", always, "a", states{"a": "0"}, false, Plan{Start: []string{"a"}}},
		{"not with OnFailure", onFailure, "a", states{"a": "0"}, false, Plan{Over: true}},
		{"failure is", onFailure, "a", states{"a": "1"}, false, Plan{Start: []string{"a"}}},
		{"nothing is with Never", never, "ab", states{"a": "1", "b": "0"}, false, Plan{Over: true}},
		{"one that runs keeps the pod", never, "ab", states{"a": "1", "b": "run"}, false, Plan{}},
		{"sidecars end with the main ones, the last first", never, "sta", states{"s": "run", "t": "run", "a": "0"}, false, Plan{Stop: []string{"t"}}},
		{"then the first", never, "sta", states{"s": "run", "t": "0", "a": "0"}, false, Plan{Stop: []string{"s"}}},
		{"deletion stops the main ones first", always, "sab", states{"s": "run", "a": "run", "b": "run"}, true, Plan{Stop: []string{"a", "b"}}},
		{"and then sidecars", always, "sa", states{"s": "run", "a": "0"}, true, Plan{Stop: []string{"s"}}},
		{"a pod that never started is over at once", always, "ia", nil, true, Plan{Over: true}},
		{"what is being started is left alone", always, "a", states{"a": "busy"}, true, Plan{}},
	} {
		t.Run(tc.why, func(t *testing.T) {
			p := pod(tc.policy, tc.names)
			got := Next(p, with(p, tc.states), tc.ending, now)
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPhase(t *testing.T) {
	type states = map[string]string
	for _, tc := range []struct {
		why    string
		policy corev1.RestartPolicy
		names  string
		states states
		over   bool
		want   corev1.PodPhase
	}{
		{"nothing has started", always, "a", nil, false, corev1.PodPending},
		{"one of two", always, "ab", states{"a": "run"}, false, corev1.PodPending},
		{"all run", always, "ab", states{"a": "run", "b": "run"}, false, corev1.PodRunning},
		{"init runs", always, "ia", states{"i": "run"}, false, corev1.PodPending},
		{"init failed, to be repeated", always, "ia", states{"i": "crash"}, false, corev1.PodPending},
		{"init failed for good", never, "ia", states{"i": "1"}, false, corev1.PodFailed},
		{"in a crash loop", always, "a", states{"a": "crash"}, false, corev1.PodRunning},
		{"in a crash loop, then deleted", always, "a", states{"a": "crash"}, true, corev1.PodFailed},
		{"done, to be repeated", always, "a", states{"a": "0"}, false, corev1.PodRunning},
		{"done", onFailure, "a", states{"a": "0"}, false, corev1.PodSucceeded},
		{"one failed", never, "ab", states{"a": "1", "b": "0"}, false, corev1.PodFailed},
		{"one failed, one runs", never, "ab", states{"a": "1", "b": "run"}, false, corev1.PodRunning},
		{"deleted after success", always, "a", states{"a": "0"}, true, corev1.PodSucceeded},
		{"a sidecar restarts", always, "sa", states{"s": "crash", "a": "run"}, false, corev1.PodRunning},
		{"a sidecar still starts", always, "sa", states{"s": "up"}, false, corev1.PodPending},
	} {
		t.Run(tc.why, func(t *testing.T) {
			p := pod(tc.policy, tc.names)
			if got := Phase(p, with(p, tc.states), tc.over); got != tc.want {
				t.Errorf("phase %s, want %s", got, tc.want)
			}
		})
	}
}

// conditionsOf are "Type=Status Reason", in order.
func conditionsOf(s corev1.PodStatus) map[string]string {
	out := map[string]string{}
	for _, c := range s.Conditions {
		out[string(c.Type)] = string(c.Status) + " " + c.Reason
	}
	return out
}

func TestStatus_conditions(t *testing.T) {
	p := pod(always, "sia")
	for _, tc := range []struct {
		why    string
		states map[string]string
		want   map[string]string
	}{
		{"at first", nil, map[string]string{
			"PodReadyToStartContainers": "True ", "Initialized": "False ContainersNotInitialized",
			"Ready": "False ContainersNotReady", "ContainersReady": "False ContainersNotReady", "PodScheduled": "True ",
		}},
		{"initialised", map[string]string{"s": "run", "i": "0"}, map[string]string{
			"PodReadyToStartContainers": "True ", "Initialized": "True ",
			"Ready": "False ContainersNotReady", "ContainersReady": "False ContainersNotReady", "PodScheduled": "True ",
		}},
		{"ready", map[string]string{"s": "run", "i": "0", "a": "run"}, map[string]string{
			"PodReadyToStartContainers": "True ", "Initialized": "True ", "Ready": "True ", "ContainersReady": "True ", "PodScheduled": "True ",
		}},
		{"the sidecar restarts", map[string]string{"s": "crash", "i": "0", "a": "run"}, map[string]string{
			"PodReadyToStartContainers": "True ", "Initialized": "True ",
			"Ready": "False ContainersNotReady", "ContainersReady": "False ContainersNotReady", "PodScheduled": "True ",
		}},
	} {
		got := Status(p, with(p, tc.states), Facts{PodIP: "127.64.0.2", HostIP: "127.0.0.1", Started: now}, now)
		if d := cmp.Diff(tc.want, conditionsOf(got)); d != "" {
			t.Errorf("%s: %s", tc.why, d)
		}
	}
}

func TestStatus_completed_and_failed_pods_are_not_ready(t *testing.T) {
	p := pod(never, "a")
	for state, reason := range map[string]string{"0": "PodCompleted", "1": "PodFailed"} {
		got := conditionsOf(Status(p, with(p, map[string]string{"a": state}), Facts{}, now))
		if got["Ready"] != "False "+reason || got["ContainersReady"] != "False "+reason {
			t.Errorf("exit code %s: %v", state, got)
		}
	}
}

func TestStatus_moves_transition_times_with_the_status_only(t *testing.T) {
	p := pod(always, "a")
	f := Facts{PodIP: "127.64.0.2", Started: now}
	p.Status = Status(p, with(p, nil), f, now)
	later := now.Add(time.Minute)
	p.Status = Status(p, with(p, map[string]string{"a": "run"}), f, later)
	p.Status = Status(p, with(p, map[string]string{"a": "run"}), f, later.Add(time.Hour))
	for _, c := range p.Status.Conditions {
		want := now
		if c.Type == corev1.PodReady || c.Type == corev1.ContainersReady {
			want = later
		}
		if !c.LastTransitionTime.Time.Equal(want) {
			t.Errorf("%s changed at %v, want %v", c.Type, c.LastTransitionTime, want)
		}
		if c.ObservedGeneration != 3 {
			t.Errorf("%s observed generation %d", c.Type, c.ObservedGeneration)
		}
	}
	if !p.Status.StartTime.Time.Equal(now) {
		t.Errorf("start time %v", p.Status.StartTime)
	}
}

func TestStatus_waits_for_readiness_gates_and_keeps_them(t *testing.T) {
	p := pod(always, "a")
	p.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "example.com/ok"}}
	f := Facts{PodIP: "127.64.0.2", Started: now}
	run := map[string]string{"a": "run"}
	s := Status(p, with(p, run), f, now)
	if got := conditionsOf(s)["Ready"]; got != "False ReadinessGatesNotReady" {
		t.Errorf("without the gate: %s", got)
	}
	p.Status.Conditions = []corev1.PodCondition{{Type: "example.com/ok", Status: corev1.ConditionTrue}}
	s = Status(p, with(p, run), f, now)
	got := conditionsOf(s)
	if got["Ready"] != "True " || got["example.com/ok"] != "True " {
		t.Errorf("with the gate: %v", got)
	}
}

func TestBackoff_doubles_to_five_minutes_and_forgets(t *testing.T) {
	var b Backoff
	at := now
	if !b.Retry(at).Equal(at) {
		t.Error("the first restart waits")
	}
	for _, seconds := range []int{10, 20, 40, 80, 160, 300, 300} {
		want := time.Duration(seconds) * time.Second
		b = b.Advance(at, at)
		at = at.Add(time.Second) // it crashes after a second
		if got := b.Retry(at).Sub(at); got != want {
			t.Fatalf("pause %v, want %v", got, want)
		}
		at = b.Retry(at)
	}
	b = b.Advance(at, at)
	at = at.Add(11 * time.Minute) // a long run
	if !b.Retry(at).Equal(at) {
		t.Error("a run of 11 minutes is held against it")
	}
	if b = b.Advance(at, at); b.Delay() != 10*time.Second {
		t.Errorf("after a long run the pause is %v, want 10s", b.Delay())
	}
}

func TestNext_never_starts_what_lives_nor_stops_what_does_not(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		policy := rapid.SampledFrom([]corev1.RestartPolicy{always, onFailure, never}).Draw(r, "policy")
		p := pod(policy, rapid.SampledFrom([]string{"a", "ab", "ia", "sia", "istjab"}).Draw(r, "names"))
		states := map[string]string{}
		for _, c := range Kinds(p) {
			states[c.Spec.Name] = rapid.SampledFrom([]string{"new", "run", "up", "0", "1", "crash", "busy"}).Draw(r, c.Spec.Name)
		}
		ending := rapid.Bool().Draw(r, "ending")
		all := with(p, states)
		plan := Next(p, all, ending, now)
		alive := 0
		for i := range all {
			if all[i].alive() {
				alive++
			}
		}
		for _, name := range plan.Start {
			if s := states[name]; s == "run" || s == "up" || s == "busy" || s == "crash" || ending {
				r.Fatalf("%s is started though it is %s (ending %v)", name, s, ending)
			}
		}
		for _, name := range plan.Stop {
			if s := states[name]; s != "run" && s != "up" {
				r.Fatalf("%s is stopped though it is %s", name, s)
			}
		}
		if plan.Over && (alive > 0 || len(plan.Start) > 0) {
			r.Fatalf("it is over with %d alive and %v to start", alive, plan.Start)
		}
		if ending && alive == 0 && !plan.Over {
			r.Fatal("an ending pod with nothing alive is not over")
		}
	})
}
