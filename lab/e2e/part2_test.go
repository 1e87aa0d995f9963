package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	decisions "github.com/furl-dev/furl/api/decisions/v1alpha1"
	"github.com/furl-dev/furl/lab/labtest"
)

// The walkthrough's numbers.
const (
	prompts    = 50
	perReplica = 5
	mostPods   = 10
	pollEvery  = 5 * time.Second
	cooldown   = 10 * time.Second
)

// TestWalkthrough_part_2 types the commands of part 2 of the walkthrough, from "Configure Kubernetes Resources" to "KEDA
// Cleanup", into a real shell: those that are not Terraform's, the aws CLI's or Helm's. The lab's install of Furl stands
// in for Helm, and its own view of the queue for the aws CLI.
func TestWalkthrough_part_2(t *testing.T) {
	t.Parallel() // mostly waits
	w := &walkthrough{t: t, folder: "keda", lab: labtest.Start(t, labtest.Options{
		Nodes: 1, Operator: true, Args: []string{"--karpenter=true", "--karpenter-arg=--patience=1s"},
	})}
	w.preparesPart2()
	seen := watchPart2(t, w.lab)
	w.types("kubectl apply -f prompt-generator-job.yaml")
	deployment := w.inTerminal("kubectl get deployment model-qwen3-4b-fp8 -n vllm --watch")
	pods := w.inTerminal("kubectl get pods -n vllm --watch")

	seen.awaits("all messages sent")
	w.types("kubectl wait --for=condition=complete job/prompt-generator -n keda --timeout=30s")
	seen.awaits("ten replicas wanted")
	describe := w.types("kubectl describe scaledobject model-qwen3-4b-fp8-scaler -n vllm")
	seen.awaits("pods started")
	w.rentedPart2()
	logs := w.inTerminal("kubectl logs -n vllm deployment/model-qwen3-4b-fp8 -f")
	seen.awaits("all messages answered")
	seen.awaits("no pods left")

	seen.checks()
	w.decidedPart2()
	describe += w.types("kubectl describe scaledobject model-qwen3-4b-fp8-scaler -n vllm")
	for _, want := range []string{
		"ScalerActive", "ScalerNotActive", "KEDAScalersStarted", "ScaledObjectReady", "KEDAScaleTargetActivated",
		"Deactivated apps/v1.Deployment vllm/model-qwen3-4b-fp8 from 10 to 0",
	} {
		if !strings.Contains(describe, want) {
			t.Errorf("kubectl describe does not say %q:\n%s", want, describe)
		}
	}
	logs.ends(30 * time.Second) // with its pod
	for window, wants := range map[*terminal][]string{
		logs:       {"model Qwen/Qwen3-4B-FP8, served as qwen3-4b-fp8", "ready after"},
		deployment: {"0/0", "/10", "/0"},
		pods:       {"Pending", "Running", "Terminating"},
	} {
		if window != logs {
			window.press("\x03")
			window.ends(10 * time.Second)
		}
		for _, want := range wants {
			if !strings.Contains(window.text(), want) {
				t.Errorf("a terminal does not show %q: %q", want, window.text())
			}
		}
	}
	w.cleansUpPart2()
}

// preparesPart2 is everything before the first message.
func (w *walkthrough) preparesPart2() {
	w.t.Helper()
	w.types("kubectl apply -f namespace.yaml")
	w.types("kubectl apply -f keda-service-account.yaml")
	w.types("kubectl apply -f vllm-qwen3/namespace.yaml")
	w.types("kubectl apply -f sqs-reader-service-account.yaml")
	w.types("kubectl apply -f ../../../nodepools/gpu-nodepool.yaml")
	w.types("kubectl apply -f vllm-qwen3/model-qwen3-4b-fp8-with-sqs.yaml")
	w.types("kubectl get pods -n vllm")
	if got := strings.Fields(w.types("kubectl get deployments -n vllm --no-headers")); len(got) != 5 || got[1] != "0/0" {
		w.t.Errorf("kubectl get deployments shows %v, want 0/0 ready", got)
	}
	w.types("kubectl apply -f scaledObject.yaml")
	// The walkthrough prints Unknown for PAUSED, as KEDA 2.17 does; 2.21 says False.
	want := strings.Fields("NAME SCALETARGETKIND SCALETARGETNAME MIN MAX READY ACTIVE FALLBACK PAUSED TRIGGERS AUTHENTICATIONS AGE " +
		"model-qwen3-4b-fp8-scaler apps/v1.Deployment model-qwen3-4b-fp8 0 10 True False Unknown False aws-sqs-queue")
	w.awaits(time.Minute, "the columns that the walkthrough prints", func() error {
		got := strings.Fields(w.types("kubectl get scaledobject -n vllm"))
		if len(got) != len(want)+1 || strings.Join(got[:len(want)], " ") != strings.Join(want, " ") { // and an age
			return fmt.Errorf("kubectl shows %v, want %v", got, want)
		}
		return nil
	})
}

