package simnode

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

const (
	// leasePeriod and statusPeriod are the kubelet's; a node whose lease is 40 s old counts as lost.
	leasePeriod  = 10 * time.Second
	leaseSeconds = 40
	statusPeriod = 5 * time.Minute
	callTimeout  = 10 * time.Second
)

// register makes every node object that is not there yet, and says of all that they are ready.
func (f *fleet) register(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(nodeWorkers)
	for _, n := range f.nodes {
		g.Go(func() error {
			_, err := f.Client.CoreV1().Nodes().Create(ctx, n.object(), metav1.CreateOptions{})
			if err != nil && !apierrors.IsAlreadyExists(err) {
				return fmt.Errorf("make the node %s: %w", n.name, err)
			}
			if err := f.report(ctx, n); err != nil {
				return err
			}
			return f.renew(ctx, n)
		})
	}
	return g.Wait()
}

func (n *node) object() *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: n.name,
			Labels: map[string]string{
				Simulated:                 "true",
				corev1.LabelHostname:      n.name,
				corev1.LabelOSStable:      "linux",
				corev1.LabelArchStable:    runtime.GOARCH,
				"node.kubernetes.io/role": "simulated",
			},
		},
		Spec: corev1.NodeSpec{
			Taints: []corev1.Taint{{Key: Simulated, Value: "true", Effect: corev1.TaintEffectNoSchedule}},
		},
	}
}

// report writes the node's status. The controllers write to nodes as well, so it may take more than one try.
func (f *fleet) report(ctx context.Context, n *node) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		o, err := f.Client.CoreV1().Nodes().Get(ctx, n.name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		f.fill(&o.Status, n, metav1.NewTime(time.Now()))
		_, err = f.Client.CoreV1().Nodes().UpdateStatus(ctx, o, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("report the status of node %s: %w", n.name, err)
	}
	return nil
}

// fill makes s the status of a ready node.
func (f *fleet) fill(s *corev1.NodeStatus, n *node, at metav1.Time) {
	s.Capacity, s.Allocatable = f.Capacity, f.Capacity
	s.Addresses = []corev1.NodeAddress{
		{Type: corev1.NodeInternalIP, Address: n.address.String()},
		{Type: corev1.NodeHostName, Address: n.name},
	}
	s.DaemonEndpoints.KubeletEndpoint.Port = n.port
	s.NodeInfo.KubeletVersion = "v1.37.2-furl-simulated"
	s.NodeInfo.OperatingSystem, s.NodeInfo.Architecture = "linux", runtime.GOARCH
	for _, c := range []corev1.NodeCondition{
		{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "Simulated", Message: "this node is simulated"},
		{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse, Reason: "Simulated"},
		{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse, Reason: "Simulated"},
		{Type: corev1.NodePIDPressure, Status: corev1.ConditionFalse, Reason: "Simulated"},
	} {
		setNodeCondition(s, c, at)
	}
}

func setNodeCondition(s *corev1.NodeStatus, c corev1.NodeCondition, at metav1.Time) {
	c.LastHeartbeatTime, c.LastTransitionTime = at, at
	i := slices.IndexFunc(s.Conditions, func(o corev1.NodeCondition) bool { return o.Type == c.Type })
	if i < 0 {
		s.Conditions = append(s.Conditions, c)
		return
	}
	if s.Conditions[i].Status == c.Status {
		c.LastTransitionTime = s.Conditions[i].LastTransitionTime
	}
	s.Conditions[i] = c
}

// renew says that the node lives.
func (f *fleet) renew(ctx context.Context, n *node) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	leases := f.Client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	now, seconds := metav1.NewMicroTime(time.Now()), int32(leaseSeconds)
	lease, err := leases.Get(ctx, n.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		lease = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: n.name, Namespace: corev1.NamespaceNodeLease}}
		lease.Spec = coordinationv1.LeaseSpec{HolderIdentity: &n.name, LeaseDurationSeconds: &seconds, RenewTime: &now}
		_, err = leases.Create(ctx, lease, metav1.CreateOptions{})
	} else if err == nil {
		lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds, lease.Spec.RenewTime = &n.name, &seconds, &now
		_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("renew the lease of node %s: %w", n.name, err)
	}
	return nil
}

// heartbeats goes round the nodes, spread evenly over the period, and now and then reports a status in full.
func (f *fleet) heartbeats(ctx context.Context) {
	tick := time.NewTicker(leasePeriod / time.Duration(len(f.nodes)))
	defer tick.Stop()
	for round := 1; ; round++ {
		full := round%int(statusPeriod/leasePeriod) == 0
		for _, n := range f.nodes {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			err := f.renew(ctx, n)
			if err == nil && full {
				err = f.report(ctx, n)
			}
			if err != nil && ctx.Err() == nil {
				f.Log.WarnContext(ctx, "heartbeat missed", "node", n.name, "reason", err)
			}
		}
	}
}
