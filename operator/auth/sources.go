package auth

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"k8s.io/apimachinery/pkg/types"
)

// filling is one authentication on its way.
type filling struct {
	Resolver
	subject Subject
	home    string // namespace of secrets and config maps
	spec    *v1alpha1.TriggerAuthenticationSpec
	out     *Resolved
}

// fill takes the sources in KEDA's order: what comes later overwrites.
func (f *filling) fill(ctx context.Context, name kube.Ref) error {
	if err := f.spec.Validate(); err != nil {
		return err
	}
	if missing := unsupported(f.spec); len(missing) > 0 {
		return fmt.Errorf("not supported yet: %s", strings.Join(missing, ", "))
	}
	if err := f.identity(ctx); err != nil {
		return err
	}
	if err := f.environment(ctx); err != nil {
		return err
	}
	if f.spec.FilePath != "" {
		return f.file(name)
	}
	var errs []error
	for _, c := range f.spec.ConfigMapTargetRef {
		errs = append(errs, f.value(ctx, kube.KindConfigMap, f.home, v1alpha1.AuthTargetRef(c)))
	}
	home := f.home
	if f.RestrictSecrets {
		home = f.Namespace
	}
	for _, s := range f.spec.SecretTargetRef {
		errs = append(errs, f.value(ctx, kube.KindSecret, home, v1alpha1.AuthTargetRef(s)))
	}
	return errors.Join(errs...)
}

// value takes one key of a Secret or ConfigMap.
func (f *filling) value(ctx context.Context, kind, namespace string, from v1alpha1.AuthTargetRef) error {
	if from.Name == "" || from.Key == "" {
		return fmt.Errorf("%s for parameter %s: name and key are needed", kind, from.Parameter)
	}
	value, err := f.key(ctx, kube.Ref{Kind: kind, NamespacedName: types.NamespacedName{Namespace: namespace, Name: from.Name}}, from.Key)
	return f.take(from.Parameter, value, err)
}

// take sets a parameter. What it refers to may be absent, but not unreadable.
func (f *filling) take(parameter, value string, err error) error {
	if err != nil {
		err = fmt.Errorf("parameter %s: %w", parameter, err)
	}
	if err != nil && !errors.Is(err, errAbsent) && !errors.Is(err, errNoPod) {
		return err
	}
	if err != nil {
		value = ""
		f.out.Absent = append(f.out.Absent, err)
	}
	f.out.Params[parameter] = value
	return nil
}

// errAbsent means that an object, or a key in it, does not exist.
var errAbsent = errors.New("not found")

// key reads one key of an object.
func (r Resolver) key(ctx context.Context, ref kube.Ref, key string) (string, error) {
	data, err := r.object(ctx, ref)
	if err != nil {
		return "", err
	}
	value, ok := data[key]
	if !ok {
		return "", fmt.Errorf("%s: key %q: %w", ref, key, errAbsent)
	}
	return value, nil
}

// object reads all of an object.
func (r Resolver) object(ctx context.Context, ref kube.Ref) (map[string]string, error) {
	data, found, err := r.Reader.Read(ctx, ref)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("%s: %w", ref, errAbsent)
	}
	return data, nil
}

// environment takes variables of the workload's containers, which live in the
// namespace of the workload whatever the authentication's.
func (f *filling) environment(ctx context.Context) error {
	for _, e := range f.spec.Env {
		value, err := f.variable(ctx, e)
		if err := f.take(e.Parameter, value, err); err != nil {
			return err
		}
	}
	return nil
}

func (f *filling) variable(ctx context.Context, e v1alpha1.AuthEnvironment) (string, error) {
	pod, err := f.pod(ctx)
	if err != nil {
		return "", err
	}
	env, err := f.Environment(ctx, f.subject.Namespace, pod, e.ContainerName)
	if err != nil {
		return "", err
	}
	value, ok := env[e.Name]
	if !ok {
		return "", fmt.Errorf("variable %s of the workload has no value: %w", e.Name, errAbsent)
	}
	return value, nil
}

func (f *filling) file(name kube.Ref) error {
	if name.Kind != v1alpha1.KindClusterTriggerAuthentication {
		return fmt.Errorf("filePath %q: only a %s may read files", f.spec.FilePath, v1alpha1.KindClusterTriggerAuthentication)
	}
	params, err := f.File(f.spec.FilePath)
	if err != nil {
		return fmt.Errorf("filePath %q: %w", f.spec.FilePath, err)
	}
	f.out.Params = map[string]string{}
	maps.Copy(f.out.Params, params)
	return nil
}

// unsupported names the sources of a spec that Furl cannot read yet.
func unsupported(s *v1alpha1.TriggerAuthenticationSpec) []string {
	var out []string
	for _, source := range []struct {
		name string
		set  bool
	}{
		{"hashiCorpVault", s.HashiCorpVault != nil},
		{"azureKeyVault", s.AzureKeyVault != nil},
		{"gcpSecretManager", s.GCPSecretManager != nil},
		{"awsSecretManager", s.AwsSecretManager != nil},
		{"boundServiceAccountToken", len(s.BoundServiceAccountToken) > 0},
		{"oauth2", s.OAuth2 != nil},
		{"azureServicePrincipal", s.AzureServicePrincipal != nil},
	} {
		if source.set {
			out = append(out, source.name)
		}
	}
	return out
}
