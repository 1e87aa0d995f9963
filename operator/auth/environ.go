package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/furl-dev/furl/kube"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Environment returns the variables of a container, the first when none is
// named, as far as they can be known without a pod.
func (r Resolver) Environment(ctx context.Context, namespace string, pod *corev1.PodSpec, container string) (map[string]string, error) {
	c, err := containerOf(pod, container)
	if err != nil {
		return nil, err
	}
	e := environment{Resolver: r, namespace: namespace, pod: pod, values: map[string]string{}}
	for i := range c.EnvFrom {
		if err := e.takeAll(ctx, &c.EnvFrom[i]); err != nil {
			return nil, fmt.Errorf("container %s: %w", c.Name, err)
		}
	}
	for i := range c.Env {
		if err := e.take(ctx, &c.Env[i]); err != nil {
			return nil, fmt.Errorf("container %s: variable %s: %w", c.Name, c.Env[i].Name, err)
		}
	}
	return e.values, nil
}

func containerOf(pod *corev1.PodSpec, name string) (*corev1.Container, error) {
	if pod == nil || len(pod.Containers) == 0 {
		return nil, errNoPod
	}
	for i := range pod.Containers {
		if name == "" || pod.Containers[i].Name == name {
			return &pod.Containers[i], nil
		}
	}
	return nil, fmt.Errorf("container %q: the workload has none of that name", name)
}

// environment is that of one container on its way.
type environment struct {
	Resolver
	namespace string
	pod       *corev1.PodSpec
	values    map[string]string
}

// takeAll takes all keys of a Secret or ConfigMap.
func (e *environment) takeAll(ctx context.Context, from *corev1.EnvFromSource) error {
	var data map[string]string
	var err error
	var optional *bool
	switch {
	case from.ConfigMapRef != nil:
		optional = from.ConfigMapRef.Optional
		data, err = e.object(ctx, e.ref(kube.KindConfigMap, from.ConfigMapRef.Name))
	case from.SecretRef != nil && e.mayReadSecrets():
		optional = from.SecretRef.Optional
		data, err = e.object(ctx, e.ref(kube.KindSecret, from.SecretRef.Name))
	}
	if err != nil {
		return excuse(err, optional)
	}
	for k, v := range data {
		e.values[from.Prefix+k] = v
	}
	return nil
}

// take takes one variable.
func (e *environment) take(ctx context.Context, v *corev1.EnvVar) error {
	from := v.ValueFrom
	if from == nil || v.Value != "" {
		e.values[v.Name] = expand(v.Value, e.values)
		return nil
	}
	var value string
	var err error
	var optional *bool
	switch {
	case from.SecretKeyRef != nil && e.mayReadSecrets():
		optional = from.SecretKeyRef.Optional
		value, err = e.key(ctx, e.ref(kube.KindSecret, from.SecretKeyRef.Name), from.SecretKeyRef.Key)
	case from.ConfigMapKeyRef != nil:
		optional = from.ConfigMapKeyRef.Optional
		value, err = e.key(ctx, e.ref(kube.KindConfigMap, from.ConfigMapKeyRef.Name), from.ConfigMapKeyRef.Key)
	case from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.namespace":
		value = e.namespace
	case from.FieldRef != nil && from.FieldRef.FieldPath == "spec.serviceAccountName" && e.pod.ServiceAccountName != "":
		value = e.pod.ServiceAccountName
	default: // what only a pod has, or a secret that may not be read: no such variable, as with KEDA
		return nil
	}
	if err != nil {
		return excuse(err, optional)
	}
	e.values[v.Name] = value
	return nil
}

func (e *environment) ref(kind, name string) kube.Ref {
	return kube.Ref{Kind: kind, NamespacedName: types.NamespacedName{Namespace: e.namespace, Name: name}}
}

func (e *environment) mayReadSecrets() bool { return !e.RestrictSecrets || e.namespace == e.Namespace }

// excuse forgives that something optional does not exist. What exists and
// cannot be read is not forgiven: a pod would get it.
func excuse(err error, optional *bool) error {
	if optional != nil && *optional && errors.Is(err, errAbsent) {
		return nil
	}
	return err
}
