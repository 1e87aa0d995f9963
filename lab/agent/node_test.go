package agent

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func TestNode_writes_again_what_met_a_conflict(t *testing.T) {
	client, met := fake.NewClientset(), map[string]int{}
	client.PrependReactor("update", "nodes", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if met[a.GetSubresource()]++; met[a.GetSubresource()] == 1 {
			return true, nil, apierrors.NewConflict(corev1.Resource("nodes"), "n1", errors.New("somebody wrote it"))
		}
		return false, nil, nil
	})
	a := &agent{Config: Config{Client: client, NodeName: "n1", ListenHost: "127.0.0.1", PodCIDR: netip.MustParsePrefix("127.64.9.0/24")}}
	if err := a.register(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	n, err := client.CoreV1().Nodes().Get(t.Context(), "n1", metav1.GetOptions{})
	if err != nil || len(n.Status.Addresses) == 0 || met["status"] != 2 {
		t.Errorf("node %+v, error %v, %d writes of its status", n, err, met["status"])
	}
}
