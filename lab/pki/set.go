package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// A Set is everything a lab signs with. Each authority is trusted for one purpose only, so that a certificate made for
// one door opens no other.
type Set struct {
	Cluster       *Authority // the API server, kubelets, aggregated APIs and every client of the API server
	FrontProxy    *Authority // the aggregator, in front of aggregated APIs
	KubeletClient *Authority // the API server, in front of kubelets
	Etcd          *Authority // etcd and its one client
}

// Open loads the authorities and the key of service accounts from dir, and makes those that are not there yet.
func Open(dir string, at time.Time) (*Set, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the lab's keys: %w", err)
	}
	s := &Set{}
	for _, one := range []struct {
		name string
		into **Authority
	}{
		{"ca", &s.Cluster},
		{"front-proxy-ca", &s.FrontProxy},
		{"kubelet-client-ca", &s.KubeletClient},
		{"etcd-ca", &s.Etcd},
	} {
		a, err := openAuthority(filepath.Join(dir, one.name), at)
		if err != nil {
			return nil, err
		}
		*one.into = a
	}
	return s, openSigningKey(filepath.Join(dir, "sa"))
}

func openAuthority(base string, at time.Time) (*Authority, error) {
	certPEM, err := os.ReadFile(base + ".crt") //nolint:gosec // in the lab's own folder
	if errors.Is(err, fs.ErrNotExist) {
		return makeAuthority(base, at)
	}
	if err != nil {
		return nil, fmt.Errorf("read an authority: %w", err)
	}
	keyPEM, err := os.ReadFile(base + ".key") //nolint:gosec // in the lab's own folder
	if err != nil {
		return nil, fmt.Errorf("read the key of an authority: %w", err)
	}
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return nil, fmt.Errorf("%s.crt or its key is not PEM: delete the lab's folder and start again", base)
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse %s.crt: %w", base, err)
	}
	key, err := x509.ParseECPrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse %s.key: %w", base, err)
	}
	return &Authority{PEM: certPEM, cert: cert, key: key}, nil
}

func makeAuthority(base string, at time.Time) (*Authority, error) {
	a, err := NewAuthority("furl-lab-"+filepath.Base(base), at)
	if err != nil {
		return nil, err
	}
	key, err := encodeKey(a.key)
	if err != nil {
		return nil, err
	}
	// The certificate comes second: a half-written pair is made again, not loaded.
	if err := os.WriteFile(base+".key", key, 0o600); err != nil {
		return nil, fmt.Errorf("store the key of an authority: %w", err)
	}
	if err := os.WriteFile(base+".crt", a.PEM, 0o600); err != nil {
		return nil, fmt.Errorf("store an authority: %w", err)
	}
	return a, nil
}

// openSigningKey makes the key that signs service account tokens, unless it is there.
func openSigningKey(base string) error {
	if _, err := os.Stat(base + ".pub"); err == nil {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the key of service accounts: %w", err)
	}
	private, err := encodeKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return fmt.Errorf("encode the key of service accounts: %w", err)
	}
	if err := os.WriteFile(base+".key", private, 0o600); err != nil {
		return fmt.Errorf("store the key of service accounts: %w", err)
	}
	if err := os.WriteFile(base+".pub", encode("PUBLIC KEY", public), 0o600); err != nil {
		return fmt.Errorf("store the key of service accounts: %w", err)
	}
	return nil
}
