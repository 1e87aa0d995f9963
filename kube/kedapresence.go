package kube

import (
	"context"
	"fmt"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// KedaPresence finds out whether KEDA's operator is at work in a cluster.
type KedaPresence struct {
	Client kubernetes.Interface
	Clock  func() time.Time
	// Keep is for how long an answer counts; zero asks each time.
	Keep time.Duration

	mu   sync.Mutex // guards what follows, and lets one ask for all
	at   time.Time  // of the last answer
	sign string
}

const (
	// kedaLease is what the replicas of KEDA's operator compete for, in whatever namespace they are.
	kedaLease = "operator.keda.sh"
	// kedaLabel is on the Deployment of KEDA's operator, by its manifests and by its chart.
	kedaLabel = "app.kubernetes.io/name=keda-operator"
	// kedaSilent is how long a lease may go without renewal at least before its
	// holder counts as gone: twice KEDA's own lease duration.
	kedaSilent = 30 * time.Second
	// kedasAtMost bounds what is read: one is usual, one a namespace is possible.
	kedasAtMost = 100
)

// Sign is by what KEDA shows that it is at work, in words; empty when it does
// not: no lease is held, and no Deployment of its operator wants a pod. A KEDA
// that is down for a moment still wants one.
func (p *KedaPresence) Sign(ctx context.Context) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.at.IsZero() && p.Clock().Before(p.at.Add(p.Keep)) {
		return p.sign, nil
	}
	sign, err := p.look(ctx)
	if err == nil {
		p.sign, p.at = sign, p.Clock()
	}
	return sign, err
}

func (p *KedaPresence) look(ctx context.Context) (string, error) {
	leases, err := p.Client.CoordinationV1().Leases(metav1.NamespaceAll).List(ctx, metav1.ListOptions{
		FieldSelector: "metadata.name=" + kedaLease, Limit: kedasAtMost,
	})
	if err != nil {
		return "", fmt.Errorf("leases named %s: %w", kedaLease, err)
	}
	for i := range leases.Items {
		if l := &leases.Items[i]; held(l, p.Clock()) {
			return fmt.Sprintf("its operator holds the lease %s/%s", l.Namespace, l.Name), nil
		}
	}
	deployments, err := p.Client.AppsV1().Deployments(metav1.NamespaceAll).List(ctx, metav1.ListOptions{
		LabelSelector: kedaLabel, Limit: kedasAtMost,
	})
	if err != nil {
		return "", fmt.Errorf("deployments with the label %s: %w", kedaLabel, err)
	}
	for i := range deployments.Items {
		d := &deployments.Items[i]
		if d.Spec.Replicas == nil || *d.Spec.Replicas > 0 {
			return fmt.Sprintf("its operator is the Deployment %s/%s, which is not scaled to zero", d.Namespace, d.Name), nil
		}
	}
	return "", nil
}

// held tells whether somebody has a lease at an instant.
func held(l *coordinationv1.Lease, at time.Time) bool {
	if l.Spec.HolderIdentity == nil || *l.Spec.HolderIdentity == "" || l.Spec.RenewTime == nil {
		return false
	}
	silent := kedaSilent
	if s := l.Spec.LeaseDurationSeconds; s != nil {
		silent = max(silent, 2*time.Duration(*s)*time.Second)
	}
	return at.Before(l.Spec.RenewTime.Add(silent))
}
