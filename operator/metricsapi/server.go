// Package metricsapi serves Furl's aggregated APIs: metrics.k8s.io, which
// `kubectl top` and every HPA controller read, and decisions.furl.dev, where
// `furl explain` reads why.
//
// It is one generic API server without storage. Who may ask what is the real
// API server's business: it is asked, by TokenReview and SubjectAccessReview.
package metricsapi

import (
	"context"
	"errors"
	"fmt"
	"net"

	descriptions "github.com/furl-dev/furl/operator/metricsapi/openapi"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/openapi"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/util/compatibility"
)

// Config is what a server is made of.
type Config struct {
	Options *Options
	// Groups are the APIs to serve, such as [Metrics] and [Decisions].
	Groups []Group
	// Authenticator and Authorizer take the place of the API server's answers, if set.
	Authenticator authenticator.Request
	Authorizer    authorizer.Authorizer
}

// Group is one API group: the types it adds to the server's scheme and the
// resources it serves from them. Either Build describes them, or Install adds
// handlers of the group's own.
type Group struct {
	Name        string
	AddToScheme func(*runtime.Scheme) error
	Build       func(*runtime.Scheme, serializer.CodecFactory) server.APIGroupInfo
	Install     func(*server.GenericAPIServer, serializer.CodecFactory)
}

// Server answers for the groups it was made with.
type Server struct {
	generic *server.GenericAPIServer
	serving *server.SecureServingInfo
}

// New binds the port and makes the server ready to run. It asks the API
// server for the certificates that prove the front proxy, so that must answer.
func New(c Config) (*Server, error) {
	scheme := runtime.NewScheme()
	for _, g := range c.Groups {
		if err := g.AddToScheme(scheme); err != nil {
			return nil, fmt.Errorf("types of API group %s: %w", g.Name, err)
		}
	}
	addUnversioned(scheme)
	codecs := serializer.NewCodecFactory(scheme)
	config := server.NewConfig(codecs)
	config.EffectiveVersion = compatibility.DefaultBuildEffectiveVersion()
	config.EnableProfiling = false
	describe(config, scheme)
	if err := c.secure(config); err != nil {
		return nil, err
	}
	generic, err := config.Complete(nil).New("furl", server.NewEmptyDelegate())
	if err != nil {
		return nil, fmt.Errorf("API server on %s: %w", config.SecureServing.Listener.Addr(), err)
	}
	for _, g := range c.Groups {
		if g.Install != nil {
			g.Install(generic, codecs)
			continue
		}
		info := g.Build(scheme, codecs)
		if err := generic.InstallAPIGroup(&info); err != nil {
			return nil, fmt.Errorf("serve API group %s: %w", g.Name, err)
		}
	}
	return &Server{generic: generic, serving: config.SecureServing}, nil
}

// Run serves until the context ends and the requests under way are answered.
func (s *Server) Run(ctx context.Context) error {
	if err := s.generic.PrepareRun().RunWithContext(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("serve on %s: %w", s.Address(), err)
	}
	return nil
}

// Address is where the server listens.
func (s *Server) Address() net.Addr { return s.serving.Listener.Addr() }

// Certificate returns the certificate it serves with, in PEM. When it was
// made by the server itself, it is its own CA and belongs into the APIService.
func (s *Server) Certificate() []byte {
	cert, _ := s.serving.Cert.CurrentCertKeyContent()
	return cert
}

// secure lays TLS, authentication and authorization over the config, in the
// order in which they need each other.
func (c *Config) secure(config *server.Config) error {
	if err := c.Options.serve(config); err != nil {
		return err
	}
	if config.Authentication.Authenticator = c.Authenticator; c.Authenticator == nil {
		err := c.Options.Authentication.ApplyTo(&config.Authentication, config.SecureServing, config.OpenAPIConfig)
		if err != nil {
			return fmt.Errorf("delegate authentication to the API server: %w", err)
		}
	}
	if config.Authorization.Authorizer = c.Authorizer; c.Authorizer == nil {
		if err := c.Options.Authorization.ApplyTo(&config.Authorization); err != nil {
			return fmt.Errorf("delegate authorization to the API server: %w", err)
		}
	}
	return nil
}

func describe(config *server.Config, scheme *runtime.Scheme) {
	names := openapi.NewDefinitionNamer(scheme)
	config.OpenAPIConfig = server.DefaultOpenAPIConfig(descriptions.GetOpenAPIDefinitions, names)
	config.OpenAPIV3Config = server.DefaultOpenAPIV3Config(descriptions.GetOpenAPIDefinitions, names)
	config.OpenAPIConfig.Info.Title, config.OpenAPIV3Config.Info.Title = "Furl", "Furl"
}
