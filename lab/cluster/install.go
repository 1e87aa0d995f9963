package cluster

import (
	"context"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"

	"github.com/furl-dev/furl/cli/install"
	"github.com/furl-dev/furl/deploy"
	"github.com/furl-dev/furl/schedule"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// fieldManager owns what the lab applies.
const fieldManager = "furl-lab"

// installation is what the manifests brought.
type installation struct {
	cluster   *install.Cluster
	namespace string        // of the operator's ServiceAccount
	services  []serviceName // that APIServices name
	apis      []string      // APIServices, by name
}

type serviceName struct{ namespace, name string }

// install applies the manifests as furl install does, with two differences: nothing that would run the operator as a
// pod, and the aggregated APIs lead to the operator's port on 127.0.0.1 by Services of type ExternalName, because
// endpoints may not hold loopback addresses.
func (l *lab) install(ctx context.Context) (*installation, error) {
	form := deploy.Form{ExternalMetrics: l.o.ExternalMetrics}
	if slices.Contains(l.o.OperatorArgs, "--resource-metrics=api") {
		form.Without = []string{deploy.PartMetrics} // the operator serves none, and nobody else does
	}
	manifests, err := deploy.Read(l.manifests())
	if err != nil {
		return nil, fmt.Errorf("install manifests in %q: %w; name their folder with --manifests, or start with --operator=false", l.o.Manifests, err)
	}
	objects, err := form.Objects(manifests)
	if err != nil {
		return nil, fmt.Errorf("install manifests in %q: %w", l.o.Manifests, err)
	}
	i := &installation{}
	if objects, err = i.adapt(objects, l.state.Ports, l.keys.Cluster.PEM); err != nil {
		return nil, fmt.Errorf("install manifests in %q: %w", l.o.Manifests, err)
	}
	say := func(line string) { l.log.InfoContext(ctx, "installed", "object", line) }
	if i.cluster, err = install.Connect(l.rest, fieldManager, schedule.Clock{}, say); err != nil {
		return nil, err
	}
	// Take: a lab that was kept has objects of an older one.
	return i, i.cluster.Install(ctx, install.Order{Installation: i.namespace, Objects: objects, Take: true})
}

// manifests are those of the folder that was asked for, else those that this program was built with.
func (l *lab) manifests() fs.FS {
	if l.o.Manifests == "" {
		return deploy.Manifests()
	}
	return os.DirFS(l.o.Manifests)
}

// adapt turns manifests for a cluster into those for the lab.
func (i *installation) adapt(all []*unstructured.Unstructured, ports Ports, ca []byte) ([]*unstructured.Unstructured, error) {
	var kept []*unstructured.Unstructured
	for _, o := range all {
		switch o.GroupVersionKind().Group {
		case "apps", "batch", "policy": // the operator is a process here
			continue
		case "apiregistration.k8s.io":
			if err := i.lead(o, ports.Operator, ca); err != nil {
				return nil, err
			}
		}
		if o.GetKind() == "ValidatingWebhookConfiguration" {
			if err := leadWebhooks(o, ports.Webhooks, ca); err != nil {
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
		kept = append(kept, external(s, i.namespace))
	}
	return kept, nil
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

// leadWebhooks makes the webhooks of a configuration lead to the operator's port. The API server may call a URL on
// 127.0.0.1, so no Service is needed.
func leadWebhooks(o *unstructured.Unstructured, port int, ca []byte) error {
	hooks, _, err := unstructured.NestedSlice(o.Object, "webhooks")
	if err != nil {
		return fmt.Errorf("webhook configuration %s: %w", o.GetName(), err)
	}
	for _, one := range hooks {
		hook, ok := one.(map[string]any)
		if !ok {
			return fmt.Errorf("webhook configuration %s: a webhook is a %T", o.GetName(), one)
		}
		path, _, err := unstructured.NestedString(hook, "clientConfig", "service", "path")
		if err != nil {
			return fmt.Errorf("webhook configuration %s: %w", o.GetName(), err)
		}
		hook["clientConfig"] = map[string]any{
			"url":      "https://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) + path,
			"caBundle": base64.StdEncoding.EncodeToString(ca),
		}
	}
	if err := unstructured.SetNestedSlice(o.Object, hooks, "webhooks"); err != nil {
		return fmt.Errorf("webhook configuration %s: %w", o.GetName(), err)
	}
	return nil
}

func external(s serviceName, installation string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Service",
		"metadata": map[string]any{
			"name": s.name, "namespace": s.namespace, "labels": map[string]any{deploy.LabelInstallation: installation},
		},
		"spec": map[string]any{"type": "ExternalName", "externalName": "127.0.0.1"},
	}}
}
