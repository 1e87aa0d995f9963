package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/cluster"
	"github.com/furl-dev/furl/lab/labtest"
	"github.com/furl-dev/furl/lab/route/loopback"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const simulated = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: fake}
spec:
  replicas: 2
  selector: {matchLabels: {app: fake}}
  template:
    metadata: {labels: {app: fake}, annotations: {furl.dev/cpu: 120m}}
    spec:
      terminationGracePeriodSeconds: 30
      nodeSelector: {furl.dev/simulated: "true"}
      tolerations: [{key: furl.dev/simulated, operator: Exists}]
      containers: [{name: app, image: nowhere/at-all}]
`

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: registry.k8s.io/hpa-example, ports: [{containerPort: 8080}], env: [{name: CPU_PER_REQUEST, value: 1ms}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 8080}]}
`

// strayWebhook wants to be asked at an address that is nobody's (RFC 5737).
const strayWebhook = `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: stray}
webhooks:
- name: stray.furl.dev
  clientConfig: {url: "https://192.0.2.1/"}
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [serviceaccounts]}]
  timeoutSeconds: 1
  sideEffects: None
  admissionReviewVersions: [v1]
`

func TestLab(t *testing.T) {
	lab := labtest.Start(t, labtest.Options{Nodes: 1, SimNodes: 2})

	t.Run("runs_a_deployment_on_simulated_nodes", func(t *testing.T) {
		lab.Apply(simulated)
		ready(t, lab, "app=fake", 2)
		pods := list(t.Context(), t, lab, "app=fake")
		for _, p := range pods {
			if !strings.HasPrefix(p.Spec.NodeName, "sim-") {
				t.Errorf("pod %s is on node %s", p.Name, p.Spec.NodeName)
			}
		}
		lab.Kubectl("delete", "deployment", "fake", "--cascade=foreground", "--timeout=20s") // far less than the pods' grace
	})
	t.Run("keeps_pods_that_do_not_tolerate_it_off_simulated_nodes", func(t *testing.T) {
		lab.Apply(web)
		ready(t, lab, "app=web", 2)
		for _, p := range list(t.Context(), t, lab, "app=web") {
			if p.Spec.NodeName != "lab-0" {
				t.Errorf("pod %s is on node %s", p.Name, p.Spec.NodeName)
			}
		}
	})
	t.Run("routes_a_service_to_a_pod", func(t *testing.T) {
		lab.Apply(web)
		ready(t, lab, "app=web", 2)
		s, err := lab.Client.CoreV1().Services("default").Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS == "linux" { // elsewhere the address is a name only
			get(t, "http://"+net.JoinHostPort(s.Spec.ClusterIP, "8080")+"/")
		}
		out := lab.Kubectl("run", "client", "-i", "--rm", "--quiet", "--restart=Never", "--image=busybox", "--", "wget", "-q", "-O-", "http://web:8080/")
		if !strings.Contains(out, "OK!") {
			t.Errorf("a pod that asked http://web:8080/ got %q", out)
		}
	})
	t.Run("answers_the_shell's_questions_for_names", func(t *testing.T) { names(t, lab) })
	t.Run("writes_under_the_names_of_the_components", func(t *testing.T) {
		lab.Apply(web)
		ready(t, lab, "app=web", 2)
		for _, w := range []struct{ object, manager string }{
			{"deployment/web", "kube-controller-manager"},
			{"events --field-selector=reason=Scheduled", "kube-scheduler"},
			{"clusterrole/cluster-admin", "kube-apiserver"},
		} {
			args := append(append([]string{"get"}, strings.Fields(w.object)...), "-o", "jsonpath={..manager}")
			if out := lab.Kubectl(args...); !slices.Contains(strings.Fields(out), w.manager) {
				t.Errorf("%s was written by %s, not by %s", w.object, out, w.manager)
			}
		}
	})
	t.Run("leads_an_aggregated_api_to_a_port_of_this_machine", func(t *testing.T) { aggregated(t, lab) })
	t.Run("lets_no_webhook_lead_outside", func(t *testing.T) {
		lab.Apply(strayWebhook)
		labtest.Eventually(t, 30*time.Second, "the webhook to be asked and not reached", func(ctx context.Context) error {
			_, err := lab.TryKubectl(ctx, "create", "serviceaccount", "stray", "--dry-run=server")
			if err == nil || !strings.Contains(err.Error(), loopback.ErrOutside.Error()) {
				return fmt.Errorf("a webhook at a documentation address: %w", err)
			}
			return nil
		})
		lab.Kubectl("delete", "validatingwebhookconfiguration", "stray")
	})
	t.Run("says_what_runs", func(t *testing.T) {
		raw, err := exec.CommandContext(t.Context(), filepath.Join(lab.Bin, "furl-lab"), "status", "--dir", lab.Dir, "--output", "json").Output()
		if err != nil {
			t.Fatal(err)
		}
		var s cluster.Status
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		if s.Phase != cluster.Ready || s.Nodes == nil || s.Nodes.Ready != 3 || s.Nodes.Simulated != 2 || len(s.Processes) != 2 {
			t.Errorf("status is %s", raw)
		}
		for _, p := range s.Processes {
			if !p.Running || runtime.GOOS == "linux" && p.ResidentBytes < 10<<20 {
				t.Errorf("process %+v", p)
			}
		}
	})
	t.Run("is_one_of_a_kind", func(t *testing.T) {
		out, err := exec.CommandContext(t.Context(), filepath.Join(lab.Bin, "furl-lab"), "up", "--dir", lab.Dir).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "runs already") {
			t.Errorf("a second up: %v, %s", err, out)
		}
	})
	t.Run("listens_on_loopback_only", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("reads /proc")
		}
		for _, l := range listeners(t, family(t, lab.Supervisor.Pid)) {
			if !net.ParseIP(l).IsLoopback() {
				t.Errorf("something of the lab listens on %s", l)
			}
		}
	})
}

