package agent

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func TestContainer_that_crashes_is_restarted_with_back_off(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{Containers: sh("echo run; exit 3")})
	b.eventually("the back-off", func() bool {
		s := b.main("p")
		return s.RestartCount == 1 && s.State.Waiting != nil && s.State.Waiting.Reason == "CrashLoopBackOff"
	})
	s := b.main("p")
	want := "back-off 10s restarting failed container=c pod=p_default(p-uid)"
	if s.State.Waiting.Message != want {
		t.Errorf("message %q, want %q", s.State.Waiting.Message, want)
	}
	if s.LastTerminationState.Terminated == nil || s.LastTerminationState.Terminated.ExitCode != 3 {
		t.Errorf("last state %+v, want exit code 3", s.LastTerminationState)
	}
	if phase := b.pod("p").Status.Phase; phase != corev1.PodRunning {
		t.Errorf("phase %s, want Running", phase)
	}
	if got := b.logs("p", "previous=true"); got != "run\n" {
		t.Errorf("previous log %q", got)
	}
}

func TestPod_that_completes_has_succeeded(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: sh("echo done")})
	b.eventually("success", func() bool { return b.pod("p").Status.Phase == corev1.PodSucceeded })
	for _, c := range b.pod("p").Status.Conditions {
		if c.Type == corev1.PodReady && (c.Status != corev1.ConditionFalse || c.Reason != "PodCompleted") {
			t.Errorf("ready condition %+v", c)
		}
	}
	if got := b.logs("p", ""); got != "done\n" {
		t.Errorf("log after the end %q", got)
	}
	b.remove("p")
	b.eventually("the pod to be gone", func() bool { return b.gone("p") })
}

func TestPod_fails_with_its_exit_code(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: sh("kill -9 $$$$")})
	b.eventually("failure", func() bool { return b.pod("p").Status.Phase == corev1.PodFailed })
	if s := b.main("p"); s.State.Terminated.ExitCode != 137 || s.State.Terminated.Reason != "Error" {
		t.Errorf("state %+v, want exit code 137, Error", s.State.Terminated)
	}
}

func TestImage_that_is_unknown_says_how_to_map_one(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "nginx:1"}}})
	reason := ""
	b.eventually("ErrImagePull", func() bool {
		if w := b.main("p").State.Waiting; w != nil {
			reason = w.Reason
		}
		return reason == "ErrImagePull" || reason == "ImagePullBackOff"
	})
	b.eventually("ImagePullBackOff", func() bool {
		w := b.main("p").State.Waiting
		return w != nil && w.Reason == "ImagePullBackOff" && strings.Contains(w.Message, "furl lab up --image nginx=")
	})
	if phase := b.pod("p").Status.Phase; phase != corev1.PodPending {
		t.Errorf("phase %s, want Pending", phase)
	}
	for reason, want := range map[string]string{
		"Pulling": `Pulling image "nginx:1"`, "BackOff": `Back-off pulling image "nginx:1"`, "Failed": "Error: ImagePullBackOff",
	} {
		b.eventually("event "+want, func() bool { return slices.Contains(b.events(reason), want) })
	}
	if status, text := b.get("/containerLogs/default/p/c"); status != 400 || !strings.Contains(text, "trying and failing to pull image") {
		t.Errorf("the log answered %d %q", status, text)
	}
}

func TestInit_containers_run_in_order_before_the_rest(t *testing.T) {
	b := newBed(t)
	always := corev1.ContainerRestartPolicyAlways
	script := func(s string) []string { return []string{"/bin/sh", "-c", s} }
	b.run("p", corev1.PodSpec{
		InitContainers: []corev1.Container{
			{Name: "one", Command: script("echo one >$FURL_POD_DIR/order")},
			{Name: "side", Command: script("echo side >>$FURL_POD_DIR/order; trap 'exit 0' TERM; while :; do sleep 0.05; done"), RestartPolicy: &always},
			{Name: "two", Command: script("echo two >>$FURL_POD_DIR/order")},
		},
		Containers:    sh("cat $FURL_POD_DIR/order"),
		RestartPolicy: corev1.RestartPolicyNever,
	})
	b.eventually("the pod to complete", func() bool { return b.pod("p").Status.Phase == corev1.PodSucceeded })
	lines := strings.Fields(b.logs("p", ""))
	if len(lines) != 3 || lines[0] != "one" || lines[1] == "one" { // side and two run at the same time
		t.Errorf("order %v", lines)
	}
	p := b.pod("p")
	if s := p.Status.InitContainerStatuses[1]; s.State.Terminated == nil {
		t.Errorf("the sidecar was not stopped at the end: %+v", s.State)
	}
}

