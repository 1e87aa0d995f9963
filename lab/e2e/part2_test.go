package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	decisions "github.com/furl-dev/furl/api/decisions/v1alpha1"
)

// The walkthrough's numbers.
const (
	prompts    = 50
	perReplica = 5
	mostPods   = 10
	pollEvery  = 5 * time.Second
	cooldown   = 10 * time.Second
)

// TestWalkthrough_part_2 follows part 2 of the guide to the letter, and watches beside it when what happens, who rents
// which node, and who answers which message.
func TestWalkthrough_part_2(t *testing.T) {
	t.Parallel() // mostly waits
	r := newReader(t)
	r.follows("1. The cluster")
	w := &walkthrough{t: t, folder: "keda", lab: r.meets()}
	r.skips("1. The queue")
	r.follows("1. The queue")
	r.follows("2. Namespaces and accounts")
	r.follows("3. Furl in KEDA's place")
	r.follows("4. The GPU pool")
	r.follows("5. The model")
	r.follows("6. The ScaledObject")
	seen := watchPart2(t, w.lab)
	r.follows("7. Fifty prompts")
	r.follows("8. It scales")
	seen.awaits("pods started")
	w.rentedPart2()
	r.follows("9. The work")
	seen.awaits("all messages answered")
	seen.awaits("no pods left")
	seen.checks()
	w.decidedPart2()
	r.follows("10. At rest again")

	// The walkthrough's nodes go a minute after they are empty, one after the other.
	w.types("kubectl patch nodepool gpu-nodepool --type=merge --patch '" + sooner + "'")
	r.follows("Clean up after part 2")
	w.nothingLeftOfPart2()
	r.follows("Take it all away")
}

// preparesPart2 is everything before the first message, for tests that want it at rest.
func (w *walkthrough) preparesPart2() {
	w.t.Helper()
	for _, file := range []string{
		"namespace.yaml", "keda-service-account.yaml", "vllm-qwen3/namespace.yaml", "sqs-reader-service-account.yaml",
		"../../../nodepools/gpu-nodepool.yaml", "vllm-qwen3/model-qwen3-4b-fp8-with-sqs.yaml", "scaledObject.yaml",
	} {
		w.types("kubectl apply -f " + file)
	}
	w.awaits(time.Minute, "the ScaledObject to be ready", func() error {
		if got := w.types("kubectl get scaledobject -n vllm -o jsonpath='{.items[*].status.conditions[?(@.type==\"Ready\")].status}'"); got != "True" {
			return fmt.Errorf("condition Ready is %q", got)
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

// nothingLeftOfPart2 looks whether the clean-up has left anything.
func (w *walkthrough) nothingLeftOfPart2() {
	w.t.Helper()
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
