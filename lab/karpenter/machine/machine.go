// Package machine keeps the books of the lab's cloud: one record for each machine that Karpenter has rented and not yet given back.
//
// The records are ConfigMaps, so that the two who share them need no other way to talk, and whoever of them is killed
// finds them again: Karpenter's process writes what it wants, the lab's supervisor runs it. A machine that was given back
// keeps its record, by a finalizer, until nothing of it runs any more.
package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

const (
	namespace = metav1.NamespaceSystem
	label     = "furl.dev/machine" // on every record
	finalizer = "furl.dev/machine"
	prefix    = "machine-" // of a record's name, before the machine's
	field     = "machine"  // of the record's data
	// provider begins the provider ID of the lab's nodes, and the node's name ends it.
	provider    = "furl://"
	callTimeout = 10 * time.Second
)

// Machine is a node that somebody rents.
type Machine struct {
	Name     string              `json:"name"` // of the node too
	Labels   map[string]string   `json:"labels"`
	Taints   []corev1.Taint      `json:"taints,omitempty"` // when it registers
	Capacity corev1.ResourceList `json:"capacity"`
	Reserved corev1.ResourceList `json:"reserved,omitempty"` // of the capacity, for the system
	Since    time.Time           `json:"-"`                  // when it was rented
	Ending   bool                `json:"-"`                  // given back, perhaps still running
}

// ProviderID is what the node says who it is.
func (m Machine) ProviderID() string { return provider + m.Name }

// NameOf returns the name of the machine with this provider ID.
func NameOf(providerID string) (string, error) {
	name, ours := strings.CutPrefix(providerID, provider)
	if !ours || name == "" {
		return "", fmt.Errorf("provider ID %q: the lab's begin with %s", providerID, provider)
	}
	return name, nil
}

// ErrNone says that there is no such machine.
var ErrNone = errors.New("no such machine")

// Books are the records of all machines.
type Books struct{ Client kubernetes.Interface }

func (b Books) records() typedcorev1.ConfigMapInterface {
	return b.Client.CoreV1().ConfigMaps(namespace)
}

// Rent asks for a machine. One that is there already under this name stays as it is.
func (b Books) Rent(ctx context.Context, m Machine) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	content, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode the machine %s: %w", m.Name, err)
	}
	_, err = b.records().Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: prefix + m.Name, Labels: map[string]string{label: "true"}, Finalizers: []string{finalizer}},
		Data:       map[string]string{field: string(content)},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("rent the machine %s: %w", m.Name, err)
	}
	return nil
}

// Find returns a machine by name, or ErrNone.
func (b Books) Find(ctx context.Context, name string) (Machine, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	record, err := b.records().Get(ctx, prefix+name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return Machine{}, fmt.Errorf("machine %s: %w", name, ErrNone)
	}
	if err != nil {
		return Machine{}, fmt.Errorf("look for the machine %s: %w", name, err)
	}
	return read(record)
}

// List returns all machines.
func (b Books) List(ctx context.Context) ([]Machine, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	records, err := b.records().List(ctx, metav1.ListOptions{LabelSelector: label})
	if err != nil {
		return nil, fmt.Errorf("list machines: %w", err)
	}
	all := make([]Machine, 0, len(records.Items))
	for i := range records.Items {
		m, err := read(&records.Items[i])
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// GiveBack asks for the end of a machine. It returns ErrNone when there is none any more.
func (b Books) GiveBack(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := b.records().Delete(ctx, prefix+name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("machine %s: %w", name, ErrNone)
	}
	if err != nil {
		return fmt.Errorf("give the machine %s back: %w", name, err)
	}
	return nil
}

// closeRecord lets go of the record of a machine that was given back and runs no more.
func (b Books) closeRecord(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	record, err := b.records().Get(ctx, prefix+name, metav1.GetOptions{})
	if err == nil {
		record.Finalizers = nil
		_, err = b.records().Update(ctx, record, metav1.UpdateOptions{})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("close the record of the machine %s: %w", name, err)
	}
	return nil
}

func read(record *corev1.ConfigMap) (Machine, error) {
	var m Machine
	if err := json.Unmarshal([]byte(record.Data[field]), &m); err != nil {
		return Machine{}, fmt.Errorf("parse the machine in ConfigMap %s/%s: %w", record.Namespace, record.Name, err)
	}
	m.Since, m.Ending = record.CreationTimestamp.Time, record.DeletionTimestamp != nil
	return m, nil
}
