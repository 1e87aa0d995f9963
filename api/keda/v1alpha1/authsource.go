package v1alpha1

// ValueFromSecret takes a value from a Secret.
type ValueFromSecret struct {
	// The key of a Secret.
	SecretKeyRef SecretKeyRef `json:"secretKeyRef"`
}

// SecretKeyRef is a key of a Secret.
type SecretKeyRef struct {
	// The name of the Secret.
	Name string `json:"name"`
	// The key in it.
	Key string `json:"key"`
}

// HashiCorpVault reads secrets of HashiCorp Vault.
type HashiCorpVault struct {
	// The URL of the server.
	Address string `json:"address"`
	// How to log in.
	Authentication VaultAuthentication `json:"authentication"`
	// What to read.
	// +kubebuilder:validation:MinItems=1
	Secrets []VaultSecret `json:"secrets"`
	// The namespace of Vault.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// What to log in with.
	// +optional
	Credential *Credential `json:"credential,omitempty"`
	// The role to log in as, with kubernetes.
	// +optional
	Role string `json:"role,omitempty"`
	// The path of the login, with kubernetes.
	// +optional
	Mount string `json:"mount,omitempty"`
}

// Credential is what to log in to Vault with.
type Credential struct {
	// A token of Vault.
	// +optional
	Token string `json:"token,omitempty"`
	// The path of a file with a service account's token.
	// +optional
	ServiceAccount string `json:"serviceAccount,omitempty"`
	// A service account.
	// +optional
	ServiceAccountName string `json:"serviceAccountName,omitempty"`
}

// VaultAuthentication is how to log in to Vault.
//
// +kubebuilder:validation:Enum=token;kubernetes
type VaultAuthentication string

// Ways to log in to Vault.
const (
	VaultAuthenticationToken      VaultAuthentication = "token"
	VaultAuthenticationKubernetes VaultAuthentication = "kubernetes"
)

// VaultSecretType is the engine that a secret of Vault comes from.
//
// +kubebuilder:validation:Enum="";secretV2;secret;pki
type VaultSecretType string

// Engines of Vault.
const (
	// VaultSecretTypeGeneric leaves it to what the answer looks like.
	VaultSecretTypeGeneric  VaultSecretType = ""
	VaultSecretTypeSecretV2 VaultSecretType = "secretV2"
	VaultSecretTypeSecret   VaultSecretType = "secret"
	VaultSecretTypePki      VaultSecretType = "pki"
)

// VaultSecret takes one value of Vault.
type VaultSecret struct {
	// The parameter that gets the value.
	Parameter string `json:"parameter"`
	// The path of the secret.
	Path string `json:"path"`
	// The key in it.
	Key string `json:"key"`
	// The engine.
	Type VaultSecretType `json:"type,omitempty"`
	// The certificate to ask for, with pki.
	PkiData VaultPkiData `json:"pkiData,omitempty"`
}

// VaultPkiData is the certificate to ask Vault for.
type VaultPkiData struct {
	// Its common name.
	CommonName string `json:"commonName,omitempty"`
	// More names, with commas between.
	AltNames string `json:"altNames,omitempty"`
	// Its addresses, with commas between.
	IPSans string `json:"ipSans,omitempty"`
	// Its URIs, with commas between.
	URISans string `json:"uriSans,omitempty"`
	// Names of other kinds.
	OtherSans string `json:"otherSans,omitempty"`
	// How long it lives, such as 24h.
	TTL string `json:"ttl,omitempty"`
	// Its format, such as pem.
	Format string `json:"format,omitempty"`
}

// AzureKeyVault reads secrets of an Azure key vault.
type AzureKeyVault struct {
	// The URI of the vault.
	VaultURI string `json:"vaultUri"`
	// What to read.
	// +kubebuilder:validation:MinItems=1
	Secrets []AzureKeyVaultSecret `json:"secrets"`
	// What to log in with.
	// +optional
	Credentials *AzureKeyVaultCredentials `json:"credentials"`
	// The identity to log in with.
	// +optional
	PodIdentity *AuthPodIdentity `json:"podIdentity"`
	// The cloud; the public one if unset.
	// +optional
	Cloud *AzureKeyVaultCloudInfo `json:"cloud"`
}

// AzureKeyVaultCredentials is what to log in to a key vault with.
type AzureKeyVaultCredentials struct {
	// The application.
	ClientID string `json:"clientId"`
	// Its tenant.
	TenantID string `json:"tenantId"`
	// Its secret.
	ClientSecret *AzureKeyVaultClientSecret `json:"clientSecret"`
}

// AzureKeyVaultClientSecret is where an application's secret is.
type AzureKeyVaultClientSecret struct {
	// Where it is.
	ValueFrom ValueFromSecret `json:"valueFrom"`
}

// AzureKeyVaultSecret takes one secret of a key vault.
type AzureKeyVaultSecret struct {
	// The parameter that gets the value.
	Parameter string `json:"parameter"`
	// The name of the secret.
	Name string `json:"name"`
	// Its version; the latest if unset.
	// +optional
	Version string `json:"version,omitempty"`
}

// AzureKeyVaultCloudInfo is which Azure cloud.
type AzureKeyVaultCloudInfo struct {
	// Its name, such as AzurePublicCloud, or Private.
	Type string `json:"type"`
	// Of a private cloud: the resource of its key vaults.
	// +optional
	KeyVaultResourceURL string `json:"keyVaultResourceURL"`
	// Of a private cloud: where to log in.
	// +optional
	ActiveDirectoryEndpoint string `json:"activeDirectoryEndpoint"`
}

