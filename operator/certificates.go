package operator

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"

	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/cert"
	"github.com/furl-dev/furl/operator/webhook"
	"github.com/furl-dev/furl/schedule"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/dynamic"
)

// certificates are what this process serves with, and who renews it. Where the
// user gives files for all that is served, there is nothing to keep.
type certificates struct {
	// apis is nil where --tls-cert-file gives the certificate of the aggregated APIs.
	apis dynamiccertificates.CertKeyContentProvider
	// webhooks is nil where none are served.
	webhooks webhook.Certificate
	// keeper renews what Furl made, and feed brings it; both nil where it made none.
	keeper *cert.Keeper
	feed   kube.Follower
}

// servedAPIs are the APIServices that may lead to Furl.
func servedAPIs() []string {
	return []string{"v1beta1.metrics.k8s.io", "v1alpha1.decisions.furl.dev", "v1beta1.external.metrics.k8s.io"}
}

// certificatesSuffix makes the installation's name that of the Secret with its certificate.
const certificatesSuffix = "-certificates"

// newCertificates decides who gives which certificate.
func newCertificates(c *Config, clients *kube.Clients) (*certificates, error) {
	given := c.Serving.Serving.ServerCert.CertKey
	out := &certificates{}
	certFile, keyFile := given.CertFile, given.KeyFile
	if c.WebhookCertDir != "" {
		certFile, keyFile = filepath.Join(c.WebhookCertDir, "tls.crt"), filepath.Join(c.WebhookCertDir, "tls.key")
	}
	hooks := c.WebhookBindAddress != ""
	if hooks && certFile != "" {
		out.webhooks = webhook.Files{Cert: certFile, Key: keyFile}
	}
	ownAPIs, ownHooks := given.CertFile == "", hooks && certFile == ""
	if !ownAPIs && !ownHooks {
		return out, nil
	}
	serving, err := out.keep(c, clients)
	if err != nil {
		return nil, err
	}
	objects, err := dynamic.NewForConfig(clients.Config)
	if err != nil {
		return nil, fmt.Errorf("client for certificates: %w", err)
	}
	to := kube.Trust{Client: objects, Namespace: c.Namespace, Services: []string{c.Name, c.Name + leaderSuffix}}
	if ownAPIs {
		out.apis, to.APIServices = serving, servedAPIs()
	}
	if ownHooks {
		out.webhooks, to.Webhooks = serving, cmp.Or(c.WebhookConfiguration, c.Name)
	}
	out.keeper = &cert.Keeper{
		Vault: secretBox(c, clients), Trust: to, Names: served(c.Namespace, c.Name), Clock: schedule.Clock{}, Log: c.Log,
	}
	return out, nil
}

func secretBox(c *Config, clients *kube.Clients) kube.SecretBox {
	return kube.SecretBox{Client: clients.Core, NamespacedName: types.NamespacedName{Namespace: c.Namespace, Name: cmp.Or(c.CertSecret, c.Name+certificatesSuffix)}}
}

// serving are all that is served with, by what it serves.
func (o *certificates) serving(c *Config) map[string]webhook.Certificate {
	given := c.Serving.Serving.ServerCert.CertKey
	of := map[string]webhook.Certificate{"apis": webhook.Files{Cert: given.CertFile, Key: given.KeyFile}}
	if o.apis != nil {
		of["apis"] = o.apis
	}
	if o.webhooks != nil {
		of["webhooks"] = o.webhooks
	}
	return of
}

// keep makes the certificate that Furl renews by itself the one to serve with.
func (o *certificates) keep(c *Config, clients *kube.Clients) (*cert.Serving, error) {
	serving, err := cert.NewServing(served(c.Namespace, c.Name), schedule.Clock{}.Now(), c.Log)
	if err != nil {
		return nil, fmt.Errorf("certificate to begin with: %w", err)
	}
	o.feed, err = secretBox(c, clients).Feed(clients.Watch, serving)
	return serving, err
}

// follow keeps what is served up to date until ctx ends. A Secret that cannot
// be read holds nobody up: what is served stays.
func (o *certificates) follow(ctx context.Context) error {
	if o.feed == nil {
		return nil
	}
	return o.feed.Run(ctx)
}
