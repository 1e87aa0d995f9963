// Package cert makes the certificate that every replica of Furl serves with,
// renews it in time, and tells the cluster whom to trust.
package cert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// State is what a Secret keeps. What cannot be read of it is absent, and made anew.
type State struct {
	// Authorities are those to trust, the newest first; the others have signed
	// what may still be in use.
	Authorities []*x509.Certificate
	// Key is that of the newest; no other signs any more.
	Key *ecdsa.PrivateKey
	// Leaf is what to serve with.
	Leaf    *x509.Certificate
	LeafKey *ecdsa.PrivateKey
}

// The keys of the Secret.
const (
	keyAuthorities  = "ca.crt"
	keyAuthorityKey = "ca.key"
	keyLeaf         = "tls.crt"
	keyLeafKey      = "tls.key"
)

const (
	pemCertificate = "CERTIFICATE"
	pemKey         = "EC PRIVATE KEY"
	// pemBytes is about the size of one authority.
	pemBytes = 1 << 10
)

// Parse reads the data of a Secret.
func Parse(data map[string][]byte) State {
	s := State{Authorities: certificates(data[keyAuthorities])}
	if key := privateKey(data[keyAuthorityKey]); key != nil && len(s.Authorities) > 0 && key.PublicKey.Equal(s.Authorities[0].PublicKey) {
		s.Key = key
	}
	leaf := certificates(data[keyLeaf])
	if key := privateKey(data[keyLeafKey]); key != nil && len(leaf) == 1 && key.PublicKey.Equal(leaf[0].PublicKey) {
		s.Leaf, s.LeafKey = leaf[0], key
	}
	return s
}

// Data is what a Secret keeps of the state.
func (s *State) Data() (map[string][]byte, error) {
	key, err := encodeKey(s.Key)
	if err != nil {
		return nil, err
	}
	leafKey, err := encodeKey(s.LeafKey)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		keyAuthorities: s.Bundle(), keyAuthorityKey: key,
		keyLeaf: encode(s.Leaf), keyLeafKey: leafKey,
	}, nil
}

// Bundle are the authorities to trust, in PEM.
func (s *State) Bundle() []byte {
	out := make([]byte, 0, len(s.Authorities)*pemBytes)
	for _, a := range s.Authorities {
		out = append(out, encode(a)...)
	}
	return out
}

func encode(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: c.Raw})
}

func encodeKey(k *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(k)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemKey, Bytes: der}), nil
}

// certificates are all of a text, or none where one cannot be read.
func certificates(text []byte) []*x509.Certificate {
	var out []*x509.Certificate
	for len(bytes.TrimSpace(text)) > 0 {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil || block.Type != pemCertificate {
			return nil
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil
		}
		out = append(out, c)
	}
	return out
}

func privateKey(text []byte) *ecdsa.PrivateKey {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemKey {
		return nil
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return nil
	}
	return key
}