func TestInit_container_that_fails_for_good_fails_the_pod(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{
		InitContainers: []corev1.Container{{Name: "i", Command: []string{"/bin/sh", "-c", "exit 1"}}},
		Containers:     sh("echo never"), RestartPolicy: corev1.RestartPolicyNever,
	})
	b.eventually("failure", func() bool { return b.pod("p").Status.Phase == corev1.PodFailed })
	if s := b.main("p"); s.State.Waiting == nil || s.State.Waiting.Reason != "PodInitializing" {
		t.Errorf("the main container was started: %+v", s.State)
	}
}

func TestReadiness_follows_the_program(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{Containers: []corev1.Container{{
		Name: "c", Image: "server", Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 80}},
		ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/", Port: intstr.FromString("http")}}},
	}}})
	b.eventually("the pod to be ready", func() bool { return b.ready("p") })
	b.exec("touch $FURL_POD_DIR/sick")
	b.eventually("the pod to be unready", func() bool { return !b.ready("p") })
	s := b.main("p")
	if s.RestartCount != 0 || s.Ready || !*s.Started {
		t.Errorf("status %+v: readiness restarts nothing", s)
	}
	b.exec("rm $FURL_POD_DIR/sick")
	b.eventually("the pod to be ready again", func() bool { return b.ready("p") })
}

func TestLiveness_restarts_the_container(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{Containers: []corev1.Container{{
		Name: "c", Command: []string{"/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"},
		LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{
			Command: []string{"/bin/sh", "-c", "! test -e $FURL_POD_DIR/dead"},
		}}},
	}}})
	b.eventually("the pod to be ready", func() bool { return b.ready("p") })
	b.exec("touch $FURL_POD_DIR/dead")
	b.eventually("a restart", func() bool { return b.main("p").RestartCount > 0 })
	events := b.events("Killing")
	if len(events) == 0 || events[0] != "Container c failed liveness probe, will be restarted" {
		t.Errorf("events %q", events)
	}
}

func TestStartup_probe_holds_the_others_back(t *testing.T) {
	b := newBed(t)
	exec := func(s string) corev1.ProbeHandler {
		return corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"/bin/sh", "-c", s}}}
	}
	b.run("p", corev1.PodSpec{Containers: []corev1.Container{{
		Name: "c", Command: []string{"/bin/sh", "-c", "exec sleep 1000"},
		StartupProbe:   &corev1.Probe{ProbeHandler: exec("test -e $FURL_POD_DIR/up"), FailureThreshold: 1000},
		ReadinessProbe: &corev1.Probe{ProbeHandler: exec("true")},
		LivenessProbe:  &corev1.Probe{ProbeHandler: exec("test -e $FURL_POD_DIR/up")},
	}}})
	b.eventually("a failed startup probe", func() bool { return len(b.events("Unhealthy")) > 0 })
	if s := b.main("p"); *s.Started || s.Ready || s.RestartCount > 0 {
		t.Errorf("status before the start %+v", s)
	}
	b.exec("touch $FURL_POD_DIR/up")
	b.eventually("the pod to be ready", func() bool { return b.ready("p") })
	if s := b.main("p"); !*s.Started {
		t.Errorf("status after the start %+v", s)
	}
}

func TestDeletion_lets_the_program_end_in_order(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{Containers: []corev1.Container{{
		Name: "c", Command: []string{"/bin/sh", "-c", "trap 'cat $FURL_POD_DIR/hook; echo term; exit 0' TERM; echo up; while :; do sleep 0.05; done"},
		Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{
			Command: []string{"/bin/sh", "-c", "echo hook >$FURL_POD_DIR/hook"},
		}}},
	}}})
	b.eventually("the program to be up", func() bool { return b.logs("p", "") == "up\n" })
	var followed string
	done := make(chan struct{})
	go func() { defer close(done); followed = b.logs("p", "follow=true") }()
	b.remove("p")
	b.eventually("the pod to be gone", func() bool { return b.gone("p") })
	<-done
	if followed != "up\nhook\nterm\n" {
		t.Errorf("log %q, want up, what the hook wrote, and term", followed)
	}
}

func TestDeletion_kills_what_does_not_listen(t *testing.T) {
	b := newBed(t)
	two := int64(2)
	b.run("p", corev1.PodSpec{TerminationGracePeriodSeconds: &two, Containers: sh("trap '' TERM; echo up; while :; do sleep 0.05; done")})
	b.eventually("the program to be up", func() bool { return b.logs("p", "") == "up\n" })
	before := time.Now()
	b.remove("p")
	b.eventually("the pod to be gone", func() bool { return b.gone("p") })
	if took := time.Since(before); took < 2*time.Second || took > 6*time.Second {
		t.Errorf("it took %v, want the grace of 2s and little more", took)
	}
}

