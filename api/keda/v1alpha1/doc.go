// Package v1alpha1 is keda.sh as KEDA 2.21 speaks it: the same names, defaults and JSON, in types of Furl's own.
//
// tools/kedatypes holds these types and the CRDs made from them against KEDA's
// own, field by field.
//
// +kubebuilder:object:generate=true
// +groupName=keda.sh
package v1alpha1

// generateEmbeddedObjectMeta: else the API server drops labels and annotations
// of a ScaledJob's pod template. maxDescLen: else the CRD of ScaledJobs is too
// large for the annotation that kubectl apply keeps of it, 262144 bytes.
//
//go:generate go run sigs.k8s.io/controller-tools/cmd/controller-gen@v0.23.0 object crd:crdVersions=v1,generateEmbeddedObjectMeta=true,maxDescLen=160 paths=. output:crd:dir=../../../deploy/crds
