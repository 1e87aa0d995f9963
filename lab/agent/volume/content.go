package volume

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/furl-dev/furl/lab/agent/environ"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// tokenLife is the share of a token's life after which it is replaced, as the kubelet does.
const tokenLife = 0.8

type file struct {
	bytes []byte
	mode  os.FileMode
	keep  bool // the one that is there is still good
}

// content collects the files of one volume before anything is written.
type content struct {
	Writer
	pod   *corev1.Pod
	files map[string]file
}

func (c *content) configMap(ctx context.Context, name string, items []corev1.KeyToPath, optional *bool, m os.FileMode) error {
	cm, err := c.Client.CoreV1().ConfigMaps(c.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if missing(err, optional) {
		return nil
	}
	if err != nil {
		return err
	}
	values := make(map[string][]byte, len(cm.Data)+len(cm.BinaryData))
	for k, v := range cm.Data {
		values[k] = []byte(v)
	}
	maps.Copy(values, cm.BinaryData)
	return c.keys(values, items, optional, m)
}

func (c *content) secret(ctx context.Context, name string, items []corev1.KeyToPath, optional *bool, m os.FileMode) error {
	s, err := c.Client.CoreV1().Secrets(c.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if missing(err, optional) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.keys(s.Data, items, optional, m)
}

// keys takes all keys, or those named, to their paths.
func (c *content) keys(values map[string][]byte, items []corev1.KeyToPath, optional *bool, m os.FileMode) error {
	if len(items) == 0 {
		for k, v := range values {
			c.files[k] = file{bytes: v, mode: m}
		}
		return nil
	}
	for _, it := range items {
		v, ok := values[it.Key]
		if !ok {
			if optional != nil && *optional {
				continue
			}
			return fmt.Errorf("references non-existent config key: %s", it.Key)
		}
		c.files[it.Path] = file{bytes: v, mode: itemMode(it.Mode, m)}
	}
	return nil
}

func (c *content) downward(items []corev1.DownwardAPIVolumeFile, m os.FileMode) error {
	for _, it := range items {
		var value string
		var err error
		switch {
		case it.FieldRef != nil:
			value, err = environ.Field(c.pod, it.FieldRef.FieldPath)
		case it.ResourceFieldRef != nil:
			value, err = environ.Resource(c.pod, it.ResourceFieldRef.ContainerName, it.ResourceFieldRef, c.Allocatable)
		}
		if err != nil {
			return err
		}
		c.files[it.Path] = file{bytes: []byte(value), mode: itemMode(it.Mode, m)}
	}
	return nil
}

func (c *content) projected(ctx context.Context, p *corev1.ProjectedVolumeSource, dir string) error {
	m := mode(p.DefaultMode)
	for _, s := range p.Sources {
		var err error
		switch {
		case s.ConfigMap != nil:
			err = c.configMap(ctx, s.ConfigMap.Name, s.ConfigMap.Items, s.ConfigMap.Optional, m)
		case s.Secret != nil:
			err = c.secret(ctx, s.Secret.Name, s.Secret.Items, s.Secret.Optional, m)
		case s.DownwardAPI != nil:
			err = c.downward(s.DownwardAPI.Items, m)
		case s.ServiceAccountToken != nil:
			err = c.token(ctx, s.ServiceAccountToken, dir)
		default:
			err = errors.New("the lab's nodes project configMap, secret, downwardAPI and serviceAccountToken only")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// token asks for a token bound to the pod, unless the one on disk is still young.
func (c *content) token(ctx context.Context, t *corev1.ServiceAccountTokenProjection, dir string) error {
	seconds := int64(3600)
	if t.ExpirationSeconds != nil {
		seconds = *t.ExpirationSeconds
	}
	life := time.Duration(tokenLife * float64(time.Duration(seconds)*time.Second))
	if at, err := os.Stat(filepath.Join(dir, t.Path)); err == nil && time.Since(at.ModTime()) < life {
		c.files[t.Path] = file{keep: true}
		return nil
	}
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: &seconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: c.pod.Name, UID: c.pod.UID},
	}}
	if t.Audience != "" {
		request.Spec.Audiences = []string{t.Audience}
	}
	got, err := c.Client.CoreV1().ServiceAccounts(c.pod.Namespace).
		CreateToken(ctx, c.pod.Spec.ServiceAccountName, request, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("asking for a token of service account %s: %w", c.pod.Spec.ServiceAccountName, err)
	}
	c.files[t.Path] = file{bytes: []byte(got.Status.Token), mode: 0o600}
	return nil
}

// write puts the files in place, each at once, and removes those that are no longer wanted.
func (c *content) write(dir string) error {
	root, err := openRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	for name, f := range c.files {
		if f.keep {
			continue
		}
		if err := writeFile(root, name, f); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if _, wanted := c.files[name]; wanted {
			return nil
		}
		return root.Remove(name)
	})
}

// openRoot confines every path of an item to the volume's folder.
func openRoot(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return os.OpenRoot(dir)
}

// writeFile replaces a file in one step, so that a reader sees the old one or the new one.
func writeFile(root *os.Root, name string, f file) error {
	if have, err := root.ReadFile(name); err == nil && string(have) == string(f.bytes) {
		return nil
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	next := name + ".next"
	if err := root.WriteFile(next, f.bytes, f.mode|0o200); err != nil {
		return err
	}
	if err := root.Chmod(next, f.mode); err != nil {
		return err
	}
	return root.Rename(next, name)
}

func itemMode(m *int32, otherwise os.FileMode) os.FileMode {
	if m == nil {
		return otherwise
	}
	return mode(m)
}

func missing(err error, optional *bool) bool {
	return apierrors.IsNotFound(err) && optional != nil && *optional
}
