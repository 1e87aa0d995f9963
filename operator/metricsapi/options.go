package metricsapi

import (
	"errors"
	"fmt"
	"net"

	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/apiserver/pkg/server/options"
)

// Options are the flags of serving; they are those of every aggregated API
// server: --secure-port, --bind-address, --tls-cert-file and so on.
type Options struct {
	Serving        *options.SecureServingOptionsWithLoopback
	Authentication *options.DelegatingAuthenticationOptions
	Authorization  *options.DelegatingAuthorizationOptions
	// DNSNames go into the certificate that is made where no file is given.
	DNSNames []string
	// Certificate takes the place of one that is made, where no file is given; it
	// may change while the server runs.
	Certificate dynamiccertificates.CertKeyContentProvider
}

// DefaultOptions serves on port 10250, as metrics-server does: managed clusters
// let their control plane reach that port of a node.
func DefaultOptions() *Options {
	o := &Options{
		Serving:        options.NewSecureServingOptions().WithLoopback(),
		Authentication: options.NewDelegatingAuthenticationOptions(),
		Authorization:  options.NewDelegatingAuthorizationOptions(),
		DNSNames:       []string{"furl"},
	}
	o.Serving.BindPort = 10250
	// All requests of the cluster come over few connections of the aggregator.
	o.Serving.HTTP2MaxStreamsPerConnection = 1000
	return o
}

// AddFlags binds the options to fs with their present values as defaults.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	o.Serving.AddFlags(fs)
	o.Authentication.AddFlags(fs)
	o.Authorization.AddFlags(fs)
}

// Ask names the kubeconfig of the API server that is asked who may do what,
// where no flag has named one; empty means the cluster that Furl runs in.
func (o *Options) Ask(kubeconfig string) {
	if o.Authentication.RemoteKubeConfigFile == "" {
		o.Authentication.RemoteKubeConfigFile = kubeconfig
	}
	if o.Authorization.RemoteKubeConfigFile == "" {
		o.Authorization.RemoteKubeConfigFile = kubeconfig
	}
}

// Validate returns what is wrong with the options, each with its flag's name.
func (o *Options) Validate() error {
	wrong := o.Serving.Validate()
	wrong = append(wrong, o.Authentication.Validate()...)
	wrong = append(wrong, o.Authorization.Validate()...)
	return errors.Join(wrong...)
}

// serve binds the port; without a certificate it makes one.
func (o *Options) serve(config *server.Config) error {
	if err := o.certify(); err != nil {
		return fmt.Errorf("certificate of the aggregated APIs: %w", err)
	}
	if err := o.Serving.ApplyToConfig(config); err != nil {
		return fmt.Errorf("bind --secure-port %d: %w", o.Serving.BindPort, err)
	}
	if config.SecureServing == nil {
		return fmt.Errorf("--secure-port is %d: set the port to serve on", o.Serving.BindPort)
	}
	return nil
}

// certify makes sure that there is a certificate. Making one by itself takes
// the place of any that was given.
func (o *Options) certify() error {
	if o.Certificate != nil && o.Serving.ServerCert.CertKey.CertFile == "" {
		o.Serving.ServerCert.GeneratedCert = o.Certificate
		return nil
	}
	names := append([]string{"localhost"}, o.DNSNames...)
	return o.Serving.MaybeDefaultWithSelfSignedCerts("furl", names, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback})
}

// addUnversioned registers what every API server says beside its groups.
func addUnversioned(s *runtime.Scheme) {
	v1 := schema.GroupVersion{Version: "v1"}
	metav1.AddToGroupVersion(s, v1)
	s.AddUnversionedTypes(v1, &metav1.Status{}, &metav1.APIVersions{}, &metav1.APIGroupList{}, &metav1.APIGroup{}, &metav1.APIResourceList{})
}