func TestDeadline_fails_the_pod(t *testing.T) {
	b := newBed(t)
	one := int64(1)
	b.run("p", corev1.PodSpec{ActiveDeadlineSeconds: &one, Containers: sh("exec sleep 1000")})
	b.eventually("failure", func() bool { return b.pod("p").Status.Phase == corev1.PodFailed })
	if s := b.pod("p").Status; s.Reason != "DeadlineExceeded" {
		t.Errorf("reason %q", s.Reason)
	}
}

func TestMemory_limit_kills(t *testing.T) {
	b := newBed(t)
	c := sh("x=0123456789abcdef; while :; do x=$x$x; done")
	c[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: mustQuantity("20Mi")}
	b.run("p", corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: c})
	b.eventually("the end", func() bool { return b.main("p").State.Terminated != nil })
	if s := b.main("p").State.Terminated; s.Reason != "OOMKilled" || s.ExitCode != 137 {
		t.Errorf("state %+v", s)
	}
}

func TestNode_takes_its_processes_with_it_and_begins_anew(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{Containers: sh("echo $$$$; trap '' TERM; sleep 1000 & wait")})
	b.eventually("the log", func() bool { return b.ready("p") && strings.HasSuffix(b.logs("p", ""), "\n") })
	id := strings.TrimSpace(b.logs("p", ""))
	if !alive(id) {
		t.Fatalf("process %q does not run", id)
	}
	b.stop()
	if alive(id) {
		t.Errorf("process %s outlived its node", id)
	}
}

func TestNode_reports_itself(t *testing.T) {
	b := newBed(t)
	n, err := b.client.CoreV1().Nodes().Get(t.Context(), "n1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n.Status.Allocatable.Cpu().Value() != 2 || n.Status.Capacity.Pods().Value() != 110 || n.Labels[corev1.LabelHostname] != "n1" {
		t.Errorf("node %+v", n.Status)
	}
	ready := false
	for _, c := range n.Status.Conditions {
		ready = ready || (c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue && !c.LastHeartbeatTime.IsZero())
	}
	if !ready {
		t.Errorf("conditions %+v", n.Status.Conditions)
	}
	b.eventually("a lease", func() bool {
		l, err := b.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(t.Context(), "n1", metav1.GetOptions{})
		return err == nil && *l.Spec.HolderIdentity == "n1" && l.Spec.RenewTime != nil
	})
}

func TestPostStart_that_fails_ends_the_container(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{
		Name: "c", Command: []string{"/bin/sh", "-c", "exec sleep 1000"},
		Lifecycle: &corev1.Lifecycle{PostStart: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"/bin/sh", "-c", "exit 1"}}}},
	}}})
	b.eventually("failure", func() bool { return b.pod("p").Status.Phase == corev1.PodFailed })
	if e := b.events("FailedPostStartHook"); len(e) != 1 || e[0] != "PostStartHook failed" {
		t.Errorf("events %q", e)
	}
}

func TestTermination_message_is_what_the_program_left(t *testing.T) {
	b := newBed(t)
	own := sh("mkdir -p $FURL_POD_DIR/dev; echo it was me >$FURL_POD_DIR/dev/termination-log; exit 1")
	own[0].TerminationMessagePath = "/dev/termination-log"
	logged := sh("echo last words; exit 1")
	logged[0].TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
	for name, c := range map[string][]corev1.Container{"own": own, "logged": logged} {
		b.run(name, corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: c})
	}
	for name, want := range map[string]string{"own": "it was me\n", "logged": "last words\n"} {
		b.eventually("the end of "+name, func() bool { return b.main(name).State.Terminated != nil })
		if got := b.main(name).State.Terminated.Message; got != want {
			t.Errorf("pod %s left %q, want %q", name, got, want)
		}
	}
}

func TestPod_that_is_deleted_by_force_leaves_no_process(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{Containers: sh("echo $$$$; exec sleep 1000")})
	b.eventually("the log", func() bool { return b.ready("p") && strings.HasSuffix(b.logs("p", ""), "\n") })
	id := strings.TrimSpace(b.logs("p", ""))
	if !alive(id) {
		t.Fatalf("process %q does not run", id)
	}
	if err := b.client.CoreV1().Pods("default").Delete(t.Context(), "p", metav1.DeleteOptions{}); err != nil { // as when its node is deleted
		t.Fatal(err)
	}
	b.eventually("the process to be gone", func() bool { return !alive(id) })
}
