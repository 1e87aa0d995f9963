package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/cluster"
	"github.com/furl-dev/furl/lab/labtest"
	"github.com/furl-dev/furl/lab/pki"
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

// aggregated registers a server of this test as an API of the lab.
func aggregated(t *testing.T, lab *labtest.Lab) {
	t.Helper()
	own, err := pki.NewAuthority("test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := own.Issue(pki.Leaf{Name: "api", DNS: []string{"api.default.svc"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/apis/test.furl.dev/v1/whoami" {
			_, _ = fmt.Fprintf(w, `{"user": %q, "proxy": %q}`, r.Header.Get("X-Remote-User"), r.TLS.PeerCertificates[0].Subject.CommonName)
			return
		}
		_, _ = w.Write([]byte(`{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"test.furl.dev/v1","resources":[]}`))
	}))
	srv.TLS = tlsFor(t, lab, cert)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	lab.Apply(fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {type: ExternalName, externalName: 127.0.0.1}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.test.furl.dev}
spec:
  {group: test.furl.dev, version: v1, groupPriorityMinimum: 100, versionPriority: 100, caBundle: %s, service: {name: api, namespace: default, port: %d}}
`, base64Text(own.PEM), netip.MustParseAddrPort(srv.Listener.Addr().String()).Port()))
	lab.Kubectl("wait", "--for=condition=Available", "apiservice/v1.test.furl.dev", "--timeout=30s")
	got := lab.Kubectl("get", "--raw", "/apis/test.furl.dev/v1/whoami")
	if want := `{"user": "furl-lab-admin", "proxy": "front-proxy-client"}`; strings.TrimSpace(got) != want {
		t.Errorf("the API was asked as %s, want %s", got, want)
	}
	lab.Kubectl("delete", "apiservice/v1.test.furl.dev")
}

func TestDown(t *testing.T) {
	t.Run("leaves_nothing", func(t *testing.T) {
		lab := loaded(t)
		lab.Stop()
		lab.nothingLeft(t)
	})
	t.Run("leaves_nothing_after_the_supervisor_was_killed", func(t *testing.T) {
		lab := loaded(t)
		if err := lab.Supervisor.Kill(); err != nil {
			t.Fatal(err)
		}
		<-lab.Ended()
		allGone(t, lab.processes) // without anybody's help
		if s, err := cluster.Look(t.Context(), lab.Dir, time.Now()); err != nil || s.Phase != cluster.Dead {
			t.Errorf("status is %+v, %v; want %s", s, err, cluster.Dead)
		}
		down(t, lab.Lab)
		lab.nothingLeft(t)
	})
	t.Run("leaves_nothing_when_up_is_interrupted", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "lab")
		up := exec.CommandContext(t.Context(), filepath.Join(labtest.Programs(t), "furl-lab"), "up", "--dir", dir, "--operator=false")
		var out strings.Builder
		up.Stdout, up.Stderr = &out, &out
		if err := up.Start(); err != nil {
			t.Fatal(err)
		}
		var begun cluster.State
		labtest.Eventually(t, time.Minute, "the plane to be started", func(context.Context) error {
			raw, err := os.ReadFile(filepath.Join(dir, "lab.json"))
			if err != nil {
				return err
			}
			if err := json.Unmarshal(raw, &begun); err != nil {
				return err
			}
			if begun.Children["plane"].PID == 0 {
				return errors.New("not yet")
			}
			return nil
		})
		if err := up.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		const interrupted = 130 // 128 + SIGINT, as shells count
		if err := up.Wait(); up.ProcessState.ExitCode() != interrupted {
			t.Errorf("up ended with %v: %s", err, out.String())
		}
		allGone(t, []int{begun.Supervisor.PID, begun.Children["plane"].PID})
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the lab's folder is still there: %v", err)
		}
	})
	t.Run("leaves_no_empty_folder_in_the_user's_cache", func(t *testing.T) {
		cache := t.TempDir()
		t.Setenv("XDG_CACHE_HOME", cache) // where it is on Linux
		home, err := os.UserCacheDir()
		if err != nil || home != cache {
			t.Skip("the cache folder of this system cannot be moved")
		}
		one, other := filepath.Join(cache, "furl", "lab", "one"), filepath.Join(cache, "furl", "lab", "other")
		for _, dir := range []string{one, other} {
			if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		if err := cluster.Down(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(other); err != nil {
			t.Errorf("the other lab: %v", err)
		}
		if err := cluster.Down(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(cache); err != nil || len(left) > 0 {
			t.Errorf("left in the cache: %v, %v", left, err)
		}
	})
	t.Run("says_that_nothing_is_there", func(t *testing.T) {
		out, err := exec.CommandContext(t.Context(), filepath.Join(labtest.Programs(t), "furl-lab"), "down", "--dir", filepath.Join(t.TempDir(), "none")).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "No lab") {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("does_not_delete_a_folder_that_is_no_lab", func(t *testing.T) {
		dir := t.TempDir()
		precious := filepath.Join(dir, "precious")
		if err := os.WriteFile(precious, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, verb := range []string{"up", "down"} {
			_ = exec.CommandContext(t.Context(), filepath.Join(labtest.Programs(t), "furl-lab"), verb, "--dir", dir).Run()
		}
		if _, err := os.Stat(precious); err != nil {
			t.Errorf("a file of the user's is gone: %v", err)
		}
	})
}

func TestPlane(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	lab := labtest.Start(t, labtest.Options{Dir: dir, Keep: true})
	lab.Kubectl("create", "configmap", "note", "--from-literal=text=kept")

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

// load is a lab and what it made outside its folder.
type load struct {
	*labtest.Lab
	processes []int
	cgroup    string
}

// loaded is a lab with pods that run, one of which ignores SIGTERM, and all of its processes.
func loaded(t *testing.T) load {
	t.Helper()
	lab := labtest.Start(t, labtest.Options{Nodes: 1, SimNodes: 1})
	lab.Apply(web)
	lab.Kubectl("run", "stubborn", "--image=busybox", "--", "sh", "-c", "trap '' TERM; while true; do sleep 1; done")
	ready(t, lab, "app=web", 2)
	ready(t, lab, "run=stubborn", 1)
	all := family(t, lab.Supervisor.Pid)
	const least = 1 + 1 + 3 // supervisor, plane, pods
	if runtime.GOOS == "linux" && len(all) < least {
		t.Fatalf("the lab has processes %v, want %d at least", all, least)
	}
	return load{lab, all, cgroup(t, lab)}
}

func down(t *testing.T, lab *labtest.Lab) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), filepath.Join(lab.Bin, "furl-lab"), "down", "--dir", lab.Dir).CombinedOutput(); err != nil {
		t.Fatalf("furl-lab down: %v: %s", err, out)
	}
}

func (l load) nothingLeft(t *testing.T) {
	t.Helper()
	allGone(t, l.processes)
	if _, err := os.Stat(l.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lab's folder is still there: %v", err)
	}
	if l.cgroup == "" {
		return
	}
	if _, err := os.Stat(l.cgroup); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("cgroup %s is still there: %v", l.cgroup, err)
	}
}

func allGone(t *testing.T, processes []int) {
	t.Helper()
	labtest.Eventually(t, 20*time.Second, "every process of the lab to be gone", func(context.Context) error {
		for _, pid := range processes {
			if state := stateOf(pid); state != "" && state != "Z" {
				return fmt.Errorf("process %d is in state %s", pid, state)
			}
		}
		return nil
	})
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

func TestOperator(t *testing.T) {
	t.Run("has_the_rights_of_the_manifests_and_serves_the_metrics", func(t *testing.T) {
		lab := labtest.Start(t, labtest.Options{Nodes: 1, SimNodes: 1, Operator: true, Args: []string{"--operator-arg=--metric-resolution=1s"}})
		if got := lab.Kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}",
			"--kubeconfig", filepath.Join(lab.Dir, "operator", "kubeconfig")); got != "system:serviceaccount:furl-system:furl" {
			t.Errorf("the operator is %s", got)
		}
		lab.Apply(simulated)
		ready(t, lab, "app=fake", 2)
		labtest.Eventually(t, time.Minute, "kubectl top to show what the annotation says", func(ctx context.Context) error {
			out, err := lab.TryKubectl(ctx, "top", "pods", "--no-headers", "-l", "app=fake")
			if err == nil && strings.Count(out, "120m") != 2 {
				err = fmt.Errorf("it shows %q", out)
			}
			return err
		})
		lab.Stop()
	})
	t.Run("shows_a_permission_that_the_manifests_forget", func(t *testing.T) {
		bin := labtest.Programs(t)
		root, err := labtest.Root()
		if err != nil {
			t.Fatal(err)
		}
		mutilated := t.TempDir()
		files, err := filepath.Glob(filepath.Join(root, "deploy", "*.yaml"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no manifests: %v", err)
		}
		for _, f := range files {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(string(raw), "nodes/metrics", "nodes/forgotten")
			if err := os.WriteFile(filepath.Join(mutilated, filepath.Base(f)), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		lab := labtest.Start(t, labtest.Options{Bin: bin, SimNodes: 1, Operator: true, Args: []string{"--manifests", mutilated, "--operator-arg=--metric-resolution=1s"}})
		labtest.Eventually(t, time.Minute, "the operator to say that it may not scrape", func(context.Context) error {
			raw, err := os.ReadFile(filepath.Join(lab.Dir, "logs", "operator.log"))
			if err == nil && !strings.Contains(string(raw), "403") && !strings.Contains(string(raw), "Forbidden") {
				err = fmt.Errorf("its log says %s", raw)
			}
			return err
		})
		if out, err := lab.TryKubectl(t.Context(), "top", "nodes"); err == nil && strings.Contains(out, "sim-0  ") && !strings.Contains(out, "unknown") {
			t.Errorf("nodes have metrics without the permission: %s", out)
		}
	})
}
