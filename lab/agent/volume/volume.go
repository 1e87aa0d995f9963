// Package volume writes a pod's volumes as plain files and puts them where its containers expect them.
//
// A process has no mount namespace of its own, so a pod has one folder that stands for "/": a volume lies in it under
// .volumes, and each mount path is a link to it. Containers of a pod therefore see each other's mounts.
package volume

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
)

const store = ".volumes"

// Writer writes volumes.
type Writer struct {
	Client      kubernetes.Interface
	Allocatable corev1.ResourceList
}

// Write makes every volume of the pod under root, or brings it up to date, and links the mount paths to them.
// The error names the volume that cannot be had.
func (w Writer) Write(ctx context.Context, pod *corev1.Pod, root string) error {
	for _, v := range pod.Spec.Volumes {
		if err := w.one(ctx, pod, v, filepath.Join(root, store, v.Name)); err != nil {
			return fmt.Errorf("MountVolume.SetUp failed for volume %q : %w", v.Name, err)
		}
	}
	return mount(pod, root)
}

// Refreshable tells whether the pod has volumes whose content can change while it runs.
func Refreshable(pod *corev1.Pod) bool {
	for _, v := range pod.Spec.Volumes {
		if v.EmptyDir == nil {
			return true
		}
	}
	return false
}

func (w Writer) one(ctx context.Context, pod *corev1.Pod, v corev1.Volume, dir string) error {
	if v.EmptyDir != nil {
		return os.MkdirAll(dir, 0o700)
	}
	c := content{Writer: w, pod: pod, files: map[string]file{}}
	var err error
	switch {
	case v.ConfigMap != nil:
		s := v.ConfigMap
		err = c.configMap(ctx, s.Name, s.Items, s.Optional, mode(s.DefaultMode))
	case v.Secret != nil:
		s := v.Secret
		err = c.secret(ctx, s.SecretName, s.Items, s.Optional, mode(s.DefaultMode))
	case v.DownwardAPI != nil:
		err = c.downward(v.DownwardAPI.Items, mode(v.DownwardAPI.DefaultMode))
	case v.Projected != nil:
		err = c.projected(ctx, v.Projected, dir)
	default:
		err = errors.New("the lab's nodes have no such kind of volume: " +
			"a pod never reaches the host, so use emptyDir, configMap, secret, downwardAPI or projected")
	}
	if err != nil {
		return err
	}
	return c.write(dir)
}

// mount links each mount path under root to its volume, outer paths first.
func mount(pod *corev1.Pod, root string) error {
	sources := map[string]string{} // mount path → what belongs there
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			for _, m := range list[i].VolumeMounts {
				at := path.Clean("/" + m.MountPath)
				source := path.Join(m.Name, path.Clean("/"+subPath(m)))
				if other, ok := sources[at]; ok && other != source {
					return fmt.Errorf("mounting %s at %s in container %s: %s is mounted there in another container, "+
						"and the containers of a pod share one folder in the lab: use another mount path", source, at, list[i].Name, other)
				}
				sources[at] = source
			}
		}
	}
	for _, at := range slices.Sorted(maps.Keys(sources)) {
		if err := link(root, at, sources[at]); err != nil {
			return fmt.Errorf("mounting volume %s at %s: %w", sources[at], at, err)
		}
	}
	return nil
}

// subPath leaves $(NAME) expressions alone: they are rare, and a literal folder of that name does no harm.
func subPath(m corev1.VolumeMount) string {
	if m.SubPath != "" {
		return m.SubPath
	}
	return m.SubPathExpr
}

// link makes root/at point to the volume's source, relative, so that it stays inside root for whoever confines
// itself to that folder.
func link(root, at, source string) error {
	if at == "/" {
		return errors.New("a volume cannot replace the whole folder of a pod: mount it below /")
	}
	target := filepath.Join(root, store, source)
	if _, err := os.Lstat(target); err != nil { // a subPath of an empty volume
		if err := os.MkdirAll(target, 0o700); err != nil {
			return err
		}
	}
	place := filepath.Join(root, at)
	if err := os.MkdirAll(filepath.Dir(place), 0o700); err != nil {
		return err
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(place)) // it may lie in another volume
	if err != nil {
		return err
	}
	whole, err := filepath.EvalSymlinks(root)
	if err != nil {
		return err
	}
	want, err := filepath.Rel(folder, filepath.Join(whole, store, source))
	if err != nil {
		return err
	}
	if have, err := os.Readlink(place); err == nil && have == want {
		return nil
	}
	return os.Symlink(want, place)
}

func mode(m *int32) os.FileMode {
	if m == nil {
		return 0o644 // the kubelet's default
	}
	return os.FileMode(*m) & 0o777 //nolint:gosec // validated by the API server
}

// Root gives the folder of pod that stands for "/".
func Root(podFolder string) string { return filepath.Join(podFolder, "root") }

// Rewrite replaces mount paths at the start of a text by where they are, for programs that are not confined to the
// pod's folder. A text of the form key=path is looked at after the equals sign.
func Rewrite(text, root string, mounts []corev1.VolumeMount) string {
	key, value := "", text
	if before, after, found := strings.Cut(text, "="); found && strings.HasPrefix(after, "/") {
		key, value = before+"=", after
	}
	for _, m := range mounts {
		at := path.Clean("/" + m.MountPath)
		if value == at || strings.HasPrefix(value, at+"/") {
			return key + filepath.Join(root, value)
		}
	}
	return text
}
