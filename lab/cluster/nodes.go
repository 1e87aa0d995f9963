package cluster

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/furl-dev/furl/lab/agent"
	"github.com/furl-dev/furl/lab/images"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	nodeReady = time.Minute
	nodePoll  = 100 * time.Millisecond
)

// startNodes starts the nodes that run pods as processes, and waits until they are ready.
func (l *lab) startNodes(ctx context.Context, g *errgroup.Group) error {
	if l.o.Nodes == 0 {
		return nil
	}
	l.progress("starting nodes")
	programs, err := l.programs()
	if err != nil {
		return err
	}
	for i := range l.o.Nodes {
		c, err := l.nodeConfig(fmt.Sprintf("lab-%d", i), i, programs)
		if err != nil {
			return err
		}
		c.Capacity = capacity()
		g.Go(func() error { return ignoreCancel(ctx, agent.Run(ctx, c)) })
	}
	return l.waitNodes(ctx)
}

// programs are what images stand for.
func (l *lab) programs() (images.Map, error) {
	beside, err := images.Beside()
	if err != nil {
		return images.Map{}, err
	}
	return images.New(beside, l.o.Images...)
}

// nodeConfig is what every node that runs pods as processes has; place says which addresses its pods get.
func (l *lab) nodeConfig(name string, place int, programs images.Map) (agent.Config, error) {
	serving, err := l.kubeletCertificate(name, localhost())
	if err != nil {
		return agent.Config{}, err
	}
	return agent.Config{
		Client: l.client, REST: l.rest, NodeName: name, ListenHost: "127.0.0.1",
		Serving: serving, ClientCAs: l.keys.KubeletClient.Pool(),
		Root: l.files.node(name), Images: programs,
		PodCIDR: l.at.pods(place), HTTPProxy: l.router.Proxy, Ports: l.ports, Services: l.router.Lookup,
		Env: l.podEnvironment(),
		Log: l.log.With("part", "agent", "node", name),
	}, nil
}

// minCPU is what a node offers at least, in cores, however small the machine: requests are claims, not use, and the
// walkthrough's ten pods of 200m want room beside others.
const minCPU = 4

// capacity is what a node says it has.
func capacity() corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewQuantity(int64(max(minCPU, runtime.NumCPU())), resource.DecimalSI),
		corev1.ResourceMemory:           resource.MustParse("8Gi"),
		corev1.ResourcePods:             resource.MustParse("110"),
		corev1.ResourceEphemeralStorage: resource.MustParse("20Gi"),
	}
}

// waitNodes waits until every process node is ready.
func (l *lab) waitNodes(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, nodeReady, fmt.Errorf("not within %v; see %s", nodeReady, l.files.log("supervisor")))
	defer cancel()
	tick := time.NewTicker(nodePoll)
	defer tick.Stop()
	for i := 0; i < l.o.Nodes; {
		name := fmt.Sprintf("lab-%d", i)
		n, err := l.client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err == nil && nodeIsReady(n, l.state.StartedAt) {
			i++
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for node %s: %w", name, errors.Join(context.Cause(ctx), err))
		}
	}
	return nil
}

// nodeIsReady wants a word from this run: a kept lab's node was ready in the run before.
func nodeIsReady(n *corev1.Node, since time.Time) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue && !c.LastHeartbeatTime.Time.Before(since.Truncate(time.Second))
		}
	}
	return false
}
