package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/cluster"
	"github.com/furl-dev/furl/lab/labtest"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// gpuPods are two pods that ask for what the walkthrough's model does.
const gpuPods = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: gpu}
spec:
  replicas: 2
  selector: {matchLabels: {run: gpu}}
  template:
    metadata: {labels: {run: gpu}}
    spec:
      nodeSelector: {eks.amazonaws.com/instance-family: g6e}
      tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
      containers:
        - name: c
          image: busybox
          command: [sh, -c, "trap exit TERM; while true; do sleep 0.2; done"]
          resources:
            limits: {cpu: "3.5", memory: 29Gi, nvidia.com/gpu: "1"}
`

// The walkthrough's nodes go a minute after they are empty, one after the other.
const sooner = `{"spec":{"disruption":{"consolidateAfter":"5s","budgets":[{"nodes":"100%"}]}}}`

// TestNodePool_makes_nodes_for_pods_that_wait applies the walkthrough's node pool as it is, and has Karpenter follow a
// deployment from nothing to two GPUs and back. Karpenter is killed on the way.
func TestNodePool_makes_nodes_for_pods_that_wait(t *testing.T) {
	l := labtest.Start(t, labtest.Options{Nodes: 1, Args: []string{"--karpenter=true", "--karpenter-arg=--patience=1s"}})
	if p := karpenter(t, l); p.PID != 0 {
		t.Errorf("Karpenter runs without a node pool, as process %d", p.PID)
	}
	root, err := labtest.Root()
	if err != nil {
		t.Fatal(err)
	}
	l.Kubectl("apply", "-f", filepath.Join(root, "nodepools", "gpu-nodepool.yaml"))
	l.Kubectl("wait", "--for=condition=Ready", "nodepool/gpu-nodepool", "nodeclass/gpu-nodeclass", "--timeout=60s")
	l.Apply(gpuPods)
	l.Kubectl("rollout", "status", "deployment/gpu", "--timeout=60s")

	nodes := gpuNodes(t, l, 2)
	for _, n := range nodes {
		looksLikeG6e(t, n)
	}
	runOn(t, l, nodes)
	if claims := l.Kubectl("get", "nodeclaims", "-o", "name"); strings.Count(claims, "nodeclaim.karpenter.sh/gpu-nodepool-") != 2 {
		t.Errorf("the node claims are %q", claims)
	}

	first := karpenter(t, l)
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	labtest.Eventually(t, 20*time.Second, "another Karpenter to run", func(context.Context) error {
		if now := karpenter(t, l); now == first || !now.Alive() {
			return fmt.Errorf("it is process %d", now.PID)
		}
		return nil
	})
	runOn(t, l, nodes) // what it rented has not noticed

	l.Kubectl("patch", "nodepool", "gpu-nodepool", "--type=merge", "--patch", sooner)
	l.Kubectl("scale", "deployment/gpu", "--replicas=0")
	gpuNodes(t, l, 0)
	if claims := l.Kubectl("get", "nodeclaims", "-o", "name"); claims != "" {
		t.Errorf("node claims are left: %q", claims)
	}
	if left := l.Kubectl("get", "configmaps", "-n", "kube-system", "-l", "furl.dev/machine", "-o", "name"); left != "" {
		t.Errorf("machines are left: %q", left)
	}
	if leases := l.Kubectl("get", "leases", "-n", "kube-node-lease", "-o", "name"); strings.Contains(leases, "gpu-nodepool") {
		t.Errorf("the leases are %q", leases)
	}
	if folders, err := os.ReadDir(filepath.Join(l.Dir, "nodes")); err != nil || len(folders) != 1 {
		t.Errorf("the nodes' folders are %v, %v; want that of lab-0 alone", folders, err)
	}
}

// karpenter is the process that the supervisor wrote down, zero where there is none.
func karpenter(t *testing.T, l *labtest.Lab) cluster.Process {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(l.Dir, "lab.json"))
	if err != nil {
		t.Fatal(err)
	}
	var s cluster.State
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return s.Children["karpenter"]
}

// gpuNodes waits until there are so many nodes of the pool, ready, and returns them.
func gpuNodes(t *testing.T, l *labtest.Lab, want int) []corev1.Node {
	t.Helper()
	var found []corev1.Node
	labtest.Eventually(t, 90*time.Second, fmt.Sprintf("%d nodes of the pool", want), func(ctx context.Context) error {
		all, err := l.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "karpenter.sh/nodepool=gpu-nodepool"})
		if err != nil {
			return err
		}
		if len(all.Items) != want {
			return fmt.Errorf("there are %d", len(all.Items))
		}
		found = all.Items
		return nil
	})
	return found
}

func looksLikeG6e(t *testing.T, n corev1.Node) {
	t.Helper()
	if n.Labels["eks.amazonaws.com/instance-family"] != "g6e" || n.Labels["karpenter.sh/capacity-type"] != "spot" {
		t.Errorf("node %s has labels %v", n.Name, n.Labels)
	}
	if gpu := n.Status.Allocatable["nvidia.com/gpu"]; gpu.Value() != 1 {
		t.Errorf("node %s has %s GPUs", n.Name, gpu.String())
	}
	tainted := false
	for _, taint := range n.Spec.Taints {
		tainted = tainted || taint.ToString() == "nvidia.com/gpu=true:NoSchedule"
	}
	if !tainted {
		t.Errorf("node %s has taints %v", n.Name, n.Spec.Taints)
	}
}

// runOn looks whether each of these nodes has one running pod of the deployment.
func runOn(t *testing.T, l *labtest.Lab, nodes []corev1.Node) {
	t.Helper()
	for _, n := range nodes {
		pods, err := l.Client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{
			LabelSelector: "run=gpu", FieldSelector: "spec.nodeName=" + n.Name + ",status.phase=Running",
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(pods.Items) != 1 {
			t.Errorf("%d pods run on node %s, want one", len(pods.Items), n.Name)
		}
	}
}
