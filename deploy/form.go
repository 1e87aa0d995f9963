package deploy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"
)

const (
	// DefaultNamespace is Furl's own where nobody says otherwise.
	DefaultNamespace = "furl-system"
	// LabelInstallation is on every object of an installation; its value is the
	// namespace that the installation lives in.
	LabelInstallation = "furl.dev/installation"
	// Name is that of the Deployment, the ServiceAccount and most others.
	Name = "furl"
)

// The parts of an installation that may be somebody else's.
const (
	// PartDefinitions are the kinds of keda.sh.
	PartDefinitions = "crds"
	// PartMetrics is the registration of metrics.k8s.io.
	PartMetrics = "metrics-api"
	// PartWebhooks are the checks at admission.
	PartWebhooks = "webhooks"
)

// partExternal is the registration of external.metrics.k8s.io, for HPAs that
// Furl makes: it is asked for, not left out.
const partExternal = "external-metrics"

// Parts are those that can be left out.
func Parts() []string { return []string{PartDefinitions, PartMetrics, PartWebhooks} }

// Form says in what an installation differs from the manifests as they are.
type Form struct {
	// Namespace is Furl's own; [DefaultNamespace] when empty.
	Namespace string
	// Image runs in the pods; the manifests' when empty.
	Image string
	// Replicas is how many pods run; as many as the manifests say when 0.
	Replicas int
	// Namespaces are those that Furl may read and scale in; all when empty.
	Namespaces []string
	// Without names the parts that are left out.
	Without []string
	// ExternalMetrics registers external.metrics.k8s.io.
	ExternalMetrics bool
	// Observe decides and writes nothing, and has no right to.
	Observe bool
	// Args are further arguments of the operator.
	Args []string
}

// Validate returns what is wrong with the form, each with its flag's name.
func (f Form) Validate() error {
	var wrong []error
	refuse := func(is bool, format string, args ...any) {
		if is {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	why := validation.IsDNS1123Label(f.own())
	refuse(len(why) > 0, "--namespace is %q: %s", f.own(), strings.Join(why, "; "))
	refuse(f.Replicas < 0, "--replicas is %d: set 1 or more", f.Replicas)
	for _, n := range f.Namespaces {
		why := validation.IsDNS1123Label(n)
		refuse(len(why) > 0, "--namespaces has %q: %s", n, strings.Join(why, "; "))
	}
	for _, p := range f.Without {
		refuse(!slices.Contains(Parts(), p), "--without has %q: the parts that can be left out are %s", p, strings.Join(Parts(), ", "))
	}
	return errors.Join(wrong...)
}

func (f Form) own() string {
	if f.Namespace == "" {
		return DefaultNamespace
	}
	return f.Namespace
}

// Objects returns the objects of an installation of this form, made from
// those of the manifests, which stay as they are.
func (f Form) Objects(manifests []*unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	var out []*unstructured.Unstructured
	for _, o := range manifests {
		if !f.has(Part(o)) {
			continue
		}
		o = o.DeepCopy()
		o.Object, _ = moved(o.Object, f.own()).(map[string]any) // it was a map and is one
		made, err := f.shape(o)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", o.GetKind(), o.GetName(), err)
		}
		out = append(out, made...)
	}
	for _, o := range out {
		labels := o.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[LabelInstallation] = f.own()
		o.SetLabels(labels)
	}
	return out, nil
}

func (f Form) has(part string) bool {
	if part == partExternal {
		return f.ExternalMetrics
	}
	return !slices.Contains(f.Without, part)
}

// Part names the part that an object is, and nothing for what is always there.
func Part(o *unstructured.Unstructured) string {
	switch {
	case o.GetKind() == KindDefinition:
		return PartDefinitions
	case o.GetKind() == KindWebhooks:
		return PartWebhooks
	case o.GetKind() == KindAPIService && strings.HasSuffix(o.GetName(), ".external.metrics.k8s.io"):
		return partExternal
	case o.GetKind() == KindAPIService && strings.HasSuffix(o.GetName(), ".metrics.k8s.io"):
		return PartMetrics
	}
	return ""
}

// shape makes one object of the manifests what the form wants of it, or several.
func (f Form) shape(o *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	if f.Observe && o.GetKind() == "ClusterRole" && o.GetName() == Name {
		if err := observing(o); err != nil {
			return nil, err
		}
	}
	switch {
	case o.GetKind() == "Service" && !f.has(PartWebhooks):
		return []*unstructured.Unstructured{o}, closed(o.Object, "spec", "ports")
	case o.GetKind() == "Deployment" && o.GetName() == Name:
		return []*unstructured.Unstructured{o}, f.deployment(o)
	case len(f.Namespaces) == 0:
	case o.GetKind() == "ClusterRole" && o.GetName() == Name:
		return f.narrow(o)
	case o.GetKind() == KindWebhooks:
		return []*unstructured.Unstructured{o}, f.selected(o)
	}
	return []*unstructured.Unstructured{o}, nil
}

// deployment sets image, size and arguments.
func (f Form) deployment(o *unstructured.Unstructured) error {
	if f.Replicas > 0 {
		if err := unstructured.SetNestedField(o.Object, int64(f.Replicas), "spec", "replicas"); err != nil {
			return err
		}
	}
	containers, _, err := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
	if err != nil {
		return err
	}
	for _, one := range containers {
		c, ok := one.(map[string]any)
		if !ok || c["name"] != Name {
			continue
		}
		if f.Image != "" {
			c["image"] = f.Image
		}
		args, _ := c["args"].([]any)
		for _, a := range f.args() {
			args = append(args, a)
		}
		c["args"] = args
		if !f.has(PartWebhooks) {
			if err := closed(c, "ports"); err != nil {
				return err
			}
		}
		return unstructured.SetNestedSlice(o.Object, containers, "spec", "template", "spec", "containers")
	}
	return fmt.Errorf("no container is named %s", Name)
}

// closed takes the webhooks' port out of a list of ports.
func closed(of map[string]any, path ...string) error {
	ports, found, err := unstructured.NestedSlice(of, path...)
	if err != nil || !found {
		return err
	}
	ports = slices.DeleteFunc(ports, func(p any) bool {
		port, ok := p.(map[string]any)
		return ok && port["name"] == PartWebhooks
	})
	return unstructured.SetNestedSlice(of, ports, path...)
}

func (f Form) args() []string {
	var args []string
	if f.Observe {
		args = append(args, "--mode=observe")
	}
	if !f.has(PartWebhooks) {
		args = append(args, "--webhook-bind-address=") // nobody asks: no port is open
	}
	if len(f.Namespaces) > 0 {
		args = append(args, "--watch-namespace="+strings.Join(f.Namespaces, ","))
	}
	return append(args, f.Args...)
}

// moved puts another namespace wherever the manifests name Furl's own.
func moved(v any, to string) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = moved(v[k], to)
		}
	case []any:
		for i := range v {
			v[i] = moved(v[i], to)
		}
	case string:
		if v == DefaultNamespace {
			return to
		}
		return strings.ReplaceAll(v, "system:serviceaccount:"+DefaultNamespace+":", "system:serviceaccount:"+to+":")
	}
	return v
}
