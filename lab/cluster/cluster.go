// Package cluster is the life of one lab: bring it up, keep it running, say how it is, and leave nothing behind.
//
// One process, the supervisor, owns all others: the control plane and the operator are its children, the kubelets'
// pods are its agents' children. When it dies, however it dies, they die too.
package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// Options is what the user asked for.
type Options struct {
	Name string `json:"name"`
	Dir  string `json:"dir"` // absolute; the lab writes nowhere else

	Nodes         int           `json:"nodes"`    // that run pods as processes
	SimNodes      int           `json:"simNodes"` // that only say so
	SimStartDelay time.Duration `json:"simStartDelay"`
	// SimHousekeeping is how often simulated nodes measure what they tell; each time they are asked unless set.
	SimHousekeeping time.Duration `json:"simHousekeeping,omitempty"`

	HPAController bool     `json:"hpaController"` // upstream's, in kube-controller-manager
	Operator      bool     `json:"operator"`      // run furl operator
	OperatorPath  string   `json:"operatorPath,omitempty"`
	OperatorArgs  []string `json:"operatorArgs,omitempty"`
	// ExternalMetrics lets furl operator answer for external.metrics.k8s.io; a cluster has that API once.
	ExternalMetrics bool     `json:"externalMetrics,omitempty"`
	Manifests       string   `json:"manifests,omitempty"`     // folder of the install manifests
	Images          []string `json:"images,omitempty"`        // image=program[ args]
	KarpenterPath   string   `json:"karpenterPath,omitempty"` // program that makes nodes; none when empty
	KarpenterArgs   []string `json:"karpenterArgs,omitempty"`

	Queues []string `json:"queues,omitempty"` // that are there from the beginning
	PodEnv []string `json:"podEnv,omitempty"` // NAME=value for every container

	APIServerArgs         []string `json:"apiServerArgs,omitempty"`
	ControllerManagerArgs []string `json:"controllerManagerArgs,omitempty"`
	SchedulerArgs         []string `json:"schedulerArgs,omitempty"`
}

const (
	maxNodes    = 250 // one 127.x.N.0/24 of pod addresses each
	maxSimNodes = 5000
)

// Validate checks what the flags alone cannot.
func (o Options) Validate() error {
	if err := validName(o.Name); err != nil {
		return err
	}
	if !filepath.IsAbs(o.Dir) {
		return fmt.Errorf("the lab's folder %q must be an absolute path", o.Dir)
	}
	if o.Nodes < 0 || o.Nodes > maxNodes {
		return fmt.Errorf("%d nodes: a lab has 0 to %d", o.Nodes, maxNodes)
	}
	if o.SimNodes < 0 || o.SimNodes > maxSimNodes {
		return fmt.Errorf("%d simulated nodes: a lab has 0 to %d", o.SimNodes, maxSimNodes)
	}
	return o.checkQueues()
}

func validName(name string) error {
	if !regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$`).MatchString(name) {
		return fmt.Errorf("lab name %q: use up to 42 lower-case letters, digits and dashes", name)
	}
	return nil
}

// DefaultDir is the folder of the lab with this name: below the user's cache folder, so that it may always be deleted.
func DefaultDir(name string) (string, error) {
	if err := validName(name); err != nil {
		return "", err
	}
	home, err := homeDir()
	return filepath.Join(home, name), err
}

// homeDir is where labs are that were given no folder of their own.
func homeDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder (or name one with --dir): %w", err)
	}
	return filepath.Join(cache, "furl", "lab"), nil
}

// ErrNotUp says that there is no lab where one was looked for.
var ErrNotUp = errors.New("no lab is there; start one with: furl lab up")
