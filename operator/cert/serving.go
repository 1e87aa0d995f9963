package cert

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
)

// Serving is what this process serves with: what the Secret has, as soon as a
// feed brings it; until then, and where that is broken, what was there before.
type Serving struct {
	log *slog.Logger

	mu        sync.Mutex // guards what follows
	cert, key []byte
	listeners []dynamiccertificates.Listener
}

var (
	_ dynamiccertificates.CertKeyContentProvider = (*Serving)(nil)
	_ dynamiccertificates.Notifier               = (*Serving)(nil)
)

// NewServing begins with a certificate of this process alone, which nobody
// trusts: an API that asks for no proof works from the first moment.
func NewServing(names Names, at time.Time, log *slog.Logger) (*Serving, error) {
	leaf, key, err := sign(names.template(at), nil, nil)
	if err != nil {
		return nil, err
	}
	encoded, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	return &Serving{log: log, cert: encode(leaf), key: encoded}, nil
}

// Name implements dynamiccertificates.CertKeyContentProvider.
func (*Serving) Name() string { return "furl" }

// CurrentCertKeyContent implements dynamiccertificates.CertKeyContentProvider.
func (s *Serving) CurrentCertKeyContent() (cert, key []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cert, s.key
}

// AddListener implements dynamiccertificates.Notifier.
func (s *Serving) AddListener(l dynamiccertificates.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, l)
}

// Put implements kube.Sink: a new version of the Secret.
func (s *Serving) Put(o *corev1.Secret) {
	cert, key := o.Data[keyLeaf], o.Data[keyLeafKey]
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		s.log.Warn("certificate cannot be used", "secret", o.Namespace+"/"+o.Name, "error", err)
		return
	}
	if !s.take(cert, key) {
		return
	}
	s.log.Info("certificate loaded", "secret", o.Namespace+"/"+o.Name,
		"serial", fmt.Sprintf("%x", pair.Leaf.SerialNumber), "until", pair.Leaf.NotAfter)
}

// take makes a pair the current one, and tells whether it is another.
func (s *Serving) take(cert, key []byte) bool {
	s.mu.Lock()
	if bytes.Equal(cert, s.cert) && bytes.Equal(key, s.key) {
		s.mu.Unlock()
		return false
	}
	s.cert, s.key = bytes.Clone(cert), bytes.Clone(key)
	listeners := s.listeners
	s.mu.Unlock()
	for _, l := range listeners {
		l.Enqueue()
	}
	return true
}

// Drop implements kube.Sink: what is served stays until there is another.
func (*Serving) Drop(types.NamespacedName) {}
