package cluster

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// fieldManager owns what the lab applies.
const fieldManager = "furl-lab"

// installation is what the manifests brought.
type installation struct {
	client    dynamic.Interface
	namespace string        // of the operator's ServiceAccount
	services  []serviceName // that APIServices name
	apis      []string      // APIServices, by name
	without   string        // an APIService that is left out
}

type serviceName struct{ namespace, name string }

func apiServices() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}
}

// install applies the manifests by server-side apply, as a user would, with two differences: nothing that would run the
// operator as a pod, and the aggregated APIs lead to the operator's port on 127.0.0.1 by Services of type ExternalName,
// because endpoints may not hold loopback addresses.
func (l *lab) install(ctx context.Context) (*installation, error) {
	objects, err := readManifests(l.o.Manifests)
	if err != nil {
		return nil, err
	}
	i := &installation{}
	if slices.Contains(l.o.OperatorArgs, "--resource-metrics=api") {
		i.without = "v1beta1.metrics.k8s.io" // the operator serves none, and nobody else does
	}
	objects, err = i.adapt(objects, l.state.Ports.Operator, l.keys.Cluster.PEM)
	if err != nil {
		return nil, fmt.Errorf("manifests in %s: %w", l.o.Manifests, err)
	}
	if i.client, err = dynamic.NewForConfig(l.rest); err != nil {
		return nil, fmt.Errorf("make a dynamic client: %w", err)
	}
	found, err := discovery.NewDiscoveryClientForConfig(l.rest)
	if err != nil {
		return nil, fmt.Errorf("make a discovery client: %w", err)
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(found))
	for _, o := range objects {
		if err := i.apply(ctx, mapper, o); err != nil {
			return nil, err
		}
	}
	return i, nil
}

func (i *installation) apply(ctx context.Context, mapper *restmapper.DeferredDiscoveryRESTMapper, o *unstructured.Unstructured) error {
	kind := o.GroupVersionKind()
	m, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) { // of a CustomResourceDefinition just applied, perhaps
		mapper.Reset()
		m, err = mapper.RESTMapping(kind.GroupKind(), kind.Version)
	}
	if err != nil {
		return fmt.Errorf("find the resource of kind %s: %w", kind.Kind, err)
	}
	var resource dynamic.ResourceInterface = i.client.Resource(m.Resource)
	if m.Scope.Name() == meta.RESTScopeNameNamespace {
		resource = i.client.Resource(m.Resource).Namespace(o.GetNamespace())
	}
	if _, err := resource.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: fieldManager, Force: true}); err != nil {
		return fmt.Errorf("apply %s %s: %w", kind.Kind, o.GetName(), err)
	}
	return nil
}

// unavailable says why the aggregator does not reach an API, and nothing when it does.
func (i *installation) unavailable(ctx context.Context, name string) (string, error) {
	o, err := i.client.Resource(apiServices()).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("read APIService %s: %w", name, err)
	}
	conditions, _, err := unstructured.NestedSlice(o.Object, "status", "conditions")
	if err != nil {
		return "", fmt.Errorf("read the conditions of APIService %s: %w", name, err)
	}
	for _, one := range conditions {
		c, ok := one.(map[string]any)
		if !ok || c["type"] != "Available" {
			continue
		}
		if c["status"] == "True" {
			return "", nil
		}
		return fmt.Sprint(c["message"]), nil
	}
	return "not looked at yet", nil
}

// readManifests reads every object of every .yaml file of a folder and of crds in it, in the order of the files' names.
func readManifests(dir string) ([]*unstructured.Unstructured, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("look for manifests in %s: %w", dir, err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no install manifests are in %q: name their folder with --manifests, or start with --operator=false", dir)
	}
	definitions, err := filepath.Glob(filepath.Join(dir, "crds", "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("look for definitions in %s: %w", dir, err)
	}
	files = append(files, definitions...)
	sort.Strings(files)
	var all []*unstructured.Unstructured
	for _, file := range files {
		raw, err := os.ReadFile(file) //nolint:gosec // the user's own folder
		if err != nil {
			return nil, fmt.Errorf("read manifests: %w", err)
		}
		decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096)
		for {
			o := &unstructured.Unstructured{}
			err := decoder.Decode(&o.Object)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("parse %s: %w", file, err)
			}
			if o.GetKind() != "" {
				all = append(all, o)
			}
		}
	}
	return all, nil
}

// adapt turns manifests for a cluster into those for the lab.
func (i *installation) adapt(all []*unstructured.Unstructured, port int, ca []byte) ([]*unstructured.Unstructured, error) {
	var kept []*unstructured.Unstructured
	for _, o := range all {
		switch o.GroupVersionKind().Group {
		case "apps", "batch", "policy": // the operator is a process here
			continue
		case apiServices().Group:
			if o.GetName() == i.without {
				continue
			}
			if err := i.lead(o, port, ca); err != nil {
				return nil, err
			}
		}
		if o.GetKind() == "ServiceAccount" && o.GetName() == operatorAccount {
			i.namespace = o.GetNamespace()
		}
		kept = append(kept, o)
	}
	if i.namespace == "" {
		return nil, fmt.Errorf("no ServiceAccount named %s with a namespace is among them", operatorAccount)
	}
	kept = slices.DeleteFunc(kept, func(o *unstructured.Unstructured) bool {
		return o.GroupVersionKind().GroupKind() == schema.GroupKind{Kind: "Service"} &&
			slices.Contains(i.services, serviceName{o.GetNamespace(), o.GetName()})
	})
	for _, s := range i.services {
		kept = append(kept, external(s))
	}
	// Others live in namespaces and are of kinds that must be there first.
	slices.SortStableFunc(kept, func(a, b *unstructured.Unstructured) int { return rank(a) - rank(b) })
	return kept, nil
}

// rank orders kinds that others need before the others.
func rank(o *unstructured.Unstructured) int {
	switch o.GetKind() {
	case "Namespace":
		return 0
	case "CustomResourceDefinition":
		return 1
	}
	return 2
}

// lead makes an APIService lead to the operator's port, whom the lab's authority vouches for.
func (i *installation) lead(o *unstructured.Unstructured, port int, ca []byte) error {
	name, _, err := unstructured.NestedString(o.Object, "spec", "service", "name")
	if err != nil {
		return fmt.Errorf("APIService %s: %w", o.GetName(), err)
	}
	namespace, _, err := unstructured.NestedString(o.Object, "spec", "service", "namespace")
	if err != nil {
		return fmt.Errorf("APIService %s: %w", o.GetName(), err)
	}
	if name == "" || namespace == "" {
		return fmt.Errorf("APIService %s names no Service", o.GetName())
	}
	i.apis = append(i.apis, o.GetName())
	if s := (serviceName{namespace, name}); !slices.Contains(i.services, s) {
		i.services = append(i.services, s)
	}
	unstructured.RemoveNestedField(o.Object, "spec", "insecureSkipTLSVerify")
	if err := unstructured.SetNestedField(o.Object, int64(port), "spec", "service", "port"); err != nil {
		return fmt.Errorf("APIService %s: %w", o.GetName(), err)
	}
	if err := unstructured.SetNestedField(o.Object, base64.StdEncoding.EncodeToString(ca), "spec", "caBundle"); err != nil {
		return fmt.Errorf("APIService %s: %w", o.GetName(), err)
	}
	return nil
}

func external(s serviceName) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Service",
		"metadata": map[string]any{"name": s.name, "namespace": s.namespace},
		"spec":     map[string]any{"type": "ExternalName", "externalName": "127.0.0.1"},
	}}
}