// rentedPart2 looks whether Karpenter has made a node for each pod, with the pool's taint.
func (w *walkthrough) rentedPart2() {
	w.t.Helper()
	for _, n := range gpuNodes(w.t, w.lab, mostPods) {
		looksLikeG6e(w.t, n)
	}
	on := map[string]int{}
	for node := range strings.FieldsSeq(w.types("kubectl get pods -n vllm -o jsonpath='{.items[*].spec.nodeName}'")) {
		on[node]++
	}
	for node, n := range on {
		if n != 1 || !strings.HasPrefix(node, "gpu-nodepool-") {
			w.t.Errorf("%d pods are on node %s, want one on each of the pool's", n, node)
		}
	}
	claims := strings.Fields(w.types(`kubectl get nodeclaims -o jsonpath='{.items[?(@.metadata.ownerReferences[0].name=="gpu-nodepool")].metadata.name}'`))
	if len(claims) != mostPods || len(on) != mostPods {
		w.t.Errorf("Karpenter has written %d node claims of the pool for %d nodes with pods, want %d", len(claims), len(on), mostPods)
	}
}

// decidedPart2 reads Furl's own account: no size above what the queue asked for, ten at the end of the growth, and
// straight to zero when the cooldown was over.
func (w *walkthrough) decidedPart2() {
	w.t.Helper()
	var d decisions.Decision
	raw := w.types("kubectl get --raw '/apis/decisions.furl.dev/v1alpha1/namespaces/vllm/decisions/scaledobject.model-qwen3-4b-fp8-scaler/history?limit=200'")
	if err := json.Unmarshal([]byte(raw), &d); err != nil {
		w.t.Fatalf("decode the decisions: %v", err)
	}
	largest, ended := int32(0), false
	for _, r := range d.History {
		if r.Outcome != "scaled" {
			continue
		}
		w.t.Logf("%s  %d to %d: %s", r.At.Format(time.TimeOnly), r.From, r.To, r.Why)
		if r.To == 0 {
			ended = r.From == mostPods && strings.Contains(r.Why, "the cooldown of 10s is over")
			continue
		}
		largest = max(largest, r.To)
		var messages int64
		for _, s := range r.Signals {
			messages = s.Total.Value()
		}
		if most := min(mostPods, (messages+perReplica-1)/perReplica); int64(r.To) > most || r.To <= r.From {
			w.t.Errorf("%d messages led from %d to %d replicas, want growth to %d at most", messages, r.From, r.To, most)
		}
	}
	if want := min(mostPods, (prompts+perReplica-1)/perReplica); int(largest) != want {
		w.t.Errorf("%d replicas were the most for %d messages, want %d", largest, prompts, want)
	}
	if !ended {
		w.t.Error("no decision says that it went from ten to zero because the cooldown was over")
	}
	explain := w.types("furl explain scaledobject/model-qwen3-4b-fp8-scaler -n vllm")
	if want := "s0-aws-sqs-furl-keda: inactive: 0 is not above 0"; !strings.Contains(explain, want) {
		w.t.Errorf("furl explain does not say %q:\n%s", want, explain)
	}
}

// cleansUpPart2 types "KEDA Cleanup", and looks whether anything is left.
func (w *walkthrough) cleansUpPart2() {
	w.t.Helper()
	// The walkthrough's nodes go a minute after they are empty, one after the other.
	w.types("kubectl patch nodepool gpu-nodepool --type=merge --patch '" + sooner + "'")
	w.types("kubectl delete job prompt-generator -n keda --ignore-not-found")
	w.types("kubectl delete -f scaledObject.yaml --ignore-not-found")
	w.types("kubectl delete -f vllm-qwen3/model-qwen3-4b-fp8-with-sqs.yaml --ignore-not-found")
	w.types("kubectl delete -f sqs-reader-service-account.yaml --ignore-not-found")
	w.types("kubectl delete -f keda-service-account.yaml --ignore-not-found")
	w.types("kubectl delete namespace keda --ignore-not-found")
	w.types("kubectl delete namespace vllm --ignore-not-found")
	gpuNodes(w.t, w.lab, 0)
	w.awaits(time.Minute, "nothing of the walkthrough to be left", func() error {
		left := w.types("kubectl get scaledobjects,deployments,replicasets,jobs,pods,nodeclaims -A -o name") +
			w.types("kubectl get namespaces keda vllm --ignore-not-found -o name") +
			w.types("kubectl get configmaps -n kube-system -l furl.dev/machine -o name")
		if left != "" {
			return fmt.Errorf("left: %s", left)
		}
		return nil
	})
}
