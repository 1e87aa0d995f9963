package awsauth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/internal/clients"
)

// emptyBody is the SHA-256 of no bytes, the body of a GET.
const emptyBody = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Signers sign requests to services of AWS that are plain HTTP (SigV4). They
// keep an identity's credentials for all who use it.
type Signers struct {
	configs clients.Pool[where, aws.Config]
}

// NewSigners returns the signers of one kind of trigger.
func NewSigners() *Signers {
	return &Signers{configs: clients.Pool[where, aws.Config]{Done: Done}}
}

type where struct {
	who    Identity
	region string
}

// Open returns what signs a GET to Amazon Managed Service for Prometheus, and what gives it back.
func (s *Signers) Open(ctx context.Context, settings Settings, pod trigger.Identity, region string, env trigger.Env) (sign func(*http.Request) error, release func(), err error) {
	who, err := settings.Resolve(pod)
	if err != nil {
		return nil, nil, err
	}
	c, release, err := s.configs.Use(where{who, region}, func() (aws.Config, error) { return Config(ctx, who, region, env.HTTP) })
	if err != nil {
		return nil, nil, err
	}
	if c.Region == "" {
		release()
		return nil, nil, errors.New("awsRegion is missing: want the region of the workspace, such as eu-west-1")
	}
	return func(r *http.Request) error { return signGet(r, c, who, env.Now()) }, release, nil
}

func signGet(r *http.Request, c aws.Config, who Identity, at time.Time) error {
	found, err := c.Credentials.Retrieve(r.Context())
	if err != nil {
		return Explain(err, who, "aps:QueryMetrics on the workspace")
	}
	return v4.NewSigner().SignHTTP(r.Context(), found, r, emptyBody, "aps", c.Region, at)
}
