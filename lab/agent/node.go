package agent

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

const (
	leaseEvery   = 10 * time.Second // the kubelet's nodeLeaseDurationSeconds / 4
	leaseSeconds = 40
	statusEvery  = 5 * time.Minute // the kubelet's nodeStatusReportFrequency; changes are told at once
	retryEvery   = time.Second
	callTimeout  = 10 * time.Second
	maxPods      = "110"
)

// beat registers the node, then keeps its lease and status fresh until ctx ends.
func (a *agent) beat(ctx context.Context) {
	tick := time.NewTicker(retryEvery)
	defer tick.Stop()
	var leased, told time.Time
	var last error
	for {
		now := time.Now()
		var err error
		if now.Sub(told) >= statusEvery {
			if err = a.register(ctx, now); err == nil {
				told = now
			}
		}
		if err == nil && now.Sub(leased) >= leaseEvery {
			if err = a.renew(ctx, now); err == nil {
				leased = now
			}
		}
		if err != nil && ctx.Err() == nil && (last == nil || last.Error() != err.Error()) {
			a.Log.WarnContext(ctx, "node_not_reported", "node", a.NodeName, "error", err)
		}
		last = err
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// register makes the node object, or brings the one there is up to date. A node that somebody deleted is not made
// again by a running kubelet either, but the lab's nodes are nobody else's, so this one is.
func (a *agent) register(ctx context.Context, at time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	// Karpenter and the controllers of the control plane write nodes, too: a conflict is no news.
	return retry.RetryOnConflict(retry.DefaultRetry, func() error { return a.report(ctx, at) })
}

// report is register once.
func (a *agent) report(ctx context.Context, at time.Time) error {
	nodes := a.Client.CoreV1().Nodes()
	have, err := nodes.Get(ctx, a.NodeName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		have, err = nodes.Create(ctx, a.newNode(), metav1.CreateOptions{})
	}
	if err != nil {
		return fmt.Errorf("registering node %s: %w", a.NodeName, err)
	}
	want := have.DeepCopy()
	a.label(want)
	if !equality.Semantic.DeepEqual(have.Labels, want.Labels) || have.Spec.PodCIDR == "" {
		want.Spec.PodCIDR, want.Spec.PodCIDRs = a.newNode().Spec.PodCIDR, a.newNode().Spec.PodCIDRs
		if want, err = nodes.Update(ctx, want, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("labelling node %s: %w", a.NodeName, err)
		}
	}
	a.fill(&want.Status, at)
	if _, err = nodes.UpdateStatus(ctx, want, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("reporting the status of node %s: %w", a.NodeName, err)
	}
	return nil
}

func (a *agent) newNode() *corev1.Node {
	n := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: a.NodeName},
		Spec: corev1.NodeSpec{
			PodCIDR: a.PodCIDR.String(), PodCIDRs: []string{a.PodCIDR.String()},
			ProviderID: "furl://" + a.NodeName, Taints: a.Taints,
		},
	}
	a.label(n)
	return n
}

func (a *agent) label(n *corev1.Node) {
	if n.Labels == nil {
		n.Labels = map[string]string{}
	}
	maps.Copy(n.Labels, map[string]string{
		corev1.LabelHostname: a.NodeName, corev1.LabelOSStable: runtime.GOOS, corev1.LabelArchStable: runtime.GOARCH,
	})
	maps.Copy(n.Labels, a.Labels)
}

func (a *agent) fill(s *corev1.NodeStatus, at time.Time) {
	capacity := a.Capacity.DeepCopy()
	if capacity == nil {
		capacity = corev1.ResourceList{}
	}
	if _, ok := capacity[corev1.ResourcePods]; !ok {
		capacity[corev1.ResourcePods] = mustQuantity(maxPods)
	}
	s.Capacity, s.Allocatable = capacity, less(capacity, a.Reserved)
	s.Addresses = []corev1.NodeAddress{
		{Type: corev1.NodeInternalIP, Address: a.ListenHost}, {Type: corev1.NodeHostName, Address: a.NodeName},
	}
	s.DaemonEndpoints.KubeletEndpoint.Port = a.port
	s.NodeInfo = corev1.NodeSystemInfo{
		MachineID: a.NodeName, SystemUUID: a.NodeName, BootID: a.NodeName, OperatingSystem: runtime.GOOS, Architecture: runtime.GOARCH,
		KubeletVersion: "v1.37.2-furl", ContainerRuntimeVersion: "furl://1", OSImage: "furl lab", KernelVersion: runtime.GOOS,
	}
	for _, c := range []corev1.NodeCondition{
		{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientMemory", Message: "kubelet has sufficient memory available"},
		{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasNoDiskPressure", Message: "kubelet has no disk pressure"},
		{Type: corev1.NodePIDPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientPID", Message: "kubelet has sufficient PID available"},
		{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", Message: "kubelet is posting ready status"},
	} {
		setCondition(s, c, at)
	}
}

// allocatable is what pods get of the node.
func (c *Config) allocatable() corev1.ResourceList { return less(c.Capacity, c.Reserved) }

func less(all, taken corev1.ResourceList) corev1.ResourceList {
	rest := all.DeepCopy()
	for name, quantity := range taken {
		left := rest[name]
		left.Sub(quantity)
		rest[name] = left
	}
	return rest
}

func setCondition(s *corev1.NodeStatus, c corev1.NodeCondition, at time.Time) {
	c.LastHeartbeatTime = metav1.NewTime(at)
	c.LastTransitionTime = metav1.NewTime(at)
	for i, old := range s.Conditions {
		if old.Type != c.Type {
			continue
		}
		if old.Status == c.Status {
			c.LastTransitionTime = old.LastTransitionTime
		}
		s.Conditions[i] = c
		return
	}
	s.Conditions = append(s.Conditions, c)
}

// renew keeps the lease by which the control plane sees that the node lives.
func (a *agent) renew(ctx context.Context, at time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	leases := a.Client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	now, seconds := metav1.NewMicroTime(at), int32(leaseSeconds)
	lease, err := leases.Get(ctx, a.NodeName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = leases.Create(ctx, &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Name: a.NodeName, Namespace: corev1.NamespaceNodeLease},
			Spec:       coordinationv1.LeaseSpec{HolderIdentity: &a.NodeName, LeaseDurationSeconds: &seconds, RenewTime: &now},
		}, metav1.CreateOptions{})
	} else if err == nil {
		lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds, lease.Spec.RenewTime = &a.NodeName, &seconds, &now
		_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("renewing the lease of node %s: %w", a.NodeName, err)
	}
	return nil
}
