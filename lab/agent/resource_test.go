package agent

import (
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// sample is one metric of a container and its instant.
func (b *bed) sample(name, pod string) (value float64, at time.Time) {
	b.Helper()
	_, text := b.get("/metrics/resource")
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, name+`{container="c",namespace="default",pod="`+pod+`"} `)
		if !ok {
			continue
		}
		fields := strings.Fields(rest)
		value, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			b.Fatal(err)
		}
		if len(fields) > 1 {
			milli, err := strconv.ParseInt(fields[1], 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			at = time.UnixMilli(milli)
		}
		return value, at
	}
	b.Fatalf("no %s of pod %s in %s", name, pod, text)
	return 0, time.Time{}
}

func TestCPU_limit_binds_and_is_measured(t *testing.T) {
	b := newBed(t)
	c := sh("while :; do :; done")
	c[0].Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: mustQuantity("200m")}
	b.run("busy", corev1.PodSpec{Containers: c})
	b.eventually("the pod to be ready", func() bool { return b.ready("busy") })
	wait := time.NewTimer(500 * time.Millisecond)
	<-wait.C
	v1, t1 := b.sample("container_cpu_usage_seconds_total", "busy")
	var seen []float64
	var t2 time.Time
	for range 5 { // a machine busy with other things can give less for a while, but never more
		wait.Reset(4 * time.Second)
		<-wait.C
		var v2 float64
		v2, t2 = b.sample("container_cpu_usage_seconds_total", "busy")
		got := (v2 - v1) / t2.Sub(t1).Seconds()
		v1, t1, seen = v2, t2, append(seen, got)
		if got >= 0.15 {
			break
		}
	}
	t.Logf("used %.3f cores", seen)
	if last := seen[len(seen)-1]; last < 0.15 || last > 0.27 {
		t.Errorf("used %.3f cores, want 0.15 to 0.27", seen)
	}
	if age := time.Since(t2); age > 2*time.Second {
		t.Errorf("the sample is %v old: it is read at the scrape", age)
	}
	started, _ := b.sample("container_start_time_seconds", "busy")
	if age := time.Since(time.UnixMilli(int64(started * 1000))); age < 4*time.Second || age > time.Minute {
		t.Errorf("started %v ago", age)
	}
}

func TestMemory_is_measured(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{Containers: sh("x=0123456789abcdef; for i in 1 2 3 4 5 6 7 8 9 a b c d e f g h i; do x=$x$x; done; while :; do sleep 0.05; done")})
	b.eventually("the memory to be taken", func() bool { // 4 MiB of text
		v, _ := b.sampleIf("container_memory_working_set_bytes", "p")
		return v > 4<<20 && v < 64<<20
	})
}

func (b *bed) sampleIf(name, pod string) (float64, time.Time) {
	if !b.ready(pod) {
		return 0, time.Time{}
	}
	return b.sample(name, pod)
}

func TestSpec_reaches_the_program_as_environment_files_and_arguments(t *testing.T) {
	b := newBed(t,
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "cm", Namespace: "default"}, Data: map[string]string{"greeting": "hello"}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s", Namespace: "default"}, Data: map[string][]byte{"password": []byte("hunter2")}},
	)
	env := []corev1.EnvVar{
		{Name: "IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}},
		{Name: "GREETING", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: "cm"}, Key: "greeting",
		}}},
		{Name: "FILE", Value: "/etc/secret/password"},
	}
	mounts := []corev1.VolumeMount{{Name: "v", MountPath: "/etc/secret"}, {Name: "e", MountPath: "/srv"}}
	volumes := []corev1.Volume{
		{Name: "v", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}},
		{Name: "e", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}
	shell := sh("echo $IP $GREETING $FILE $(cat $FURL_POD_DIR$FILE) $(pwd | sed s,$FURL_POD_DIR,,)")
	shell[0].Env, shell[0].VolumeMounts, shell[0].WorkingDir = env, mounts, "/srv/sub"
	b.run("shell", corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: shell, Volumes: volumes})
	b.eventually("the shell's end", func() bool { return b.pod("shell").Status.Phase == corev1.PodSucceeded })
	ip := b.pod("shell").Status.PodIP
	if got, want := b.logs("shell", ""), ip+" hello /etc/secret/password hunter2 /srv/sub\n"; got != want && got != strings.Replace(want, "/srv/sub", "/.volumes/e/sub", 1) {
		t.Errorf("printed %q, want %q", got, want)
	}
	b.run("program", corev1.PodSpec{Volumes: volumes, Containers: []corev1.Container{{
		Name: "c", Image: "server", VolumeMounts: mounts, Env: env, Ports: []corev1.ContainerPort{{ContainerPort: 8080}},
		Args: []string{"--file=/etc/secret/password", "$(GREETING)", "/etc/secretary"},
	}}})
	b.eventually("the program to listen", func() bool { return strings.Contains(b.logs("program", ""), "listening") })
	ip = b.pod("program").Status.PodIP
	got := b.logs("program", "")
	if !strings.Contains(got, "listening on "+ip+":8080") || !strings.Contains(got, "/root/etc/secret/password hello /etc/secretary]") ||
		strings.Contains(got, "[--file=/etc") {
		t.Errorf("printed %q", got)
	}
	if at, ok := b.ports.Lookup(ip, 8080); !ok || at != ip+":8080" {
		t.Errorf("port 8080 is at %s, %v", at, ok)
	}
}

