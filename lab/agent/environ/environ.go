// Package environ works out the environment a container's spec asks for: literals, ConfigMaps, Secrets and the pod's own fields.
package environ

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

// Source is where values come from.
type Source struct {
	Client      kubernetes.Interface
	Pod         *corev1.Pod // with its addresses in the status
	Allocatable corev1.ResourceList
}

// Build gives the variables of a container. They override base, which $(NAME) may refer to as well.
// As in the kubelet, envFrom comes first and env overrides it; an optional thing that is missing is left out.
func Build(ctx context.Context, s Source, c *corev1.Container, base map[string]string) (map[string]string, error) {
	b := builder{Source: s, container: c, configMaps: map[string]map[string]string{}, secrets: map[string]map[string]string{}}
	env := map[string]string{}
	for _, from := range c.EnvFrom {
		if err := b.from(ctx, from, env); err != nil {
			return nil, err
		}
	}
	lookup := expansion.MappingFuncFor(env, base)
	for _, v := range c.Env {
		if v.Value != "" || v.ValueFrom == nil {
			env[v.Name] = expansion.Expand(v.Value, lookup)
			continue
		}
		value, ok, err := b.value(ctx, v.ValueFrom)
		if err != nil {
			return nil, fmt.Errorf("environment variable %s: %w", v.Name, err)
		}
		if ok {
			env[v.Name] = value
		}
	}
	all := maps.Clone(base)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, env)
	return all, nil
}

// Expand replaces $(NAME) in the words of a command line. Unknown names stay as they are.
func Expand(words []string, env map[string]string) []string {
	lookup := expansion.MappingFuncFor(env)
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = expansion.Expand(w, lookup)
	}
	return out
}

// builder reads each ConfigMap and Secret once.
type builder struct {
	Source
	container           *corev1.Container
	configMaps, secrets map[string]map[string]string
}

func (b *builder) from(ctx context.Context, from corev1.EnvFromSource, env map[string]string) error {
	var values map[string]string
	var err error
	switch {
	case from.ConfigMapRef != nil:
		values, err = b.configMap(ctx, from.ConfigMapRef.Name)
		if missing(err, from.ConfigMapRef.Optional) {
			return nil
		}
	case from.SecretRef != nil:
		values, err = b.secret(ctx, from.SecretRef.Name)
		if missing(err, from.SecretRef.Optional) {
			return nil
		}
	}
	for k, v := range values {
		env[from.Prefix+k] = v
	}
	return err
}

// value resolves one source; ok is false when it is optional and missing.
func (b *builder) value(ctx context.Context, from *corev1.EnvVarSource) (value string, ok bool, err error) {
	switch {
	case from.FieldRef != nil:
		value, err = Field(b.Pod, from.FieldRef.FieldPath)
		return value, true, err
	case from.ResourceFieldRef != nil:
		value, err = Resource(b.Pod, b.container.Name, from.ResourceFieldRef, b.Allocatable)
		return value, true, err
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		values, err := b.configMap(ctx, ref.Name)
		return b.key(values, err, "ConfigMap", corev1.SecretKeySelector(*ref))
	case from.SecretKeyRef != nil:
		values, err := b.secret(ctx, from.SecretKeyRef.Name)
		return b.key(values, err, "Secret", *from.SecretKeyRef)
	}
	return "", false, fmt.Errorf("the lab's nodes know no such source of a variable: use a value, fieldRef, resourceFieldRef, configMapKeyRef or secretKeyRef")
}

// key takes one key; the two kinds of selector have the same fields.
func (b *builder) key(values map[string]string, err error, kind string, ref corev1.SecretKeySelector) (string, bool, error) {
	if missing(err, ref.Optional) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	if value, ok := values[ref.Key]; ok {
		return value, true, nil
	}
	if ref.Optional != nil && *ref.Optional {
		return "", false, nil
	}
	return "", false, fmt.Errorf("couldn't find key %s in %s %s/%s", ref.Key, kind, b.Pod.Namespace, ref.Name)
}

func (b *builder) configMap(ctx context.Context, name string) (map[string]string, error) {
	if values, ok := b.configMaps[name]; ok {
		return values, nil
	}
	cm, err := b.Client.CoreV1().ConfigMaps(b.Pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	b.configMaps[name] = cm.Data
	return cm.Data, nil
}

func (b *builder) secret(ctx context.Context, name string) (map[string]string, error) {
	if values, ok := b.secrets[name]; ok {
		return values, nil
	}
	s, err := b.Client.CoreV1().Secrets(b.Pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	values := make(map[string]string, len(s.Data))
	for k, v := range s.Data {
		values[k] = string(v)
	}
	b.secrets[name] = values
	return values, nil
}

func missing(err error, optional *bool) bool {
	return apierrors.IsNotFound(err) && optional != nil && *optional
}
