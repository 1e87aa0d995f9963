// Package cloud is where the lab's Karpenter rents machines: a catalogue with prices, and nodes that are processes of this machine.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/awslabs/operatorpkg/status"
	"github.com/furl-dev/furl/lab/karpenter/machine"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	karpenterv1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	"sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/scheduling"
)

const (
	// endWait is how long Delete waits for a machine to be gone. A drained one takes far less, and Karpenter looks again
	// only after five seconds.
	endWait = 3 * time.Second
	endPoll = 50 * time.Millisecond
)

// Provider is the cloud as Karpenter calls it.
type Provider struct {
	books machine.Books
	room  int // how many machines there may be at a time
	types []*cloudprovider.InstanceType
}

var _ cloudprovider.CloudProvider = (*Provider)(nil)

// New opens a cloud with room for so many machines. Machines with several GPUs are rented out only where severalGPUs
// says so. It tells Karpenter of the cloud's labels and must be called before any other part of Karpenter.
func New(books machine.Books, room int, severalGPUs bool) *Provider {
	learnLabels()
	p := &Provider{books: books, room: room}
	for _, m := range catalogue() {
		p.types = append(p.types, m.instanceType(severalGPUs))
	}
	return p
}

// Name implements cloudprovider.CloudProvider.
func (p *Provider) Name() string { return "furl-lab" }

// GetSupportedNodeClasses implements cloudprovider.CloudProvider.
func (p *Provider) GetSupportedNodeClasses() []status.Object { return []status.Object{&NodeClass{}} }

// GetInstanceTypes returns the whole catalogue, what is out of stock included.
func (p *Provider) GetInstanceTypes(context.Context, *karpenterv1.NodePool) ([]*cloudprovider.InstanceType, error) {
	return p.types, nil
}

// IsDrifted says no: a process is what it was when it started.
func (p *Provider) IsDrifted(context.Context, *karpenterv1.NodeClaim) (cloudprovider.DriftReason, error) {
	return "", nil
}

// RepairPolicies returns none: a machine that broke down is started again where it stands.
func (p *Provider) RepairPolicies() []cloudprovider.RepairPolicy { return nil }

// Create rents the cheapest machine that the claim allows.
func (p *Provider) Create(ctx context.Context, claim *karpenterv1.NodeClaim) (*karpenterv1.NodeClaim, error) {
	kind, offering := p.cheapest(claim)
	if kind == nil {
		return nil, cloudprovider.NewInsufficientCapacityError(fmt.Errorf("no machine that NodeClaim %s allows is in stock", claim.Name))
	}
	rented, err := p.books.List(ctx)
	if err != nil {
		return nil, err
	}
	if len(rented) >= p.room {
		return nil, cloudprovider.NewInsufficientCapacityError(fmt.Errorf("all %d machines of the lab are rented", p.room))
	}
	m := machine.Machine{
		Name: claim.Name, Labels: labelsOf(claim, kind, offering),
		// Karpenter takes it off once the node has its labels and taints, so that no pod comes too early.
		Taints:   append([]corev1.Taint{karpenterv1.UnregisteredNoExecuteTaint}, claim.Spec.Taints...),
		Capacity: kind.Capacity, Reserved: kind.Overhead.Total(),
	}
	m.Taints = append(m.Taints, claim.Spec.StartupTaints...)
	if err := p.books.Rent(ctx, m); err != nil {
		return nil, err
	}
	return p.claimOf(m), nil
}

// cheapest returns the machine to rent for a claim, or nil when there is none. Of two at one price the first in the
// catalogue wins, so that the same pods get the same machines.
func (p *Provider) cheapest(claim *karpenterv1.NodeClaim) (*cloudprovider.InstanceType, *cloudprovider.Offering) {
	wanted := scheduling.NewNodeSelectorRequirementsWithMinValues(claim.Spec.Requirements...)
	var kind *cloudprovider.InstanceType
	var best *cloudprovider.Offering
	for _, t := range p.types {
		if wanted.Intersects(t.Requirements) != nil || !holds(t.Allocatable(), claim.Spec.Resources.Requests) {
			continue
		}
		for _, o := range t.Offerings.Available().Compatible(wanted) {
			if best == nil || o.Price < best.Price {
				kind, best = t, o
			}
		}
	}
	return kind, best
}

func holds(room, wanted corev1.ResourceList) bool {
	for name, quantity := range wanted {
		if have := room[name]; have.Cmp(quantity) < 0 {
			return false
		}
	}
	return true
}

// labelsOf are the labels of the node: the claim's, what the claim's requirements leave no choice in, the machine's.
func labelsOf(claim *karpenterv1.NodeClaim, kind *cloudprovider.InstanceType, offering *cloudprovider.Offering) map[string]string {
	labels := maps.Clone(claim.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	wanted := scheduling.NewNodeSelectorRequirementsWithMinValues(claim.Spec.Requirements...)
	for _, requirements := range []scheduling.Requirements{wanted, kind.Requirements, offering.Requirements} {
		for name, r := range requirements {
			if r.Operator() == corev1.NodeSelectorOpIn && r.Len() == 1 {
				labels[name] = r.Any()
			}
		}
	}
	return labels
}

// Delete gives the machine back, and returns NodeClaimNotFoundError once nothing of it runs any more.
func (p *Provider) Delete(ctx context.Context, claim *karpenterv1.NodeClaim) error {
	name, err := machine.NameOf(claim.Status.ProviderID)
	if err != nil {
		return err
	}
	if err := p.books.GiveBack(ctx, name); err != nil {
		return notFound(err)
	}
	ctx, cancel := context.WithTimeout(ctx, endWait)
	defer cancel()
	tick := time.NewTicker(endPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil // Karpenter asks again
		case <-tick.C:
		}
		if _, err := p.books.Find(ctx, name); errors.Is(err, machine.ErrNone) {
			return notFound(err)
		}
	}
}

// Get returns the claim of a machine that is rented, or NodeClaimNotFoundError.
func (p *Provider) Get(ctx context.Context, providerID string) (*karpenterv1.NodeClaim, error) {
	name, err := machine.NameOf(providerID)
	if err != nil {
		return nil, err
	}
	m, err := p.books.Find(ctx, name)
	if err != nil {
		return nil, notFound(err)
	}
	return p.claimOf(m), nil
}

// List returns the claims of all machines that are rented.
func (p *Provider) List(ctx context.Context) ([]*karpenterv1.NodeClaim, error) {
	all, err := p.books.List(ctx)
	if err != nil {
		return nil, err
	}
	claims := make([]*karpenterv1.NodeClaim, 0, len(all))
	for _, m := range all {
		claims = append(claims, p.claimOf(m))
	}
	return claims, nil
}

func (p *Provider) claimOf(m machine.Machine) *karpenterv1.NodeClaim {
	free := m.Capacity.DeepCopy()
	for name, quantity := range m.Reserved {
		left := free[name]
		left.Sub(quantity)
		free[name] = left
	}
	claim := &karpenterv1.NodeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: m.Name, Labels: m.Labels, CreationTimestamp: metav1.NewTime(m.Since)},
		Status:     karpenterv1.NodeClaimStatus{ProviderID: m.ProviderID(), Capacity: m.Capacity, Allocatable: free},
	}
	if m.Ending {
		claim.DeletionTimestamp = &claim.CreationTimestamp
	}
	return claim
}

// notFound is err in Karpenter's words when it says that there is no such machine.
func notFound(err error) error {
	if errors.Is(err, machine.ErrNone) {
		return cloudprovider.NewNodeClaimNotFoundError(err)
	}
	return err
}
