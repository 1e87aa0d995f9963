package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sort"
	"time"

	"github.com/furl-dev/furl/lab/plane/setting"
	"github.com/furl-dev/furl/lab/simnode"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Status is how a lab is at an instant.
type Status struct {
	Name          string          `json:"name"`
	Dir           string          `json:"dir"`
	Phase         Phase           `json:"phase"`
	UptimeSeconds int64           `json:"uptimeSeconds,omitempty"`
	Server        string          `json:"server,omitempty"`
	Kubeconfig    string          `json:"kubeconfig,omitempty"`
	Ports         Ports           `json:"ports"`
	Processes     []ProcessStatus `json:"processes,omitempty"`
	Nodes         *Census         `json:"nodes,omitempty"` // absent when the API server does not answer
	Pods          *Census         `json:"pods,omitempty"`
	Problem       string          `json:"problem,omitempty"` // why something above is absent
}

// ProcessStatus is one process of a lab. Memory is zero where the system does not tell.
type ProcessStatus struct {
	Name           string `json:"name"`
	PID            int    `json:"pid"`
	Running        bool   `json:"running"`
	ResidentBytes  int64  `json:"residentBytes"`
	AnonymousBytes int64  `json:"anonymousBytes"` // its own, without mapped files
}

// Census counts objects.
type Census struct {
	Total     int `json:"total"`
	Ready     int `json:"ready"`
	Simulated int `json:"simulated"`
}

const statusTimeout = 5 * time.Second

// Look says how a lab is. Where there is none it returns ErrNotUp.
func Look(ctx context.Context, dir string, at time.Time) (Status, error) {
	out, err := Glance(dir, at)
	if err == nil && out.Phase == Ready {
		if err := out.count(ctx, layout{dir}); err != nil {
			out.Problem = err.Error()
		}
	}
	return out, err
}

// Glance is Look without asking the API server, which a large cluster keeps busy.
func Glance(dir string, at time.Time) (Status, error) {
	files := layout{dir}
	s, err := files.load()
	if errors.Is(err, fs.ErrNotExist) {
		return Status{}, ErrNotUp
	}
	if err != nil {
		return Status{}, err
	}
	out := Status{Name: s.Options.Name, Dir: dir, Phase: s.Phase, Ports: s.Ports}
	if s.Phase == Stopped {
		return out, nil
	}
	if !s.Supervisor.Alive() {
		out.Phase = Dead
		out.Problem = "the supervisor was killed; clean up with: furl lab down"
	}
	out.Server, out.Kubeconfig = serverURL(s.Ports.API), files.kubeconfig()
	out.UptimeSeconds = int64(at.Sub(s.StartedAt).Seconds())
	out.Processes = append(out.Processes, lookAt("supervisor", s.Supervisor))
	for name, p := range s.Children {
		out.Processes = append(out.Processes, lookAt(name, p))
	}
	sort.Slice(out.Processes[1:], func(i, j int) bool { return out.Processes[1+i].Name < out.Processes[1+j].Name })
	return out, nil
}

func lookAt(name string, p Process) ProcessStatus {
	s := ProcessStatus{Name: name, PID: p.PID, Running: p.Alive()}
	if s.Running {
		s.ResidentBytes, s.AnonymousBytes = residentBytes(p.PID)
	}
	return s
}

func (s *Status) count(ctx context.Context, files layout) error {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	cfg, err := clientConfig(filepath.Join(files.keys(), setting.AdminConfig))
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("count nodes: %w", err)
	}
	pods, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("count pods: %w", err)
	}
	s.Nodes, s.Pods = &Census{Total: len(nodes.Items)}, &Census{Total: len(pods.Items)}
	simulated := map[string]bool{}
	for _, n := range nodes.Items {
		if n.Labels[simnode.Simulated] != "" {
			simulated[n.Name] = true
			s.Nodes.Simulated++
		}
		if slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		}) {
			s.Nodes.Ready++
		}
	}
	for _, p := range pods.Items {
		if simulated[p.Spec.NodeName] {
			s.Pods.Simulated++
		}
		if slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
			return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
		}) {
			s.Pods.Ready++
		}
	}
	return nil
}

// KubeconfigPath returns where the kubeconfig of a running lab is.
func KubeconfigPath(dir string) (string, error) {
	files := layout{dir}
	s, err := files.load()
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrNotUp
	}
	if err != nil {
		return "", err
	}
	if s.Phase != Ready || !s.Supervisor.Alive() {
		return "", fmt.Errorf("the lab is %s: %w", s.Phase, ErrNotUp)
	}
	return files.kubeconfig(), nil
}