// AzureServicePrincipal is a service principal of Microsoft Entra.
type AzureServicePrincipal struct {
	// Its tenant.
	TenantID string `json:"tenantId"`
	// The application.
	ClientID string `json:"clientId"`
	// The cloud; AzurePublicCloud if unset.
	// +optional
	Cloud string `json:"cloud,omitempty"`
	// Where to log in, needed when cloud is Private.
	// +optional
	ActiveDirectoryEndpoint string `json:"activeDirectoryEndpoint,omitempty"`
	// Its secret. Not with clientCertificate.
	// +optional
	ClientSecret *AzureServicePrincipalCredential `json:"clientSecret,omitempty"`
	// Its certificate. Not with clientSecret.
	// +optional
	ClientCertificate *AzureServicePrincipalCredential `json:"clientCertificate,omitempty"`
	// The password of the certificate.
	// +optional
	ClientCertificatePassword *AzureServicePrincipalCredential `json:"clientCertificatePassword,omitempty"`
}

// AzureServicePrincipalCredential is where a credential is.
type AzureServicePrincipalCredential struct {
	// Where it is.
	ValueFrom ValueFromSecret `json:"valueFrom"`
}

// GCPSecretManager reads secrets of the Google Cloud secret manager.
type GCPSecretManager struct {
	// What to read.
	// +kubebuilder:validation:MinItems=1
	Secrets []GCPSecretManagerSecret `json:"secrets"`
	// What to log in with.
	// +optional
	Credentials *GCPCredentials `json:"credentials"`
	// The identity to log in with.
	// +optional
	PodIdentity *AuthPodIdentity `json:"podIdentity"`
}

// GCPCredentials is what to log in to the secret manager with.
type GCPCredentials struct {
	// A service account's key.
	ClientSecret GCPSecretmanagerClientSecret `json:"clientSecret"`
}

// GCPSecretmanagerClientSecret is where a service account's key is.
type GCPSecretmanagerClientSecret struct {
	// Where it is.
	ValueFrom ValueFromSecret `json:"valueFrom"`
}

// GCPSecretManagerSecret takes one secret of the secret manager.
type GCPSecretManagerSecret struct {
	// The parameter that gets the value.
	Parameter string `json:"parameter"`
	// The name of the secret.
	ID string `json:"id"`
	// Its version; latest if unset.
	// +optional
	Version string `json:"version,omitempty"`
}

// AwsSecretManager reads secrets of the AWS secrets manager.
type AwsSecretManager struct {
	// What to read.
	// +kubebuilder:validation:MinItems=1
	Secrets []AwsSecretManagerSecret `json:"secrets"`
	// What to log in with.
	// +optional
	Credentials *AwsSecretManagerCredentials `json:"credentials"`
	// The identity to log in with.
	// +optional
	PodIdentity *AuthPodIdentity `json:"podIdentity"`
	// The region.
	// +optional
	Region string `json:"region,omitempty"`
}

// AwsSecretManagerCredentials is what to log in to AWS with.
type AwsSecretManagerCredentials struct {
	// The access key.
	AccessKey *AwsSecretManagerValue `json:"accessKey"`
	// Its secret.
	AccessSecretKey *AwsSecretManagerValue `json:"accessSecretKey"`
	// The token of a session.
	// +optional
	AccessToken *AwsSecretManagerValue `json:"accessToken,omitempty"`
}

// AwsSecretManagerValue is where a credential is.
type AwsSecretManagerValue struct {
	// Where it is.
	ValueFrom ValueFromSecret `json:"valueFrom"`
}

// AwsSecretManagerSecret takes one secret of the secrets manager.
type AwsSecretManagerSecret struct {
	// The parameter that gets the value.
	Parameter string `json:"parameter"`
	// The name of the secret.
	Name string `json:"name"`
	// Its version.
	// +optional
	VersionID string `json:"versionId,omitempty"`
	// The stage of its version.
	// +optional
	VersionStage string `json:"versionStage,omitempty"`
	// The key in a secret that is a JSON object.
	// +optional
	SecretKey string `json:"secretKey,omitempty"`
}

// OAuth2 is a grant of OAuth 2.
type OAuth2 struct {
	// The type of the grant.
	// +kubebuilder:validation:Enum=clientCredentials
	// +kubebuilder:default=clientCredentials
	Type OAuth2GrantType `json:"type"`
	// The client.
	ClientID string `json:"clientId"`
	// Its secret.
	// +optional
	ClientSecret OAuth2ClientSecret `json:"clientSecret,omitempty"`
	// Where tokens are given out.
	TokenURL string `json:"tokenUrl"`
	// What is asked for.
	// +optional
	Scopes []string `json:"scopes,omitempty"`
	// More parameters of the request for a token.
	// +optional
	TokenURLParams map[string]string `json:"tokenUrlParams,omitempty"`
}

// OAuth2GrantType is the type of a grant.
type OAuth2GrantType string

// OAuth2GrantTypeClientCredentials is the grant for programs.
const OAuth2GrantTypeClientCredentials OAuth2GrantType = "clientCredentials"

// OAuth2ClientSecret is where a client's secret is.
type OAuth2ClientSecret struct {
	// Where it is.
	ValueFrom ValueFromSecret `json:"valueFrom"`
}
