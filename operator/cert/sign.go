package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"slices"
	"time"
)

// Names are those by which the API server calls Furl: the names of its
// Services, as name.namespace.svc. A certificate is good for this machine, too.
type Names []string

func (n Names) all() []string { return append([]string{"localhost"}, n...) }

func (n Names) template(at time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:     pkix.Name{CommonName: "furl"},
		NotBefore:   at.Add(-backdate),
		NotAfter:    at.Add(leafLife),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    n.all(),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
}

// covered says that a certificate is for all the names.
func (n Names) covered(c *x509.Certificate) bool {
	return !slices.ContainsFunc(n.all(), func(name string) bool { return !slices.Contains(c.DNSNames, name) })
}

// authority makes one that signs for two years.
func authority(at time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	return sign(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "furl-ca-" + at.UTC().Format("20060102T150405Z")},
		NotBefore:             at.Add(-backdate),
		NotAfter:              at.Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
	}, nil, nil)
}

// sign makes a certificate with a key of its own; without a parent it signs itself.
func sign(template, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key for %s: %w", template.Subject, err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialBits)); err != nil {
		return nil, nil, fmt.Errorf("draw a serial number for %s: %w", template.Subject, err)
	}
	if parent == nil {
		parent, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		return nil, nil, fmt.Errorf("sign the certificate of %s: %w", template.Subject, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, fmt.Errorf("read back the certificate of %s: %w", template.Subject, err)
	}
	return cert, key, nil
}

// serialBits is as many as RFC 5280 leaves room for in 20 octets, with the sign.
const serialBits = 159
