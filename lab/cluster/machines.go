package cluster

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/furl-dev/furl/lab/agent"
	"github.com/furl-dev/furl/lab/images"
	"github.com/furl-dev/furl/lab/karpenter/machine"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// keepMachines runs what Karpenter has rented: each machine is one more node that runs pods as processes.
func (l *lab) keepMachines(ctx context.Context) error {
	programs, err := l.programs()
	if err != nil {
		return err
	}
	places := &places{first: l.o.Nodes, taken: map[int]bool{}}
	yard := machine.Yard{
		Books: machine.Books{Client: l.client},
		Log:   l.log.With("part", "machines"),
		Run: func(ctx context.Context, m machine.Machine) error {
			place, err := places.take()
			if err != nil {
				return err
			}
			defer places.free(place)
			return l.runMachine(ctx, m, place, programs)
		},
	}
	return yard.Keep(ctx)
}

// runMachine is the life of one machine. It leaves nothing of it behind.
func (l *lab) runMachine(ctx context.Context, m machine.Machine, place int, programs images.Map) error {
	c, err := l.nodeConfig(m.Name, place, programs)
	if err != nil {
		return err
	}
	c.Labels, c.Taints, c.Capacity, c.Reserved = m.Labels, m.Taints, m.Capacity, m.Reserved
	if err := ignoreCancel(ctx, agent.Run(ctx, c)); err != nil {
		return err
	}
	if err := os.RemoveAll(c.Root); err != nil {
		return fmt.Errorf("clear the folder of machine %s: %w", m.Name, err)
	}
	return l.dropLease(ctx, m.Name)
}

const leaseTimeout = 5 * time.Second

// dropLease takes away the lease by which a node said that it lives. Karpenter takes the node only.
func (l *lab) dropLease(ctx context.Context, node string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseTimeout)
	defer cancel()
	err := l.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Delete(ctx, node, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("drop the lease of node %s: %w", node, err)
	}
	return nil
}

// places are the ranges of pod addresses that the lab's own nodes leave over.
type places struct {
	first int

	mu    sync.Mutex // guards taken
	taken map[int]bool
}

func (p *places) take() (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := p.first; i < maxNodes; i++ {
		if !p.taken[i] {
			p.taken[i] = true
			return i, nil
		}
	}
	return 0, fmt.Errorf("all %d ranges of pod addresses are taken: end some nodes", maxNodes)
}

func (p *places) free(place int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.taken, place)
}
