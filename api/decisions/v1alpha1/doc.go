// Package v1alpha1 is decisions.furl.dev: what Furl decided for a workload,
// step by step, as objects that kubectl and RBAC understand.
//
// The objects are made from Furl's records when somebody reads them; nothing
// is stored in the cluster.
//
// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=dev.furl.decisions.v1alpha1
// +groupName=decisions.furl.dev
package v1alpha1

//go:generate go run k8s.io/code-generator/cmd/deepcopy-gen@v0.37.2 --output-file zz_generated.deepcopy.go .
