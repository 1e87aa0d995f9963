package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// TriggerAuthentication says where triggers of its namespace get their credentials.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=triggerauthentications,scope=Namespaced,shortName=ta;triggerauth
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="PodIdentity",type="string",JSONPath=".spec.podIdentity.provider"
// +kubebuilder:printcolumn:name="Secret",type="string",JSONPath=".spec.secretTargetRef[*].name"
// +kubebuilder:printcolumn:name="Env",type="string",JSONPath=".spec.env[*].name"
// +kubebuilder:printcolumn:name="VaultAddress",type="string",JSONPath=".spec.hashiCorpVault.address"
// +kubebuilder:printcolumn:name="ScaledObjects",type="string",priority=1,JSONPath=".status.scaledobjects"
// +kubebuilder:printcolumn:name="ScaledJobs",type="string",priority=1,JSONPath=".status.scaledjobs"
type TriggerAuthentication struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Where the credentials come from.
	Spec TriggerAuthenticationSpec `json:"spec"`
	// Who uses them.
	Status TriggerAuthenticationStatus `json:"status,omitempty"`
}

// TriggerAuthenticationList is a list of TriggerAuthentications.
//
// +kubebuilder:object:root=true
type TriggerAuthenticationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []TriggerAuthentication `json:"items"`
}

// ClusterTriggerAuthentication says where triggers of any namespace get their credentials.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:path=clustertriggerauthentications,scope=Cluster,shortName=cta;clustertriggerauth
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="PodIdentity",type="string",JSONPath=".spec.podIdentity.provider"
// +kubebuilder:printcolumn:name="Secret",type="string",JSONPath=".spec.secretTargetRef[*].name"
// +kubebuilder:printcolumn:name="Env",type="string",JSONPath=".spec.env[*].name"
// +kubebuilder:printcolumn:name="FilePath",type="string",JSONPath=".spec.filePath"
// +kubebuilder:printcolumn:name="VaultAddress",type="string",JSONPath=".spec.hashiCorpVault.address"
// +kubebuilder:printcolumn:name="ScaledObjects",type="string",priority=1,JSONPath=".status.scaledobjects"
// +kubebuilder:printcolumn:name="ScaledJobs",type="string",priority=1,JSONPath=".status.scaledjobs"
type ClusterTriggerAuthentication struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Where the credentials come from. Secrets and config maps are those of the operator's namespace.
	Spec TriggerAuthenticationSpec `json:"spec"`
	// Who uses them.
	Status TriggerAuthenticationStatus `json:"status,omitempty"`
}

// ClusterTriggerAuthenticationList is a list of ClusterTriggerAuthentications.
//
// +kubebuilder:object:root=true
type ClusterTriggerAuthenticationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []ClusterTriggerAuthentication `json:"items"`
}

// TriggerAuthenticationSpec says where credentials come from. When two sources
// give the same parameter, the one lower in this list wins.
type TriggerAuthenticationSpec struct {
	// The identity that the cloud gives to a pod.
	// +optional
	PodIdentity *AuthPodIdentity `json:"podIdentity,omitempty"`
	// Values of Secrets.
	// +optional
	SecretTargetRef []AuthSecretTargetRef `json:"secretTargetRef,omitempty"`
	// Values of ConfigMaps.
	// +optional
	ConfigMapTargetRef []AuthConfigMapTargetRef `json:"configMapTargetRef,omitempty"`
	// Values of the environment of the workload's containers.
	// +optional
	Env []AuthEnvironment `json:"env,omitempty"`
	// A file of the operator with a JSON object of strings, instead of all other sources. Of a ClusterTriggerAuthentication only.
	// +optional
	FilePath string `json:"filePath,omitempty"`
	// Secrets of HashiCorp Vault.
	// +optional
	HashiCorpVault *HashiCorpVault `json:"hashiCorpVault,omitempty"`
	// Secrets of an Azure key vault.
	// +optional
	AzureKeyVault *AzureKeyVault `json:"azureKeyVault,omitempty"`
	// Secrets of the Google Cloud secret manager.
	// +optional
	GCPSecretManager *GCPSecretManager `json:"gcpSecretManager,omitempty"`
	// Secrets of the AWS secrets manager.
	// +optional
	AwsSecretManager *AwsSecretManager `json:"awsSecretManager,omitempty"`
	// Tokens of service accounts.
	// +optional
	BoundServiceAccountToken []BoundServiceAccountToken `json:"boundServiceAccountToken,omitempty"`
	// An OAuth 2 grant.
	// +optional
	OAuth2 *OAuth2 `json:"oauth2,omitempty"`
	// A service principal of Microsoft Entra.
	// +optional
	AzureServicePrincipal *AzureServicePrincipal `json:"azureServicePrincipal,omitempty"`
}

