// Package prometheus asks a server that speaks PromQL for one number.
package prometheus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/internal/awsauth"
	"github.com/furl-dev/furl/triggers/internal/ending"
	"github.com/furl-dev/furl/triggers/internal/webauth"
)

// Kind describes the trigger; triggers/all lists it.
func Kind() trigger.Kind {
	o := opener{webauth.New(), awsauth.NewSigners()}
	return trigger.Define("prometheus", "Asks Prometheus, or a server with its API, for the value of a query.", o.open)
}

type config struct {
	Server     string            `cfg:"serverAddress" example:"http://prometheus.monitoring:9090" doc:"URL of the server, up to /api/v1/query"`
	Query      string            `cfg:"query" example:"sum(rate(http_requests_total[2m]))" doc:"PromQL with one result"`
	Threshold  float64           `cfg:"threshold,role=target" example:"100" doc:"value for one replica"`
	Activation float64           `cfg:"activationThreshold,optional,role=activation" doc:"value above which the workload becomes active"`
	Namespace  string            `cfg:"namespace,optional" doc:"parameter namespace of the request, for servers that divide by it"`
	Parameters map[string]string `cfg:"queryParameters,optional" doc:"more parameters of the request: name=value,name=value"`
	Headers    map[string]string `cfg:"customHeaders,optional" doc:"headers of the request: name=value,name=value"`
	IgnoreNull bool              `cfg:"ignoreNullValues,default=true" doc:"a query without a value means 0; false: it is an error"`
	Unsafe     bool              `cfg:"unsafeSsl,optional" doc:"accept any certificate"`
	Timeout    time.Duration     `cfg:"timeout,optional" doc:"of one request, as 30s or in milliseconds"`
	Region     string            `cfg:"awsRegion,from=meta;auth,optional" doc:"for Amazon Managed Service for Prometheus: its region"`
	Google     string            `cfg:"GoogleApplicationCredentials,from=auth,optional,secret" doc:"not supported yet"`

	Auth     webauth.Settings `cfg:""`
	AWS      awsauth.Settings `cfg:""`
	Identity trigger.Identity
}

// Validate finds an authentication that lacks a part, or two of them.
func (c config) Validate() error {
	if err := c.Auth.Complete(); err != nil {
		return err
	}
	if len(c.Auth.Modes) > 0 && c.Identity.Provider != "" && c.Identity.Provider != "none" {
		return fmt.Errorf("authModes %s beside podIdentity %s: want one of the two", strings.Join(c.Auth.Modes, ","), c.Identity.Provider)
	}
	return nil
}

// refuse names what KEDA has and Furl has not.
func (c config) refuse() error {
	if len(c.Auth.Modes) > 0 {
		return nil
	}
	if p := c.Identity.Provider; p == "gcp" || p == "azure-workload" {
		return fmt.Errorf("podIdentity %s is not supported yet for prometheus: want podIdentity aws, or authModes bearer with a bearerToken", p)
	}
	if c.Google != "" {
		return errors.New("GoogleApplicationCredentials is not supported yet for prometheus: want authModes bearer with a bearerToken")
	}
	return nil
}

// isAWS says that requests are to be signed as AWS wants it: where no other
// authentication is, and somebody is named.
func (c config) isAWS() bool {
	owner := c.AWS.IdentityOwner
	named := c.Identity.Provider == "aws" || owner != "" && owner != "pod" || c.AWS.RoleARN != "" || c.AWS.KeyID != ""
	return len(c.Auth.Modes) == 0 && named
}

// question is the URL of the query at an instant.
func (c config) question(at time.Time) string {
	parameters := url.Values{"query": {c.Query}, "time": {at.UTC().Format(time.RFC3339)}}
	if c.Namespace != "" {
		parameters.Add("namespace", c.Namespace)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Parameters)) {
		parameters.Add(name, c.Parameters[name])
	}
	return strings.TrimRight(c.Server, "/") + "/api/v1/query?" + parameters.Encode()
}

func (c config) writeHeaders(r *http.Request) error {
	for name, value := range c.Headers {
		r.Header.Set(name, value)
	}
	return nil
}

type opener struct {
	clients *webauth.Clients
	signers *awsauth.Signers
}

func (o opener) open(ctx context.Context, c config, env trigger.Env) (trigger.Source, error) {
	if err := c.refuse(); err != nil {
		return nil, err
	}
	if err := webauth.CheckURL("serverAddress", c.Server); err != nil {
		return nil, err
	}
	s := &source{config: c, write: []func(*http.Request) error{c.writeHeaders}, now: env.Now, release: func() {}}
	if c.isAWS() {
		sign, release, err := o.signers.Open(ctx, c.AWS, c.Identity, c.Region, env)
		if err != nil {
			return nil, err
		}
		s.write, s.release = append(s.write, sign), release
	}
	account, err := o.clients.Open(env, c.Auth, webauth.Options{Unsafe: c.Unsafe, Timeout: c.Timeout})
	if err != nil {
		s.release()
		return nil, err
	}
	s.account = account
	return ending.Wrap(s, c.Timeout), nil
}
