package operator

import (
	"crypto/x509"
	"encoding/pem"

	"github.com/furl-dev/furl/operator/webhook"
	"github.com/prometheus/client_golang/prometheus"
)

// expiry tells when the certificates end that this process serves with, whoever
// renews them. One that cannot be read has no series.
type expiry struct {
	of          map[string]webhook.Certificate // by what it serves
	start, ends *prometheus.Desc
}

func newExpiry(of map[string]webhook.Certificate) *expiry {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"serves"}, nil)
	}
	return &expiry{
		of:    of,
		start: desc("furl_certificate_start_timestamp_seconds", "When the life began of the certificate that is served with, by what it serves (apis, webhooks)."),
		ends:  desc("furl_certificate_expiry_timestamp_seconds", "When the certificate ends that is served with, by what it serves (apis, webhooks)."),
	}
}

// Describe implements prometheus.Collector.
func (e *expiry) Describe(to chan<- *prometheus.Desc) {
	to <- e.start
	to <- e.ends
}

// Collect implements prometheus.Collector.
func (e *expiry) Collect(to chan<- prometheus.Metric) {
	for serves, c := range e.of {
		e.tell(to, serves, c)
	}
}

func (e *expiry) tell(to chan<- prometheus.Metric, serves string, c webhook.Certificate) {
	chain, _ := c.CurrentCertKeyContent()
	block, _ := pem.Decode(chain)
	if block == nil {
		return
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return
	}
	to <- prometheus.MustNewConstMetric(e.start, prometheus.GaugeValue, float64(leaf.NotBefore.Unix()), serves)
	to <- prometheus.MustNewConstMetric(e.ends, prometheus.GaugeValue, float64(leaf.NotAfter.Unix()), serves)
}
