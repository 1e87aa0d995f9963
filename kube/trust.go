package kube

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// TrustManager is the field manager of the authorities in APIServices and
// webhook configurations: whoever installs those leaves the field out, and
// installing them again does not take it away.
const TrustManager = "furl-certificates"

// Trust writes whom the API server shall trust where it calls Furl, into
// objects that somebody else made and owns. It touches nothing that leads elsewhere.
type Trust struct {
	Client dynamic.Interface
	// Namespace and Services are Furl's own.
	Namespace string
	Services  []string
	// APIServices and Webhooks, a ValidatingWebhookConfiguration, are looked at by
	// name; an empty name of the latter is none.
	APIServices []string
	Webhooks    string
}

func apiServices() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}
}

func webhookConfigurations() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingwebhookconfigurations"}
}

// Publish makes a bundle of authorities the one to check Furl against, where
// another stands. An object that is not there, or leads elsewhere, is none of ours.
func (t Trust) Publish(ctx context.Context, bundle []byte) error {
	var errs []error
	for _, name := range t.APIServices {
		errs = append(errs, t.apiService(ctx, name, bundle))
	}
	if t.Webhooks != "" {
		errs = append(errs, t.webhooks(ctx, bundle))
	}
	return errors.Join(errs...)
}

// apiService writes one, unless whoever installed it wants no proof.
func (t Trust) apiService(ctx context.Context, name string, bundle []byte) error {
	o, err := t.get(ctx, apiServices(), name)
	if o == nil {
		return err
	}
	service, _, err := unstructured.NestedStringMap(withoutPort(o.Object), "spec", "service")
	if err != nil || !t.ours(service) {
		return nil //nolint:nilerr // one without a Service is the API server's own
	}
	blind, _, err := unstructured.NestedBool(o.Object, "spec", "insecureSkipTLSVerify")
	if err != nil || blind {
		return nil //nolint:nilerr // the two exclude each other
	}
	if is, _, err := unstructured.NestedString(o.Object, "spec", "caBundle"); err == nil && is == base64.StdEncoding.EncodeToString(bundle) {
		return nil
	}
	return t.apply(ctx, apiServices(), o, map[string]any{"spec": map[string]any{"caBundle": bundle}})
}

// webhooks writes those of the configuration that lead to Furl: to its Service,
// or to a URL, as in a cluster that Furl runs outside of.
func (t Trust) webhooks(ctx context.Context, bundle []byte) error {
	o, err := t.get(ctx, webhookConfigurations(), t.Webhooks)
	if o == nil {
		return err
	}
	all, _, err := unstructured.NestedSlice(o.Object, "webhooks")
	if err != nil {
		return fmt.Errorf("webhook configuration %s: %w", t.Webhooks, err)
	}
	want, changed := base64.StdEncoding.EncodeToString(bundle), false
	var ours []any
	for _, one := range all {
		hook, _ := one.(map[string]any)
		client, _, err := unstructured.NestedMap(hook, "clientConfig")
		if err != nil {
			return fmt.Errorf("webhook configuration %s: %w", t.Webhooks, err)
		}
		service, _, err := unstructured.NestedStringMap(withoutPort(hook), "clientConfig", "service")
		if err != nil || !t.ours(service) && client["url"] == nil {
			continue
		}
		changed = changed || client["caBundle"] != want
		ours = append(ours, map[string]any{"name": hook["name"], "clientConfig": map[string]any{"caBundle": bundle}})
	}
	if !changed {
		return nil
	}
	return t.apply(ctx, webhookConfigurations(), o, map[string]any{"webhooks": ours})
}

// withoutPort is an object whose references to Services are of strings alone.
func withoutPort(o map[string]any) map[string]any {
	o = (&unstructured.Unstructured{Object: o}).DeepCopy().Object
	unstructured.RemoveNestedField(o, "spec", "service", "port")
	unstructured.RemoveNestedField(o, "clientConfig", "service", "port")
	return o
}

func (t Trust) ours(service map[string]string) bool {
	return service["namespace"] == t.Namespace && slices.Contains(t.Services, service["name"])
}

// get returns nil without an error for what does not exist.
func (t Trust) get(ctx context.Context, r schema.GroupVersionResource, name string) (*unstructured.Unstructured, error) {
	o, err := t.Client.Resource(r).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.Resource, name, err)
	}
	return o, nil
}

// apply writes fields of an object by server-side apply. The UID keeps it from
// making an object anew that went meanwhile.
func (t Trust) apply(ctx context.Context, r schema.GroupVersionResource, o *unstructured.Unstructured, fields map[string]any) error {
	fields["apiVersion"], fields["kind"] = o.GetAPIVersion(), o.GetKind()
	fields["metadata"] = map[string]any{"name": o.GetName(), "uid": o.GetUID()}
	body, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.Resource, o.GetName(), err)
	}
	force := true // nobody else knows these authorities
	_, err = t.Client.Resource(r).Patch(ctx, o.GetName(), types.ApplyPatchType, body, metav1.PatchOptions{FieldManager: TrustManager, Force: &force})
	if err != nil {
		return fmt.Errorf("%s %s: %w", r.Resource, o.GetName(), err)
	}
	return nil
}
