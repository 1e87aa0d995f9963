package keda

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/auth"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// read is one request that KEDA made, and its answer.
type read struct {
	Kind      string          `json:"kind"`
	Namespace string          `json:"namespace"`
	Name      string          `json:"name"`
	Object    json.RawMessage `json:"object"`
	Result    json.RawMessage `json:"result"`
}

// operatorNamespace is where the records have KEDA.
const operatorNamespace = "keda"

// cluster is what the operator may read. It implements [auth.Reader].
type cluster struct {
	data  map[kube.Ref]map[string]string
	specs map[kube.Ref]*v1alpha1.TriggerAuthenticationSpec
}

func (c *cluster) Read(_ context.Context, r kube.Ref) (map[string]string, bool, error) {
	data, found := c.data[r]
	return maps.Clone(data), found, nil
}

func (c *cluster) Authentication(_ context.Context, r kube.Ref) (*v1alpha1.TriggerAuthenticationSpec, error) {
	return c.specs[r], nil
}

func refOf(kind, namespace, name string) kube.Ref {
	return kube.Ref{Kind: kind, NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
}

// clusterOf has the objects that KEDA found.
func clusterOf(reads []read) (*cluster, error) {
	c := &cluster{data: map[kube.Ref]map[string]string{}, specs: map[kube.Ref]*v1alpha1.TriggerAuthenticationSpec{}}
	for _, a := range reads {
		if len(a.Object) == 0 || string(a.Object) == "null" {
			continue
		}
		if err := c.add(refOf(a.Kind, a.Namespace, a.Name), a.Object); err != nil {
			return nil, fmt.Errorf("api_reads: %s %s: %w", a.Kind, a.Name, err)
		}
	}
	return c, nil
}

func (c *cluster) add(at kube.Ref, raw json.RawMessage) error {
	var o struct {
		corev1.ConfigMap
		Spec v1alpha1.TriggerAuthenticationSpec `json:"spec"`
	}
	switch at.Kind {
	case kube.KindSecret:
		var s corev1.Secret
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		data := make(map[string]string, len(s.Data))
		for k, v := range s.Data {
			data[k] = string(v)
		}
		c.data[at] = data
		return nil
	case kube.KindConfigMap, kube.KindServiceAccount, v1alpha1.KindTriggerAuthentication, v1alpha1.KindClusterTriggerAuthentication:
	default:
		return errors.New("the kind is not known to the runner")
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return err
	}
	switch at.Kind {
	case kube.KindConfigMap:
		c.data[at] = o.Data
	case kube.KindServiceAccount:
		c.data[at] = o.Annotations
	default:
		c.specs[at] = &o.Spec
	}
	return nil
}

func replayReference(ctx context.Context, r Record, _ Options) (_ []string, err error) {
	type input struct {
		Ref       *v1alpha1.AuthenticationRef  `json:"authentication_ref"`
		Pod       *corev1.PodSpec              `json:"pod_spec"`
		Namespace string                       `json:"namespace"`
		Reads     []read                       `json:"api_reads"`
		Files     map[string]map[string]string `json:"files_under_auth_root"`
	}
	type expected struct {
		Params   map[string]string `json:"auth_params"`
		Identity struct {
			Provider string `json:"provider"`
			RoleARN  string `json:"roleArn"`
			ID       string `json:"identityId"`
		} `json:"pod_identity"`
		Error *string `json:"error"`
	}
	in, exp, err := into[input, expected](r, "auth_params", "pod_identity", "error")
	if err != nil {
		return nil, err
	}
	reader, err := clusterOf(in.Reads)
	if err != nil {
		return nil, err
	}
	root, remove, err := folder(in.Files)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	resolver := auth.Resolver{Reader: reader, Settings: auth.Settings{Namespace: operatorNamespace, FileRoot: root}}
	subject := auth.Subject{Namespace: in.Namespace, Pod: func(context.Context) (*corev1.PodSpec, error) { return in.Pod, nil }}
	got, failed := resolver.Resolve(ctx, subject, in.Ref)
	d, made := refusal("error", exp.Error != nil, failed)
	if !made {
		return d, nil
	}
	d = append(d, same.Differences("auth_params", orNone(exp.Params), orNone(got.Params))...)
	return append(d, same.Differences("pod_identity",
		[]string{exp.Identity.Provider, exp.Identity.RoleARN, exp.Identity.ID},
		[]string{got.Identity.Provider, got.Identity.RoleARN, got.Identity.ID})...), nil
}

// folder makes the files that a ClusterTriggerAuthentication may read.
func folder(files map[string]map[string]string) (root string, remove func() error, err error) {
	if root, err = os.MkdirTemp("", "conformance-"); err != nil {
		return "", nil, err
	}
	remove = func() error { return os.RemoveAll(root) }
	for name, params := range files {
		data, err := json.Marshal(params)
		if err == nil {
			err = os.WriteFile(filepath.Join(root, filepath.Clean(name)), data, 0o600)
		}
		if err != nil {
			return "", nil, errors.Join(err, remove())
		}
	}
	return root, remove, nil
}

func replayFile(_ context.Context, r Record, _ Options) (_ []string, err error) {
	type input struct {
		Path    string  `json:"relative_path"`
		HasRoot bool    `json:"root_configured"`
		Content *string `json:"file_content"`
	}
	type expected struct {
		Params map[string]string `json:"auth_params"`
		Error  bool              `json:"error_expected"`
	}
	in, exp, err := into[input, expected](r, "auth_params", "error_expected", "error")
	if err != nil {
		return nil, err
	}
	root, remove, err := folder(nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	if in.Content != nil {
		if err := os.WriteFile(filepath.Join(root, filepath.Clean(in.Path)), []byte(*in.Content), 0o600); err != nil {
			return nil, err
		}
	}
	var s auth.Settings
	if in.HasRoot {
		s.FileRoot = root
	}
	params, failed := s.File(in.Path)
	d, made := refusal("error_expected", exp.Error, failed)
	if made {
		d = append(d, same.Differences("auth_params", orNone(exp.Params), orNone(params))...)
	}
	return d, nil
}

func replayEnvironment(ctx context.Context, r Record, _ Options) ([]string, error) {
	type input struct {
		Container  corev1.Container             `json:"container"`
		Namespace  string                       `json:"namespace"`
		Reads      []read                       `json:"api_reads"`
		Restricted bool                         `json:"restrict_secret_access"`
		Operator   string                       `json:"keda_namespace"`
		Secrets    map[string]map[string]string `json:"secrets_in_keda_namespace"`
	}
	type expected struct {
		Env   map[string]string `json:"env"`
		Error *string           `json:"error"`
	}
	in, exp, err := into[input, expected](r, "env", "error")
	if err != nil {
		return nil, err
	}
	reader, err := clusterOf(in.Reads)
	if err != nil {
		return nil, err
	}
	home := in.Operator
	if home == "" {
		home = operatorNamespace
	}
	for name, data := range in.Secrets {
		reader.data[refOf(kube.KindSecret, home, name)] = data
	}
	resolver := auth.Resolver{Reader: reader, Settings: auth.Settings{Namespace: home, RestrictSecrets: in.Restricted}}
	env, failed := resolver.Environment(ctx, in.Namespace, &corev1.PodSpec{Containers: []corev1.Container{in.Container}}, "")
	d, made := refusal("error", exp.Error != nil, failed)
	if made {
		d = append(d, same.Differences("env", orNone(exp.Env), orNone(env))...)
	}
	return d, nil
}

// replaySecret asks for one key of a secret, which a TriggerAuthentication refers to.
func replaySecret(ctx context.Context, r Record, _ Options) ([]string, error) {
	type input struct {
		Name       string  `json:"name"`
		Namespace  string  `json:"namespace"`
		Key        string  `json:"key"`
		Reads      []read  `json:"api_reads"`
		Restricted bool    `json:"restrict_secret_access"`
		In         *string `json:"secret_exists_in"`
	}
	type expected struct {
		Value string `json:"value"`
	}
	in, exp, err := into[input, expected](r, "value")
	if err != nil {
		return nil, err
	}
	reader, err := clusterOf(in.Reads)
	if err != nil {
		return nil, err
	}
	if in.In != nil { // what it holds is told only where it was found
		reader.data[refOf(kube.KindSecret, *in.In, in.Name)] = map[string]string{in.Key: cmp.Or(exp.Value, "elsewhere")}
	}
	reader.specs[refOf(v1alpha1.KindTriggerAuthentication, in.Namespace, "a")] = &v1alpha1.TriggerAuthenticationSpec{
		SecretTargetRef: []v1alpha1.AuthSecretTargetRef{{Parameter: "p", Name: in.Name, Key: in.Key}},
	}
	resolver := auth.Resolver{Reader: reader, Settings: auth.Settings{Namespace: operatorNamespace, RestrictSecrets: in.Restricted}}
	got, failed := resolver.Resolve(ctx, auth.Subject{Namespace: in.Namespace}, &v1alpha1.AuthenticationRef{Name: "a"})
	if d, made := refusal("error", false, failed); !made {
		return d, nil
	}
	return same.Differences("value", exp.Value, got.Params["p"]), nil
}

// replaySize asks for the size of a workload as a watch keeps it.
func replaySize(_ context.Context, r Record, _ Options) ([]string, error) {
	type input struct {
		Object json.RawMessage `json:"scaled_object"`
		Reads  []read          `json:"api_reads"`
	}
	type expected struct {
		Replicas int32   `json:"replicas"`
		Error    *string `json:"error"`
	}
	in, exp, err := into[input, expected](r, "replicas", "error")
	if err != nil {
		return nil, err
	}
	known, err := workloadsOf(in.Reads)
	if err != nil {
		return nil, err
	}
	object := in.Object
	for _, a := range in.Reads {
		if isObject(a.Result) {
			object = a.Result
		}
	}
	o, err := scaledObject(object, now())
	if err != nil {
		return nil, err
	}
	target := auth.TargetOf(o)
	if k := o.Status.ScaleTargetGVKR; k != nil {
		target.Kind = k.Kind
	}
	for _, a := range in.Reads { // the records name what was asked, which the object may call otherwise
		if !isObject(a.Result) {
			target.Name = a.Name
		}
	}
	size, found := known.Size(target)
	d := same.Differences("error", exp.Error != nil, !found)
	if found {
		d = append(d, same.Differences("replicas", exp.Replicas, size.Replicas.Spec)...)
	}
	return d, nil
}

// isObject tells a ScaledObject from a workload.
func isObject(raw json.RawMessage) bool {
	var o v1alpha1.ScaledObject
	return json.Unmarshal(raw, &o) == nil && o.Spec.ScaleTargetRef != nil
}

// workloadsOf has the workloads that were read.
func workloadsOf(reads []read) (*kube.Workloads, error) {
	w := kube.NewWorkloads(nil)
	for _, a := range reads {
		if len(a.Result) == 0 || string(a.Result) == "null" || isObject(a.Result) {
			continue
		}
		var (
			d  appsv1.Deployment
			s  appsv1.StatefulSet
			rs appsv1.ReplicaSet
		)
		if err := errors.Join(json.Unmarshal(a.Result, &d), json.Unmarshal(a.Result, &s), json.Unmarshal(a.Result, &rs)); err != nil {
			return nil, fmt.Errorf("api_reads: %s: %w", a.Name, err)
		}
		w.Deployments().Put(&d)
		w.StatefulSets().Put(&s)
		w.ReplicaSets().Put(&rs)
	}
	return w, nil
}
