package v1alpha1

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Validate reports every rule that an authentication breaks by itself.
func (s *TriggerAuthenticationSpec) Validate() error {
	return errors.Join(s.PodIdentity.validate(), s.OAuth2.validate(), s.AzureServicePrincipal.validate())
}

func (p *AuthPodIdentity) validate() error {
	if p == nil {
		return nil
	}
	switch p.Provider {
	case PodIdentityProviderAzureWorkload:
		return p.validateAzure()
	case PodIdentityProviderAws:
		return p.validateAWS()
	case PodIdentityProviderNone, PodIdentityProviderGCP, PodIdentityProviderAwsEKS:
	}
	return nil
}

func (p *AuthPodIdentity) validateAzure() error {
	switch {
	case p.IdentityID != nil && *p.IdentityID == "":
		return errors.New("podIdentity: identityId is empty: remove it or name an identity")
	case text(p.IdentityAuthorityHost) != "" && text(p.IdentityTenantID) == "":
		return errors.New("podIdentity: identityAuthorityHost needs identityTenantId")
	case p.IdentityTenantID != nil && *p.IdentityTenantID == "":
		return errors.New("podIdentity: identityTenantId is empty: remove it or name a tenant")
	}
	return nil
}

func (p *AuthPodIdentity) validateAWS() error {
	if text(p.RoleArn) != "" && p.IsWorkloads() {
		return fmt.Errorf("podIdentity: roleArn %q beside identityOwner workload: give one of them", *p.RoleArn)
	}
	if text(p.ExternalID) != "" && text(p.RoleArn) == "" {
		return errors.New("podIdentity: externalID needs roleArn")
	}
	return nil
}

// IsWorkloads reports whether the identity is that of the workload, not of the operator.
func (p *AuthPodIdentity) IsWorkloads() bool { return text(p.IdentityOwner) == IdentityOwnerWorkload }

func (o *OAuth2) validate() error {
	if o == nil {
		return nil
	}
	if o.Type != OAuth2GrantTypeClientCredentials {
		return fmt.Errorf("oauth2: type %q: want %s", o.Type, OAuth2GrantTypeClientCredentials)
	}
	if o.ClientID == "" {
		return errors.New("oauth2: clientId is missing")
	}
	u, err := url.Parse(o.TokenURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("oauth2: tokenUrl: want a URL with http or https")
	}
	return nil
}

func (p *AzureServicePrincipal) validate() error {
	if p == nil {
		return nil
	}
	private := strings.EqualFold(p.Cloud, "Private")
	switch {
	case p.TenantID == "":
		return errors.New("azureServicePrincipal: tenantId is missing")
	case p.ClientID == "":
		return errors.New("azureServicePrincipal: clientId is missing")
	case (p.ClientSecret == nil) == (p.ClientCertificate == nil):
		return errors.New("azureServicePrincipal: give one of clientSecret and clientCertificate")
	case p.ClientCertificatePassword != nil && p.ClientCertificate == nil:
		return errors.New("azureServicePrincipal: clientCertificatePassword needs clientCertificate")
	case private != (p.ActiveDirectoryEndpoint != ""):
		return errors.New("azureServicePrincipal: activeDirectoryEndpoint goes with cloud Private and no other")
	}
	return nil
}

func text(s *string) string { return valueOr(s, "") }
