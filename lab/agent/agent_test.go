package agent

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestPod_becomes_a_ready_process_and_prints(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{Containers: sh("echo hello $HOSTNAME; exec sleep 1000")})
	b.eventually("the pod to be ready", func() bool { return b.ready("p") })
	p := b.pod("p")
	if p.Status.Phase != corev1.PodRunning || !strings.HasPrefix(p.Status.PodIP, "127.64.9.") {
		t.Errorf("phase %s, address %s", p.Status.Phase, p.Status.PodIP)
	}
	b.eventually("the log", func() bool { return b.logs("p", "") == "hello p\n" })
	status, metrics := b.get("/metrics/resource")
	if status != 200 || !strings.Contains(metrics, `container_cpu_usage_seconds_total{container="c",namespace="default",pod="p"}`) {
		t.Errorf("metrics answered %d: %s", status, metrics)
	}
	b.remove("p")
	b.eventually("the pod to be gone", func() bool { return b.gone("p") })
}
