// Package crds is what an API server must know before anybody asks it for nodes: Karpenter's kinds and the NodeClass of EKS.
//
// It links nothing else of Karpenter, so that a lab can take these kinds without running it.
package crds

import (
	"context"
	_ "embed"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/karpenter/pkg/apis"
	"sigs.k8s.io/yaml"
)

//go:embed eks.amazonaws.com_nodeclasses.yaml
var nodeClass []byte

// NodePools returns the resource of Karpenter's node pools.
func NodePools() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: apis.Group, Version: "v1", Resource: "nodepools"}
}

// Apply makes the kinds known to the API server, by server-side apply under the name of manager.
func Apply(ctx context.Context, client dynamic.Interface, manager string) error {
	definitions := client.Resource(schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	})
	for _, raw := range [][]byte{apis.NodePoolCRD, apis.NodeClaimCRD, nodeClass} {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(raw, &o.Object); err != nil {
			return fmt.Errorf("parse a CustomResourceDefinition: %w", err)
		}
		if _, err := definitions.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: manager, Force: true}); err != nil {
			return fmt.Errorf("apply the CustomResourceDefinition %s: %w", o.GetName(), err)
		}
	}
	return nil
}