func TestContainer_waits_for_a_ConfigMap_that_is_missing(t *testing.T) {
	b := newBed(t)
	c := sh("exec sleep 1000")
	c[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "late"}}}}
	b.run("p", corev1.PodSpec{Containers: c})
	b.eventually("the reason", func() bool {
		w := b.main("p").State.Waiting
		return w != nil && w.Reason == "CreateContainerConfigError" && strings.Contains(w.Message, `"late" not found`)
	})
	if _, err := b.client.CoreV1().ConfigMaps("default").Create(t.Context(),
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "late", Namespace: "default"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	b.eventually("the pod to be ready", func() bool { return b.ready("p") })
}

func TestVolume_that_is_missing_is_waited_for(t *testing.T) {
	b := newBed(t)
	c := sh("exec sleep 1000")
	c[0].VolumeMounts = []corev1.VolumeMount{{Name: "v", MountPath: "/v"}}
	b.run("p", corev1.PodSpec{Containers: c, Volumes: []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
		Secret: &corev1.SecretVolumeSource{SecretName: "late"},
	}}}})
	b.eventually("an event", func() bool { return len(b.events("FailedMount")) > 0 })
	if s := b.main("p"); s.State.Waiting == nil || s.State.Waiting.Reason != "ContainerCreating" {
		t.Errorf("state %+v", s.State)
	}
	if _, err := b.client.CoreV1().Secrets("default").Create(t.Context(),
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "late", Namespace: "default"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	b.eventually("the pod to be ready", func() bool { return b.ready("p") })
}

func TestNode_that_begins_anew_restarts_its_pods_and_counts(t *testing.T) {
	running := newPod("p", corev1.PodSpec{Containers: sh("echo again; exec sleep 1000")})
	running.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "127.64.9.200", ContainerStatuses: []corev1.ContainerStatus{{
		Name: "c", RestartCount: 2, ContainerID: "furl://old", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
	}}}
	finished := newPod("done", corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: sh("echo never")})
	finished.Status.Phase = corev1.PodSucceeded
	b := newBed(t, running, finished)
	b.eventually("the pod to be ready", func() bool { return b.ready("p") && b.main("p").RestartCount == 3 })
	if s := b.main("p"); s.LastTerminationState.Terminated == nil || s.LastTerminationState.Terminated.Reason != "ContainerStatusUnknown" {
		t.Errorf("last state %+v", s.LastTerminationState)
	}
	if got := b.pod("done").Status; got.Phase != corev1.PodSucceeded || len(got.ContainerStatuses) > 0 {
		t.Errorf("the finished pod was touched: %+v", got)
	}
	b.remove("done")
	b.eventually("the finished pod to be gone", func() bool { return b.gone("done") })
}

func TestImage_that_changes_restarts_the_container(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{Containers: sh("trap 'exit 0' TERM; while :; do sleep 0.05; done")})
	b.eventually("the pod to be ready", func() bool { return b.ready("p") })
	p := b.pod("p")
	p.Spec.Containers[0].Image = "busybox:2"
	if _, err := b.client.CoreV1().Pods("default").Update(t.Context(), p, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	b.eventually("the restart", func() bool { s := b.main("p"); return s.RestartCount == 1 && s.Image == "busybox:2" && s.Ready })
}

func TestPods_leave_nothing_on_disk_when_they_are_gone(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{Containers: sh("exec sleep 1000")})
	b.eventually("the pod to be ready", func() bool { return b.ready("p") })
	ip := b.pod("p").Status.PodIP
	b.remove("p")
	b.eventually("the pod to be gone", func() bool { return b.gone("p") })
	b.eventually("the folders to be gone", func() bool { return len(b.left(podsFolder))+len(b.left(logsFolder)) == 0 })
	b.run("q", corev1.PodSpec{Containers: sh("exec sleep 1000")})
	b.eventually("the next pod to be ready", func() bool { return b.ready("q") })
	if next := b.pod("q").Status.PodIP; next == ip {
		t.Errorf("address %s was used again at once", ip)
	}
}