func TestPlane(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	lab := labtest.Start(t, labtest.Options{Dir: dir, Keep: true})
	lab.Kubectl("create", "configmap", "note", "--from-literal=text=kept")

	t.Run("tells_which_release_it_is_and_kubectl_is_the_same", func(t *testing.T) {
		said := regexp.MustCompile(`(?m)^(?:Client|Server) Version: (v1\.\d+\.\d+)$`).FindAllStringSubmatch(lab.Kubectl("version"), -1)
		if len(said) != 2 || said[0][1] != said[1][1] {
			t.Errorf("kubectl version tells %q, want one release of client and server", said)
		}
	})
	t.Run("comes_back_by_itself_after_it_was_killed", func(t *testing.T) {
		killed := planePID(t, dir)
		if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		labtest.Eventually(t, 2*time.Minute, "another plane with the same data", func(ctx context.Context) error {
			if planePID(t, dir) == killed {
				return errors.New("no other plane yet")
			}
			return noteIs(ctx, lab, "kept")
		})
	})
	t.Run("goes_on_with_kept_data", func(t *testing.T) {
		lab.Stop()
		again := labtest.Start(t, labtest.Options{Dir: dir})
		if err := noteIs(t.Context(), again, "kept"); err != nil {
			t.Error(err)
		}
	})
}

func TestUnprivileged(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("every other test here runs without privileges already")
	}
	bin := filepath.Join(t.TempDir(), "bin")
	reachable(t, bin)
	for _, name := range []string{"furl-lab", "furl-shell", "hpa-example", "kubectl"} {
		copyFile(t, filepath.Join(labtest.Programs(t), name), filepath.Join(bin, name))
	}
	dir := filepath.Join(filepath.Dir(bin), "lab")
	const nobody = 65534
	if err := errors.Join(os.Mkdir(dir, 0o700), os.Chown(dir, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	lab := labtest.Start(t, labtest.Options{Nodes: 1, Bin: bin, Dir: dir, Keep: true, Credential: &syscall.Credential{Uid: nobody, Gid: nobody}})
	lab.Apply(strings.ReplaceAll(web, "8080", "80")) // a port that takes privileges
	ready(t, lab, "app=web", 2)
	out := lab.Kubectl("run", "client", "-i", "--rm", "--quiet", "--restart=Never", "--image=busybox", "--", "wget", "-q", "-O-", "http://web/")
	if !strings.Contains(out, "OK!") {
		t.Errorf("a pod that asked http://web/ got %q", out)
	}
	// Port 80 is really another one, and the variables of the Service say so.
	out = lab.Kubectl("run", "linked", "-i", "--rm", "--quiet", "--restart=Never", "--image=busybox", "--",
		"sh", "-c", "wget -q -O- http://$WEB_SERVICE_HOST:$WEB_SERVICE_PORT/; echo $WEB_SERVICE_PORT")
	if !strings.Contains(out, "OK!") || strings.HasSuffix(strings.TrimSpace(out), "!80") {
		t.Errorf("a pod that asked by the Service's variables got %q", out)
	}
}

func TestLabsSideBySide(t *testing.T) {
	one := labtest.Start(t, labtest.Options{SimNodes: 1})
	other := labtest.Start(t, labtest.Options{SimNodes: 1})
	a, b := serviceIP(t, one), serviceIP(t, other)
	if a == b {
		t.Errorf("both labs have the Service address %s", a)
	}
	if err := noteIs(t.Context(), other, ""); err == nil {
		t.Error("a note was there before")
	}
	one.Kubectl("create", "configmap", "note", "--from-literal=text=mine")
	if err := noteIs(t.Context(), other, "mine"); err == nil {
		t.Error("one lab sees the other's objects")
	}
}

func serviceIP(t *testing.T, lab *labtest.Lab) string {
	t.Helper()
	s, err := lab.Client.CoreV1().Services("default").Get(t.Context(), "kubernetes", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s.Spec.ClusterIP
}

func noteIs(ctx context.Context, lab *labtest.Lab, want string) error {
	m, err := lab.Client.CoreV1().ConfigMaps("default").Get(ctx, "note", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if m.Data["text"] != want {
		return fmt.Errorf("the note is %q, want %q", m.Data["text"], want)
	}
	return nil
}

func planePID(t *testing.T, dir string) int {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "lab.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s cluster.State
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return s.Children["plane"].PID
}

func list(ctx context.Context, t *testing.T, lab *labtest.Lab, selector string) []corev1.Pod {
	t.Helper()
	pods, err := lab.Client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		t.Fatal(err)
	}
	return pods.Items
}

func ready(t *testing.T, lab *labtest.Lab, selector string, want int) {
	t.Helper()
	labtest.Eventually(t, time.Minute, strconv.Itoa(want)+" ready pods of "+selector, func(ctx context.Context) error {
		n := 0
		for _, p := range list(ctx, t, lab, selector) {
			for _, c := range p.Status.Conditions {
				if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
					n++
				}
			}
		}
		if n != want {
			return fmt.Errorf("%d are ready", n)
		}
		return nil
	})
}
