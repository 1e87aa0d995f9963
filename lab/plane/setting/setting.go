// Package setting is what a plane is told before it starts: where its keys lie, what it listens on, and how it differs from the defaults.
//
// It links none of the plane, so that the supervisor can write it down without being one.
package setting

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Config says where a plane keeps its things and what it listens on; all of it is loopback.
type Config struct {
	Dir         string `json:"dir"`         // the plane's own folder: data and log
	Keys        string `json:"keys"`        // the folder with the files named below
	APIPort     int    `json:"apiPort"`     // of the API server
	EtcdPort    int    `json:"etcdPort"`    // of etcd for its client
	PeerPort    int    `json:"peerPort"`    // of etcd for its peers, of which there are none
	ServiceCIDR string `json:"serviceCIDR"` // within 127.0.0.0/8
	// HPAController runs upstream's HorizontalPodAutoscaler controller, for comparison. It is Furl's job otherwise.
	HPAController bool `json:"hpaController"`

	APIServerArgs         []string `json:"apiServerArgs,omitempty"`
	ControllerManagerArgs []string `json:"controllerManagerArgs,omitempty"`
	SchedulerArgs         []string `json:"schedulerArgs,omitempty"`
}

// The names of what must be in Config.Keys: each a .crt and a .key, where nothing else is said.
const (
	ClusterCA         = "ca"
	FrontProxyCA      = "front-proxy-ca"
	KubeletClientCA   = "kubelet-client-ca"
	EtcdCA            = "etcd-ca"
	APIServer         = "apiserver"
	KubeletClient     = "kubelet-client"
	FrontProxyClient  = "front-proxy-client"
	EtcdPeer          = "etcd"
	ServiceAccount    = "sa" // a .pub and a .key
	AdminConfig       = "admin.kubeconfig"
	ControllersConfig = "controller-manager.kubeconfig"
	SchedulerConfig   = "scheduler.kubeconfig"
)

// The names of the components, by which they log and write objects.
const (
	APIServerName     = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
)

// FrontProxyName is the common name that the aggregator's client certificate must carry.
const FrontProxyName = "front-proxy-client"

// Key returns the path of a file in Config.Keys.
func (c Config) Key(name string) string { return filepath.Join(c.Keys, name) }

// Read reads a config that Write wrote.
func Read(path string) (Config, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the lab's own file
	if err != nil {
		return Config{}, fmt.Errorf("read the plane's config: %w", err)
	}
	var c Config
	if err := json.Unmarshal(raw, &c); err != nil {
		return Config{}, fmt.Errorf("parse the plane's config %s: %w", path, err)
	}
	return c, nil
}

// Write stores the config for a process of another role.
func (c Config) Write(path string) error {
	raw, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the plane's config: %w", err)
	}
	if err := os.WriteFile(path, append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("store the plane's config: %w", err)
	}
	return nil
}
