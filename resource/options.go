package resource

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/labels"
)

// Options are the flags of scraping. They have metrics-server's names where
// they mean the same.
type Options struct {
	// MetricResolution is the time between two scrapes of a node.
	MetricResolution time.Duration
	// RequestTimeout bounds one scrape, connection and TLS included.
	RequestTimeout time.Duration
	// Port is used where the node does not say its own, and always unless UseNodeStatusPort.
	Port              int
	UseNodeStatusPort bool
	// PreferredAddressTypes are tried in this order.
	PreferredAddressTypes []string
	// InsecureTLS accepts any serving certificate.
	InsecureTLS bool
	// CAFile verifies serving certificates; empty: the API server's CA.
	CAFile string
	// ClientCertFile and ClientKeyFile identify Furl to the kubelets instead of its token.
	ClientCertFile, ClientKeyFile string
	// NodeSelector limits scraping to the nodes it matches; empty: all.
	NodeSelector string
}

// DefaultOptions returns what metrics-server's manifest sets, and its defaults
// for the rest.
func DefaultOptions() Options {
	return Options{
		MetricResolution:      10 * time.Second,
		RequestTimeout:        10 * time.Second,
		Port:                  10250,
		UseNodeStatusPort:     true,
		PreferredAddressTypes: []string{"InternalIP", "ExternalIP", "Hostname"},
	}
}

// AddFlags binds the options to fs with their present values as defaults.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	fs.DurationVar(&o.MetricResolution, "metric-resolution", o.MetricResolution, "The time between two scrapes of a node's kubelet.")
	fs.DurationVar(&o.RequestTimeout, "kubelet-request-timeout", o.RequestTimeout, "The length of time to wait before giving up on a single request to a kubelet.")
	fs.IntVar(&o.Port, "kubelet-port", o.Port, "The port to use to connect to kubelets.")
	fs.BoolVar(&o.UseNodeStatusPort, "kubelet-use-node-status-port", o.UseNodeStatusPort, "Use the port in the node status. Takes precedence over --kubelet-port.")
	fs.StringSliceVar(&o.PreferredAddressTypes, "kubelet-preferred-address-types", o.PreferredAddressTypes, "The order in which a node's address types are tried.")
	fs.BoolVar(&o.InsecureTLS, "kubelet-insecure-tls", o.InsecureTLS, "Accept any serving certificate of a kubelet. Not for production.")
	fs.StringVar(&o.CAFile, "kubelet-certificate-authority", o.CAFile, "File with the CA of the kubelets' serving certificates. Default: the API server's CA.")
	fs.StringVar(&o.ClientCertFile, "kubelet-client-certificate", o.ClientCertFile, "File with a client certificate to present to kubelets.")
	fs.StringVar(&o.ClientKeyFile, "kubelet-client-key", o.ClientKeyFile, "File with the key of --kubelet-client-certificate.")
	fs.StringVar(&o.NodeSelector, "node-selector", o.NodeSelector, "Scrape only the nodes that this label selector matches.")
}

// Validate returns what is wrong with the options, each with its flag's name.
func (o *Options) Validate() error {
	var wrong []error
	refuse := func(is bool, format string, args ...any) {
		if is {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	// Faster than each second measures nothing new: kubelets count every 10 s.
	refuse(o.MetricResolution < time.Second, "--metric-resolution is %s: set 1s or more", o.MetricResolution)
	refuse(o.RequestTimeout <= 0, "--kubelet-request-timeout is %s: set more than 0", o.RequestTimeout)
	refuse(o.Port < 1 || o.Port > 65535, "--kubelet-port is %d: set 1 to 65535", o.Port)
	refuse(len(o.PreferredAddressTypes) == 0, "--kubelet-preferred-address-types is empty: name at least one, such as InternalIP")
	refuse(o.CAFile != "" && o.InsecureTLS, "--kubelet-certificate-authority and --kubelet-insecure-tls exclude each other: drop one")
	refuse((o.ClientCertFile == "") != (o.ClientKeyFile == ""), "--kubelet-client-certificate and --kubelet-client-key need each other: set both")
	if _, err := labels.Parse(o.NodeSelector); err != nil {
		wrong = append(wrong, fmt.Errorf("--node-selector %q: %w", o.NodeSelector, err))
	}
	return errors.Join(wrong...)
}
