package awsauth

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const (
	session = "furl" // names the session in CloudTrail
	// answerBytes bounds an answer; AWS's own are a few kB.
	answerBytes = 1 << 20
)

// Config is what the clients of an identity in a region are made of; its credentials are
// kept until shortly before they end. The SDK's default chain finds the operator's own. Give it to [Done].
func Config(ctx context.Context, who Identity, region string, client *http.Client) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{config.WithRegion(region), config.WithRetryer(patience)}
	if who.keyID != "" {
		options = append(options, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(who.keyID, who.key, who.token)))
	}
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("settings of AWS in the operator's environment: %w", err)
	}
	c.HTTPClient = over(client, c.HTTPClient)
	if who.RoleARN == "" {
		return c, nil
	}
	provider, err := assume(who, c)
	c.Credentials = aws.NewCredentialsCache(provider)
	return c, err
}

// patience tries once more: the poll that follows is the real retry.
func patience() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 2
		o.MaxBackoff = 100 * time.Millisecond
	})
}

// assume is the provider of a role's credentials: from the operator's identity, where asked after its web identity token.
func assume(who Identity, c aws.Config) (aws.CredentialsProvider, error) {
	client := sts.NewFromConfig(c)
	byOperator := stscreds.NewAssumeRoleProvider(client, who.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = session
		if who.ExternalID != "" {
			o.ExternalID = &who.ExternalID
		}
	})
	env, err := config.NewEnvConfig()
	if err != nil {
		return nil, fmt.Errorf("settings of AWS in the operator's environment: %w", err)
	}
	if !who.FromToken || env.WebIdentityTokenFilePath == "" {
		return byOperator, nil
	}
	byToken := stscreds.NewWebIdentityRoleProvider(client, who.RoleARN, stscreds.IdentityTokenFile(env.WebIdentityTokenFilePath),
		func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = session })
	return firstOf{byToken, byOperator}, nil
}

// firstOf asks one provider after the other.
type firstOf []aws.CredentialsProvider

// Retrieve returns the first credentials that there are.
func (f firstOf) Retrieve(ctx context.Context) (aws.Credentials, error) {
	var errs []error
	for _, provider := range f {
		found, err := provider.Retrieve(ctx)
		if err == nil {
			return found, nil
		}
		errs = append(errs, err)
	}
	return aws.Credentials{}, errors.Join(errs...)
}

// bounded is a client whose answers end.
type bounded struct {
	client *http.Client
	own    bool // its connections are nobody else's
}

// over makes the SDK's client of one of ours. It takes over the certificates of
// AWS_CA_BUNDLE, and leaves redirects alone: none of AWS's services needs them, and a
// session token must not follow one to a stranger.
func over(client *http.Client, loaded aws.HTTPClient) bounded {
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	ours, isPlain := cmp.Or(c.Transport, http.DefaultTransport).(*http.Transport)
	trust := bundle(loaded)
	if trust == nil || !isPlain {
		return bounded{client: &c}
	}
	transport := ours.Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: trust}
	c.Transport = transport
	return bounded{client: &c, own: true}
}

// bundle is what the SDK made of AWS_CA_BUNDLE; nil where there is none.
func bundle(loaded aws.HTTPClient) *x509.CertPool {
	built, ok := loaded.(*awshttp.BuildableClient)
	if !ok || built.GetTransport().TLSClientConfig == nil {
		return nil
	}
	return built.GetTransport().TLSClientConfig.RootCAs
}

// Done ends what belongs to a configuration alone.
func Done(c aws.Config) {
	if b, ok := c.HTTPClient.(bounded); ok && b.own {
		b.client.CloseIdleConnections()
	}
}

// Do sends a request.
func (b bounded) Do(r *http.Request) (*http.Response, error) {
	answer, err := b.client.Do(r) //nolint:gosec // where to is the user's to say
	if err != nil {
		return nil, err
	}
	answer.Body = &body{ReadCloser: answer.Body, left: answerBytes}
	return answer, nil
}

type body struct {
	io.ReadCloser
	left int64
}

// Read ends with an error where the answer is longer than any that makes sense.
func (b *body) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the answer is longer than %d bytes", answerBytes)
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}
