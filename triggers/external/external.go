// Package external reads scalers that users run themselves, behind a gRPC
// service: what is measured and whether there is work is their decision.
package external

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/external/externalscaler"
)

// Kinds describe the triggers; triggers/all lists them. All their sources that
// reach the same address in the same way share one connection.
func Kinds() []trigger.Kind {
	o := &opener{}
	o.connections.Done = hangUp
	pull := trigger.Define("external", "Asks a gRPC service of your own for its metrics and whether there is work.", o.pull)
	push := trigger.Define("external-push", "As external, and lets the service tell of work as soon as there is some.", o.push)
	pull.AnyKey, push.AnyKey = true, true
	return []trigger.Kind{pull, push}
}

// config is what both kinds need to know. All keys of the metadata, these and
// any others, are handed to the service.
type config struct {
	Address    string `cfg:"scalerAddress" example:"scaler.shop:8080" doc:"host:port of the service"`
	EnableTLS  bool   `cfg:"enableTLS,optional" doc:"speak TLS; a certificate in the authentication says so too"`
	UnsafeSSL  bool   `cfg:"unsafeSsl,optional" doc:"accept any certificate of the service"`
	CACert     string `cfg:"caCert,from=auth,optional" doc:"PEM of the authority that signed the service's certificate, if the system does not know it"`
	ClientCert string `cfg:"tlsClientCert,from=auth,optional" doc:"PEM of the certificate to show to the service"`
	ClientKey  string `cfg:"tlsClientKey,from=auth,optional,secret" doc:"PEM of its key"`

	Input trigger.Input
}

// Validate finds certificates that nobody could use.
func (c config) Validate() error {
	_, err := c.route().tls()
	return err
}

// route is how a service is reached; equal routes share a connection.
func (c config) route() route {
	return route{
		address: c.Address, isTLS: c.EnableTLS, isUnsafe: c.UnsafeSSL,
		ca: c.CACert, cert: c.ClientCert, key: c.ClientKey,
	}
}

// ref is the object as the service is told of it: its name, and the metadata,
// where a key that ends in FromEnv has the variable's value and is left out if
// there is none.
func (c config) ref() *externalscaler.ScaledObjectRef {
	metadata := maps.Clone(c.Input.Metadata)
	for key, value := range metadata {
		if !strings.HasSuffix(key, fromEnv) {
			continue
		}
		if metadata[key] = c.Input.Env[value]; metadata[key] == "" {
			delete(metadata, key)
		}
	}
	return &externalscaler.ScaledObjectRef{Name: c.Input.Object, Namespace: c.Input.Namespace, ScalerMetadata: metadata}
}

const fromEnv = "FromEnv"

// secrets are what the service is told and nobody else may read.
func (c config) secrets() []string {
	var out []string
	for key, value := range c.Input.Metadata {
		if v := c.Input.Env[value]; strings.HasSuffix(key, fromEnv) && v != "" {
			out = append(out, v)
		}
	}
	return out
}

// opener opens the sources of both kinds.
type opener struct{ connections connections }

func (o *opener) pull(_ context.Context, c config, env trigger.Env) (trigger.Source, error) {
	return o.open(c, env)
}

func (o *opener) push(_ context.Context, c config, env trigger.Env) (trigger.Source, error) {
	s, err := o.open(c, env)
	if err != nil {
		return nil, err
	}
	return &pushing{source: s, again: make(chan struct{}, 1)}, nil
}

func (o *opener) open(c config, env trigger.Env) (*source, error) {
	if c.Input.Object == "" || c.Input.Namespace == "" {
		return nil, errors.New("an external scaler is asked on behalf of an object in a namespace, and there is none here")
	}
	r := c.route()
	conn, release, err := o.connections.Use(r, r.dial)
	if err != nil {
		return nil, err
	}
	return &source{
		client: externalscaler.NewExternalScalerClient(conn), release: release, now: env.Now,
		address: c.Address, ref: c.ref(), secrets: c.secrets(), composed: c.Input.Composed,
	}, nil
}
