package kedatypes_test

import (
	"testing"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	keda "github.com/kedacore/keda/v2/apis/keda/v1alpha1"
	"pgregory.net/rapid"
)

// TestAuthentications_are_refused_as_by_KEDAs_webhook asks both about the same
// random specs. KEDA does not look at oauth2 beside an identity of none, gcp or
// aws-eks; ours does.
func TestAuthentications_are_refused_as_by_KEDAs_webhook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		theirs := &keda.TriggerAuthentication{}
		if rapid.Bool().Draw(t, "identity") {
			theirs.Spec.PodIdentity = identity().Draw(t, "podIdentity")
		}
		if rapid.Bool().Draw(t, "principal") {
			theirs.Spec.AzureServicePrincipal = principal().Draw(t, "azureServicePrincipal")
		}
		if looksAtOAuth(theirs.Spec.PodIdentity) && rapid.Bool().Draw(t, "oauth") {
			theirs.Spec.OAuth2 = &keda.OAuth2{
				Type:     keda.OAuth2GrantType(rapid.SampledFrom([]string{"clientCredentials", "password"}).Draw(t, "type")),
				ClientID: rapid.SampledFrom([]string{"", "c"}).Draw(t, "client"),
				TokenURL: rapid.SampledFrom([]string{"", "x", "ftp://x", "https://x/y", "http://x", "://"}).Draw(t, "url"),
			}
		}
		_, want := theirs.ValidateCreate(nil)
		spec := as[v1alpha1.TriggerAuthenticationSpec](t, theirs.Spec)
		if got := spec.Validate(); (got == nil) != (want == nil) {
			t.Fatalf("KEDA: %v, here: %v", want, got)
		}
	})
}

func looksAtOAuth(p *keda.AuthPodIdentity) bool {
	return p == nil || p.Provider == keda.PodIdentityProviderAws || p.Provider == keda.PodIdentityProviderAzureWorkload
}

func identity() *rapid.Generator[*keda.AuthPodIdentity] {
	return rapid.Custom(func(t *rapid.T) *keda.AuthPodIdentity {
		word := rapid.Ptr(rapid.SampledFrom([]string{"", "x"}), true)
		return &keda.AuthPodIdentity{
			Provider:              keda.PodIdentityProvider(rapid.SampledFrom([]string{"none", "aws", "aws-eks", "gcp", "azure-workload"}).Draw(t, "provider")),
			IdentityID:            word.Draw(t, "id"),
			IdentityTenantID:      word.Draw(t, "tenant"),
			IdentityAuthorityHost: word.Draw(t, "authority"),
			RoleArn:               word.Draw(t, "role"),
			ExternalID:            word.Draw(t, "external"),
			IdentityOwner:         rapid.Ptr(rapid.SampledFrom([]string{"keda", "workload"}), true).Draw(t, "owner"),
		}
	})
}

func principal() *rapid.Generator[*keda.AzureServicePrincipal] {
	return rapid.Custom(func(t *rapid.T) *keda.AzureServicePrincipal {
		word := rapid.SampledFrom([]string{"", "x"})
		credential := rapid.Ptr(rapid.Just(keda.AzureServicePrincipalCredential{}), true)
		return &keda.AzureServicePrincipal{
			TenantID:                  word.Draw(t, "tenant"),
			ClientID:                  word.Draw(t, "client"),
			Cloud:                     rapid.SampledFrom([]string{"", "Private", "private", "AzurePublicCloud"}).Draw(t, "cloud"),
			ActiveDirectoryEndpoint:   word.Draw(t, "endpoint"),
			ClientSecret:              credential.Draw(t, "secret"),
			ClientCertificate:         credential.Draw(t, "certificate"),
			ClientCertificatePassword: credential.Draw(t, "password"),
		}
	})
}
