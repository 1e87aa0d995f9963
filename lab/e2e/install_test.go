package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
)

// promise is a ScaledObject that is to give its target its two replicas back.
const promise = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker}
spec:
  replicas: 2
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec: {containers: [{name: c, image: registry.k8s.io/pause:3.10}]}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker}
spec:
  scaleTargetRef: {name: worker}
  minReplicaCount: 2
  advanced: {restoreToOriginalReplicaCount: true}
  triggers:
    - type: cron
      metadata: {timezone: UTC, start: 0 0 1 1 *, end: 1 0 1 1 *, desiredReplicas: "2"}
`

// TestInstall_comes_and_goes_in_any_order runs furl install and furl uninstall as users do, against a real API server
// whose namespaces, definitions and APIs get stuck as everywhere. Endpoints may not be on loopback addresses, so that
// the APIs which an installation registers here have no server, ever: that is what a dead operator leaves behind.
func TestInstall_comes_and_goes_in_any_order(t *testing.T) {
	t.Parallel() // mostly waits
	bin := labtest.Programs(t)
	l := labtest.Start(t, labtest.Options{Nodes: 1, Args: []string{"--image", "furl=" + filepath.Join(bin, "furl")}})
	objects, err := dynamic.NewForConfig(l.REST)
	if err != nil {
		t.Fatal(err)
	}

	installed(t, l)
	l.Apply(promise)
	awaitFinalizer(t, l)

	t.Run("upgraded_to_some_namespaces_only_it_works_with_the_rights_of_these", func(t *testing.T) {
		installed(t, l, "--namespaces=default", "--without=metrics-api")
		if out, err := l.TryKubectl(t.Context(), "get", "apiservice", "v1beta1.metrics.k8s.io"); err == nil {
			t.Errorf("the API that the new form does not have is still there: %s", out)
		}
		may, _ := l.TryKubectl(t.Context(), "auth", "can-i", "list", "pods", "-n", "kube-system", "--as=system:serviceaccount:furl-system:furl") // it fails where the answer is no
		if may != "no\n" {
			t.Errorf("may it list the pods of another namespace? %s", may)
		}
	})
	t.Run("uninstalled_while_it_is_at_work", func(t *testing.T) {
		say := runFurl(t, l, "uninstall")
		if !strings.Contains(say, "promised to give its target its 2 replicas back") {
			t.Errorf("the promise that nobody keeps any more is not told:\n%s", say)
		}
		nothingStuck(t, l, objects)
		if f := finalizers(t, l); f != "" {
			t.Errorf("the user's object holds the finalizers %q", f)
		}
	})
	t.Run("with_its_namespace_deleted_first", func(t *testing.T) {
		installed(t, l)
		l.Kubectl("delete", "namespace", "furl-system", "--wait=false")
		runFurl(t, l, "uninstall")
		nothingStuck(t, l, objects)
	})
	t.Run("with_the_definitions_deleted_first_and_the_operator_dead", func(t *testing.T) {
		installed(t, l)
		awaitFinalizer(t, l)
		l.Kubectl("delete", "deployment", "furl", "-n", "furl-system", "--cascade=foreground")
		l.Kubectl("scale", "deployment", "worker", "--replicas=5")
		l.Kubectl("delete", "crd", "scaledobjects.keda.sh", "--wait=false")
		say := runFurl(t, l, "uninstall", "--crds")
		if !strings.Contains(say, "has its 2 replicas back") {
			t.Errorf("it did not say that it kept the promise:\n%s", say)
		}
		nothingStuck(t, l, objects)
		if out := l.Kubectl("get", "deployment", "worker", "-o", "jsonpath={.spec.replicas}"); out != "2" {
			t.Errorf("the target has %s replicas, want the 2 that it had", out)
		}
		if out := l.Kubectl("get", "crd", "-o", "name"); strings.Contains(out, "keda.sh") {
			t.Errorf("definitions are left: %s", out)
		}
	})
	t.Run("taken_away_twice", func(t *testing.T) {
		if say := runFurl(t, l, "uninstall", "--crds"); say != "" {
			t.Errorf("there was nothing left, and it said\n%s", say)
		}
	})
}

// runFurl runs the program as a user of the lab and returns what it prints.
func runFurl(t *testing.T, l *labtest.Lab, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(l.Bin, "furl"), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+l.Kubeconfig)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("furl %s: %v\n%s%s", strings.Join(args, " "), err, out.String(), errOut.String())
	}
	return out.String()
}

// installed installs Furl, whose one pod listens on its own address: the pods of the lab share one machine.
func installed(t *testing.T, l *labtest.Lab, more ...string) {
	t.Helper()
	runFurl(t, l, append([]string{
		"install", "--image=furl", "--replicas=1", "--wait=false", "--timeout=1m",
		"--operator-arg=--bind-address=$(POD_IP)", "--operator-arg=--metrics-bind-address=$(POD_IP):8080", "--operator-arg=--cert-dir=",
	}, more...)...)
	l.Kubectl("rollout", "status", "deployment/furl", "-n", "furl-system", "--timeout=90s")
}

func finalizers(t *testing.T, l *labtest.Lab) string {
	t.Helper()
	return l.Kubectl("get", "scaledobject", "worker", "-o", "jsonpath={.metadata.finalizers[*]}")
}

func awaitFinalizer(t *testing.T, l *labtest.Lab) {
	t.Helper()
	labtest.Eventually(t, time.Minute, "Furl to promise the size of the target", func(context.Context) error {
		if f := finalizers(t, l); f != "finalizer.keda.sh" { //nolint:contextcheck // Kubectl ends with the test
			return fmt.Errorf("its finalizers are %q", f)
		}
		return nil
	})
}

// nothingStuck checks that no object of an installation is left, nothing ends without an end, and every API has a server.
func nothingStuck(t *testing.T, l *labtest.Lab, objects dynamic.Interface) {
	t.Helper()
	var lists []*metav1.APIResourceList
	labtest.Eventually(t, 20*time.Second, "every API to have a server", func(context.Context) error {
		var err error
		lists, err = l.Client.Discovery().ServerPreferredResources() // what is gone is listed for a moment longer
		return err
	})
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for i := range list.APIResources {
			r := &list.APIResources[i]
			if !strings.Contains(strings.Join(r.Verbs, " "), "list") {
				continue
			}
			all, err := objects.Resource(version.WithResource(r.Name)).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Errorf("list %s: %v", r.Name, err)
				continue
			}
			_ = meta.EachListItem(all, checkLeft(t, r.Name)) // it returns none
		}
	}
}

// checkLeft complains of an object that an uninstalled Furl should not leave.
func checkLeft(t *testing.T, resource string) func(runtime.Object) error {
	return func(o runtime.Object) error {
		m, err := meta.Accessor(o)
		if err != nil {
			return err
		}
		name := resource + " " + m.GetNamespace() + "/" + m.GetName()
		switch {
		case m.GetLabels()["furl.dev/installation"] != "" && resource != "customresourcedefinitions":
			t.Errorf("%s is left", name)
		case m.GetDeletionTimestamp() != nil && resource != "pods" && resource != "replicasets":
			t.Errorf("%s does not end", name)
		case m.GetNamespace() == "furl-system":
			t.Errorf("%s is in a namespace that is gone", name)
		}
		return nil
	}
}

// TestBeside_finds_what_an_older_Kubernetes_lacks runs the API server as the release 1.34: alpha features are off in it.
func TestBeside_finds_what_an_older_Kubernetes_lacks(t *testing.T) {
	t.Parallel() // mostly waits
	l := labtest.Start(t, labtest.Options{Operator: true, Args: []string{"--apiserver-arg=--emulated-version=1.34"}})
	log := filepath.Join(l.Dir, "logs", "operator.log")
	labtest.Eventually(t, time.Minute, "the operator to say what is missing", func(context.Context) error {
		raw, err := os.ReadFile(log)
		if err != nil {
			return err
		}
		for _, want := range []string{"feature=hpa-min-replicas-zero", "feature=hpa-tolerance", `msg="this Kubernetes is supported"`} {
			if !strings.Contains(string(raw), want) {
				return fmt.Errorf("%s has no %q", log, want)
			}
		}
		return nil
	})
}
