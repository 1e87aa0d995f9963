package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/furl-dev/furl/lab/agent/environ"
	"github.com/furl-dev/furl/lab/agent/neighbour"
	"github.com/furl-dev/furl/lab/agent/process"
	"github.com/furl-dev/furl/lab/agent/volume"
	"github.com/furl-dev/furl/lab/images"
	corev1 "k8s.io/api/core/v1"
)

// shellImage is the image whose program runs what is asked of a container from outside, such as kubectl exec.
const shellImage = "busybox"

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// launch makes a run of the container: image, environment, process.
func (w *worker) launch(ctx context.Context, c *container) (*run, error) {
	w.mu.Lock()
	pod, ip := w.pod.DeepCopy(), w.facts.PodIP
	spec := c.Spec.DeepCopy()
	w.mu.Unlock()
	pod.Status.PodIP, pod.Status.PodIPs = ip, []corev1.PodIP{{IP: ip}}
	pod.Status.HostIP, pod.Status.HostIPs = w.facts.HostIP, []corev1.HostIP{{IP: w.facts.HostIP}}

	program, err := w.a.Images.Resolve(spec.Image)
	if err != nil {
		return nil, pullError{err}
	}
	w.note(c, corev1.EventTypeNormal, "Pulled", fmt.Sprintf("Container image %q already present on machine", spec.Image))
	env, err := w.environment(ctx, pod, spec, program)
	if err != nil {
		return nil, configError{err}
	}
	dir, err := w.workingDir(spec)
	if err != nil {
		return nil, configError{err}
	}
	log, err := w.openLog(c)
	if err != nil {
		return nil, err
	}
	r := newRun(ctx, w, spec, program)
	r.env, r.dir, r.log = env, dir, log
	if err := r.limitCPU(spec); err != nil {
		r.close()
		return nil, err
	}
	w.note(c, corev1.EventTypeNormal, "Created", "Container created")
	path, argv := w.command(spec, program, env)
	for i := range argv {
		argv[i] = neighbour.Rewrite(argv[i], w.neighbours(ctx, pod))
	}
	session, err := w.a.host.Start(process.Spec{
		Path: path, Argv: argv, Env: pairs(env), Dir: dir, Stdin: spec.Stdin, TTY: spec.TTY,
		Stdout: r.output("stdout"), Stderr: r.output("stderr"), Prepare: r.prepare,
	})
	if err != nil {
		r.close()
		return nil, err
	}
	r.mu.Lock()
	r.session = session
	r.mu.Unlock()
	return r, nil
}

func newID() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// command gives the program's file and its arguments. A container's command replaces a shell image's own; another
// program is the image's only one, so the command's first word stands for it.
func (w *worker) command(c *corev1.Container, p images.Program, env map[string]string) (path string, argv []string) {
	words := slices.Concat(environ.Expand(c.Command, env), environ.Expand(c.Args, env))
	if p.Shell {
		if len(words) == 0 {
			words = p.Args
		}
		return p.Path, words
	}
	name := filepath.Base(p.Path)
	switch {
	case len(words) == 0:
		words = p.Args
	case len(c.Command) > 0:
		name, words = words[0], words[1:]
	}
	argv = []string{name}
	for _, word := range words {
		argv = append(argv, volume.Rewrite(word, w.root(), c.VolumeMounts))
	}
	return p.Path, argv
}

// environment is what an image gives, what the lab adds, and what the container's spec says, the later overriding
// the earlier.
func (w *worker) environment(ctx context.Context, pod *corev1.Pod, c *corev1.Container, p images.Program) (map[string]string, error) {
	root := w.root()
	base := map[string]string{
		"PATH": searchPath, "HOME": root, "HOSTNAME": pod.Name, "FURL_POD_DIR": root, "TMPDIR": filepath.Join(root, "tmp"),
	}
	links, err := w.serviceLinks(ctx, pod)
	if err != nil {
		return nil, err
	}
	maps.Copy(base, links)
	if c.TTY {
		base["TERM"] = "xterm"
	}
	for _, pair := range slices.Concat(w.a.Env, p.Env) {
		k, v, _ := strings.Cut(pair, "=")
		base[k] = v
	}
	if err := w.listen(ctx, pod, c, p, base); err != nil {
		return nil, err
	}
	if w.a.HTTPProxy != nil {
		if proxy := w.a.HTTPProxy(pod.Namespace); proxy != "" {
			maps.Copy(base, map[string]string{
				"http_proxy": proxy, "HTTP_PROXY": proxy, "no_proxy": "localhost,127.0.0.1", "NO_PROXY": "localhost,127.0.0.1",
			})
		}
	}
	if err := w.credentials(c, base); err != nil {
		return nil, err
	}
	own, err := environ.Build(ctx, environ.Source{Client: w.a.Client, Pod: pod, Allocatable: w.a.allocatable()}, c, base)
	if err != nil {
		return nil, err
	}
	for k, v := range own {
		if base[k] == v {
			continue
		}
		own[k] = neighbour.Rewrite(v, w.neighbours(ctx, pod))
		if !p.Shell { // the shell looks paths up in the pod's folder by itself
			own[k] = volume.Rewrite(own[k], root, c.VolumeMounts)
		}
	}
	return own, os.MkdirAll(filepath.Join(root, "tmp"), 0o700)
}

// listen finds a socket for each port of the container and tells the program of the first.
func (w *worker) listen(ctx context.Context, pod *corev1.Pod, c *corev1.Container, p images.Program, env map[string]string) error {
	numbers := make([]int32, 0, len(c.Ports))
	for _, port := range c.Ports {
		if port.Protocol == corev1.ProtocolTCP || port.Protocol == "" {
			numbers = append(numbers, port.ContainerPort)
		}
	}
	if len(c.Ports) == 0 {
		numbers = p.Ports
	}
	for i, number := range numbers {
		socket, err := w.a.Ports.Open(ctx, pod.Status.PodIP, number)
		if err != nil {
			return err
		}
		if i == 0 {
			_, env["PORT"], _ = net.SplitHostPort(socket)
			env["LAB_LISTEN"] = socket
		}
	}
	env["POD_IP"] = pod.Status.PodIP
	return nil
}

// neighbours finds the socket behind a port that a container of the pod declares, which may not have started yet.
func (w *worker) neighbours(ctx context.Context, pod *corev1.Pod) func(number int32) (string, bool) {
	return func(number int32) (string, bool) {
		for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			for _, port := range c.Ports {
				if port.ContainerPort == number && port.Protocol != corev1.ProtocolUDP && port.Protocol != corev1.ProtocolSCTP {
					socket, err := w.a.Ports.Open(ctx, pod.Status.PodIP, number)
					return socket, err == nil
				}
			}
		}
		return "", false
	}
}

// workingDir maps the container's working directory into the pod's folder, and makes it.
func (w *worker) workingDir(c *corev1.Container) (string, error) {
	root, err := os.OpenRoot(w.root())
	if err != nil {
		return "", fmt.Errorf("opening the pod's folder: %w", err)
	}
	defer func() { _ = root.Close() }()
	name, _ := filepath.Rel("/", filepath.Clean("/"+c.WorkingDir))
	if name != "." {
		if err := root.MkdirAll(name, 0o700); err != nil {
			return "", fmt.Errorf("making working directory %s: %w", c.WorkingDir, err)
		}
	}
	return filepath.Join(w.root(), name), nil
}

func pairs(env map[string]string) []string {
	out := make([]string, 0, len(env))
	for _, k := range slices.Sorted(maps.Keys(env)) {
		out = append(out, k+"="+env[k])
	}
	return out
}