// TriggerAuthenticationStatus says who uses the credentials.
type TriggerAuthenticationStatus struct {
	// The ScaledObjects, with commas between.
	// +optional
	ScaledObjectNamesStr string `json:"scaledobjects,omitempty"`
	// The ScaledJobs, with commas between.
	// +optional
	ScaledJobNamesStr string `json:"scaledjobs,omitempty"`
}

// PodIdentityProvider is who gives a pod its identity.
type PodIdentityProvider string

// Providers of a pod's identity.
const (
	PodIdentityProviderNone          PodIdentityProvider = "none"
	PodIdentityProviderAzureWorkload PodIdentityProvider = "azure-workload"
	PodIdentityProviderGCP           PodIdentityProvider = "gcp"
	PodIdentityProviderAwsEKS        PodIdentityProvider = "aws-eks"
	PodIdentityProviderAws           PodIdentityProvider = "aws"
)

// Owners of the identity that a trigger uses.
const (
	// IdentityOwnerKeda is the operator.
	IdentityOwnerKeda = "keda"
	// IdentityOwnerWorkload is the workload that is scaled.
	IdentityOwnerWorkload = "workload"
)

// AuthPodIdentity is the identity that the cloud gives to a pod.
type AuthPodIdentity struct {
	// Who gives it.
	// +kubebuilder:validation:Enum=azure-workload;gcp;aws;aws-eks;none
	Provider PodIdentityProvider `json:"provider"`
	// Of Azure and Google Cloud: which identity.
	// +optional
	IdentityID *string `json:"identityId,omitempty"`
	// Of Azure: another tenant than the default. Needs identityId.
	// +optional
	IdentityTenantID *string `json:"identityTenantId,omitempty"`
	// Of Azure: another authority than the default. Needs identityTenantId.
	// +optional
	IdentityAuthorityHost *string `json:"identityAuthorityHost,omitempty"`
	// Of AWS: the role to assume. Not with identityOwner workload.
	// +kubebuilder:validation:Optional
	RoleArn *string `json:"roleArn,omitempty"`
	// Of AWS: the external ID to assume the role with. Needs roleArn.
	// +kubebuilder:validation:Optional
	ExternalID *string `json:"externalID,omitempty"`
	// Of AWS: whose identity is used, the operator's (keda) or the workload's.
	// +kubebuilder:validation:Enum=keda;workload
	// +optional
	IdentityOwner *string `json:"identityOwner,omitempty"`
}

// AuthTargetRef takes one value of a Secret or ConfigMap.
type AuthTargetRef struct {
	// The parameter that gets the value.
	Parameter string `json:"parameter"`
	// The name of the Secret or ConfigMap.
	Name string `json:"name"`
	// The key in it.
	Key string `json:"key"`
}

// AuthSecretTargetRef takes one value of a Secret.
type AuthSecretTargetRef AuthTargetRef

// AuthConfigMapTargetRef takes one value of a ConfigMap.
type AuthConfigMapTargetRef AuthTargetRef

// AuthEnvironment takes one variable of the environment of the workload.
type AuthEnvironment struct {
	// The parameter that gets the value.
	Parameter string `json:"parameter"`
	// The name of the variable.
	Name string `json:"name"`
	// The container; the first if unset.
	// +optional
	ContainerName string `json:"containerName,omitempty"`
}

// BoundServiceAccountToken is a token of a service account.
type BoundServiceAccountToken struct {
	// The parameter that gets the token.
	Parameter string `json:"parameter"`
	// The service account.
	ServiceAccountName string `json:"serviceAccountName"`
}
