package agent

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestContainer_finds_its_neighbour_at_localhost(t *testing.T) {
	b := newBed(t)
	asker := sh("echo $MODEL http://localhost:8080/health http://localhost:1/; exit 0")
	asker[0].Env = []corev1.EnvVar{{Name: "MODEL", Value: "http://localhost:8080"}}
	b.run("p", corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: append(asker,
		corev1.Container{Name: "model", Image: "server", Ports: []corev1.ContainerPort{{ContainerPort: 8080}}})})
	b.eventually("the asker's words", func() bool { return strings.HasSuffix(b.logs("p", ""), "http://localhost:1/\n") })
	ip := b.pod("p").Status.PodIP
	if got, want := b.logs("p", ""), "http://"+ip+":8080 http://"+ip+":8080/health http://localhost:1/\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}
