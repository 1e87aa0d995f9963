package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// layout names the files of a lab.
type layout struct{ dir string }

func (l layout) state() string      { return filepath.Join(l.dir, "lab.json") }
func (l layout) lock() string       { return filepath.Join(l.dir, "lock") }
func (l layout) keys() string       { return filepath.Join(l.dir, "keys") }
func (l layout) plane() string      { return filepath.Join(l.dir, "plane") }
func (l layout) planeJSON() string  { return filepath.Join(l.dir, "plane", "plane.json") }
func (l layout) logs() string       { return filepath.Join(l.dir, "logs") }
func (l layout) nodes() string      { return filepath.Join(l.dir, "nodes") }
func (l layout) kubeconfig() string { return filepath.Join(l.dir, "kubeconfig") }
func (l layout) operator() string   { return filepath.Join(l.dir, "operator") }

func (l layout) log(part string) string { return filepath.Join(l.logs(), part+".log") }

// node is the folder of one process node.
func (l layout) node(name string) string { return filepath.Join(l.nodes(), name) }

// create makes the folders. It refuses a folder that holds something which is not a lab: down would delete it.
func (l layout) create() error {
	entries, err := os.ReadDir(l.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look into the lab's folder: %w", err)
	}
	if len(entries) > 0 && !l.isLab() {
		return fmt.Errorf("folder %s is not empty and not a lab: name another with --dir", l.dir)
	}
	for _, dir := range []string{l.dir, l.keys(), l.plane(), l.logs(), l.nodes(), l.operator()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make a folder of the lab: %w", err)
		}
		if err := l.mark(); err != nil {
			return err
		}
	}
	return nil
}

// mark makes the folder one that isLab knows, before anything else is in it.
func (l layout) mark() error {
	f, err := os.OpenFile(l.lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("mark the lab's folder: %w", err)
	}
	return f.Close()
}

// isLab says whether up made this folder.
func (l layout) isLab() bool {
	_, err := os.Stat(l.lock())
	return err == nil
}

// remove deletes the lab's folder, and nothing that is not a lab's folder.
func (l layout) remove() error {
	if !l.isLab() {
		return nil
	}
	if err := os.RemoveAll(l.dir); err != nil {
		return fmt.Errorf("delete the lab's folder: %w", err)
	}
	return nil
}

// Phase is where a lab is in its life.
type Phase string

// The phases of a lab.
const (
	Starting Phase = "starting"
	Ready    Phase = "ready"
	Stopping Phase = "stopping"
	Stopped  Phase = "stopped" // kept on disk, nothing runs
	Dead     Phase = "dead"    // its supervisor is gone without having cleaned up
)

// Ports are the ports of a lab, remembered over restarts.
type Ports struct {
	API      int `json:"api"`
	Etcd     int `json:"etcd"`
	Peer     int `json:"peer"`
	Operator int `json:"operator"`
	Metrics  int `json:"metrics"` // of the operator
	Webhooks int `json:"webhooks"`
	SQS      int `json:"sqs"` // of the queue service
}

// State is what the supervisor writes down for status, down and the next up.
type State struct {
	Phase      Phase              `json:"phase"`
	StartedAt  time.Time          `json:"startedAt"`
	Slot       int                `json:"slot"`
	Ports      Ports              `json:"ports"`
	Options    Options            `json:"options"`
	Supervisor Process            `json:"supervisor"`
	Children   map[string]Process `json:"children,omitempty"` // by name: plane, operator, karpenter
}

// load reads the state; the error is fs.ErrNotExist when there is none.
func (l layout) load() (State, error) {
	raw, err := os.ReadFile(l.state())
	if err != nil {
		return State{}, fmt.Errorf("read the lab's state: %w", err)
	}
	var s State
	if err := json.Unmarshal(raw, &s); err != nil {
		return State{}, fmt.Errorf("parse %s: %w", l.state(), err)
	}
	return s, nil
}

func (l layout) store(s State) error {
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the lab's state: %w", err)
	}
	return replaceFile(l.state(), append(raw, '\n'))
}

// replaceFile writes a file so that readers see the old or the new one, never a part.
func replaceFile(path string, content []byte) error {
	next := path + ".next"
	if err := os.WriteFile(next, content, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

// Kubeconfig returns where the kubeconfig of the lab in dir is, once it is up.
func Kubeconfig(dir string) string { return layout{dir}.kubeconfig() }
