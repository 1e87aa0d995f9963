// Package metricsapi reads one number out of what any HTTP server answers: JSON, XML, YAML or Prometheus' text.
package metricsapi

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/internal/ending"
	"github.com/furl-dev/furl/triggers/internal/webauth"
)

// Kind describes the trigger; triggers/all lists it.
func Kind() trigger.Kind {
	o := opener{webauth.New()}
	return trigger.Define("metrics-api", "Reads a number out of the answer of an HTTP server.", o.open)
}

type config struct {
	Target     float64       `cfg:"targetValue,optional,role=target" example:"20" doc:"value for one replica; above 0"`
	Activation float64       `cfg:"activationTargetValue,default=0,role=activation" doc:"value above which the workload becomes active"`
	Place      place         `cfg:""`
	Format     string        `cfg:"format,default=json,enum=prometheus;json;xml;yaml" doc:"form of the answer"`
	Location   string        `cfg:"valueLocation" example:"queue.length" doc:"where the value is: for json a GJSON path, for xml and yaml keys and indexes with dots between, for prometheus a metric and its labels"`
	Unsafe     bool          `cfg:"unsafeSsl,default=false" doc:"accept any certificate"`
	Timeout    time.Duration `cfg:"timeout,optional" doc:"of one request, as 30s or in milliseconds"`

	Auth webauth.Settings `cfg:""`
}

// Validate finds an authentication that lacks a part.
func (c config) Validate() error {
	if err := c.Auth.Allow("apiKey", "basic", "tls", "bearer"); err != nil {
		return err
	}
	return c.Auth.Complete()
}

// MetricName is KEDA's.
func (c config) MetricName() string { return "metric-api-" + c.Location }

// place is checked by itself, so that admission can check it without the authentication.
type place struct {
	URL         string `cfg:"url" example:"http://api.shop:8080/stats" doc:"where to ask; with aggregateFromKubeServiceEndpoints http://SERVICE.NAMESPACE:POD_PORT/PATH"`
	Each        bool   `cfg:"aggregateFromKubeServiceEndpoints,default=false" doc:"ask each ready pod behind the Service of the URL"`
	Aggregation string `cfg:"aggregationType,default=average,enum=average;sum;max;min" doc:"what to make of the pods' values"`
}

// Validate finds a URL without a Service where one is needed.
func (p place) Validate() error {
	if !p.Each {
		return nil
	}
	_, err := p.service()
	return err
}

// service is what the host of a URL names inside a cluster.
type service struct {
	url             url.URL
	name, namespace string
	port            int
}

func (p place) service() (service, error) {
	u, err := url.Parse(p.URL)
	if err != nil {
		return service{}, errors.New("url: want http://SERVICE.NAMESPACE:POD_PORT/PATH")
	}
	labels := strings.Split(u.Hostname(), ".")
	if len(labels) < 2 {
		return service{}, fmt.Errorf("url with host %q: want http://SERVICE.NAMESPACE:POD_PORT/PATH to ask each pod of a Service", u.Host)
	}
	port := 80
	if u.Scheme == "https" {
		port = 443
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil {
			return service{}, fmt.Errorf("url with port %q: want a number", u.Port())
		}
	}
	return service{url: *u, name: labels[0], namespace: labels[1], port: port}, nil
}

type opener struct{ clients *webauth.Clients }

func (o opener) open(_ context.Context, c config, env trigger.Env) (trigger.Source, error) {
	if err := webauth.CheckURL("url", c.Place.URL); err != nil {
		return nil, err
	}
	s := &source{place: c.Place, location: c.Location, format: c.Format, cluster: env.Cluster, now: env.Now}
	if c.Place.Each {
		var err error
		if s.service, err = c.Place.service(); err != nil {
			return nil, err
		}
		if env.Cluster == nil {
			return nil, errors.New("the pods of a Service can be asked in a cluster only, and there is none here")
		}
	}
	account, err := o.clients.Open(env, c.Auth, webauth.Options{Unsafe: c.Unsafe, Timeout: c.Timeout})
	if err != nil {
		return nil, err
	}
	s.account = account
	return ending.Wrap(s, c.Timeout), nil
}
