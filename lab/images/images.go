// Package images says which local program stands in for a container image.
//
// The lab pulls nothing: an image is a name, and a name is looked up first in what the user mapped
// (`--image nginx=./my-server`) and then in the few images that the walkthroughs use.
package images

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ErrUnknown says that no program stands for an image; a kubelet reports ErrImagePull.
var ErrUnknown = errors.New("no program is mapped to image")

// Program is what runs for a container.
type Program struct {
	Path  string   // absolute path of the program
	Args  []string // arguments when the container names none of its own, as an image's entry point and command
	Env   []string // KEY=value, put before the container's own environment
	Shell bool     // the container's command and args are words for the shell interpreter at Path, not a host program
	Ports []int32  // ports the program listens on when the container names none
}

// Names of the programs that stand for the built-in images; they lie beside the running executable.
const (
	shellProgram      = "furl-shell"
	hpaExampleProgram = "hpa-example"
	loadProgram       = "load"
	vllmProgram       = "vllm-openai"
	consumerProgram   = "sqs-consumer"
	promptsProgram    = "prompt-generator"
)

// Map finds the program of an image. The zero value knows no image; New gives the built-in ones.
type Map struct {
	dir   string    // where the built-in programs lie
	rules []mapping // what the user mapped
}

// New gives the built-in images, whose programs lie in dir (beside the running executable), and the user's mappings,
// each "image=program[ args]". A program without a slash lies in dir; a relative path starts at the working directory.
func New(dir string, mappings ...string) (Map, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Map{}, fmt.Errorf("folder of the programs %q: %w", dir, err)
	}
	m := Map{dir: dir}
	for _, text := range mappings {
		rule, err := parseMapping(text, dir)
		if err != nil {
			return Map{}, err
		}
		m.rules = append(m.rules, rule)
	}
	return m, nil
}

// Beside gives the folder of the running executable, where the lab's programs are installed together.
func Beside() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("folder of the running program: %w", err)
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	return filepath.Dir(path), nil
}

// Resolve gives the program for an image. The error wraps ErrInvalid for a text that is no image reference and
// ErrUnknown for an image that nothing stands for; its text says how to map one.
func (m Map) Resolve(image string) (Program, error) {
	ref, err := Parse(image)
	if err != nil {
		return Program{}, err
	}
	p, ok := m.mapped(ref)
	if !ok {
		p, ok = m.builtIn(ref)
	}
	if !ok {
		return Program{}, fmt.Errorf("%w %q: the lab pulls nothing, it runs local programs; map one with `furl lab up --image %s=./my-server`",
			ErrUnknown, image, short(ref))
	}
	if err := runnable(p.Path); err != nil {
		return Program{}, fmt.Errorf("program for image %q: %w; build it (`make build`) or map another with `furl lab up --image %s=./my-server`",
			image, err, short(ref))
	}
	return p, nil
}

// mapped looks among the user's mappings; the most exact one wins, and of equals the last.
func (m Map) mapped(ref Reference) (Program, bool) {
	best, weight := Program{}, 0
	for _, rule := range m.rules {
		if w := rule.weight(ref); w > 0 && w >= weight {
			best, weight = rule.program, w
		}
	}
	return best.clone(), weight > 0
}

// builtIn knows the images of the walkthroughs. Tags and digests do not matter, there is one program for all.
func (m Map) builtIn(ref Reference) (Program, bool) {
	shell := filepath.Join(m.dir, shellProgram)
	switch {
	case m.dir == "":
		return Program{}, false
	case ref.Name() == "registry.k8s.io/hpa-example", ref.Name() == "k8s.gcr.io/hpa-example":
		return Program{Path: filepath.Join(m.dir, hpaExampleProgram), Ports: []int32{80}}, true
	case ref.Name() == "furl.dev/load":
		return Program{Path: filepath.Join(m.dir, loadProgram)}, true
	case ref.Name() == hub+"/vllm/vllm-openai":
		return Program{Path: filepath.Join(m.dir, vllmProgram), Ports: []int32{8000}}, true
	case ref.Name() == "ghcr.io/furl-dev/sqs-consumer":
		return Program{Path: filepath.Join(m.dir, consumerProgram), Ports: []int32{9090}}, true
	case ref.Name() == "ghcr.io/furl-dev/prompt-generator":
		return Program{Path: filepath.Join(m.dir, promptsProgram)}, true
	case strings.HasPrefix(ref.base(), "busybox"):
		return Program{Path: shell, Args: []string{"sh"}, Shell: true}, true
	case strings.HasPrefix(ref.Name(), "registry.k8s.io/pause"), strings.HasPrefix(ref.Name(), "k8s.gcr.io/pause"):
		return Program{Path: shell, Args: []string{"pause"}, Shell: true}, true
	}
	return Program{}, false
}

func (p Program) clone() Program {
	p.Args, p.Env, p.Ports = slices.Clone(p.Args), slices.Clone(p.Env), slices.Clone(p.Ports)
	return p
}

// short is the name as a user would write it: without what the defaults fill in, and without tag or digest.
func short(r Reference) string {
	return strings.TrimPrefix(strings.TrimPrefix(r.Name(), hub+"/"), "library/")
}

func runnable(path string) error {
	at, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case at.IsDir():
		return fmt.Errorf("%s is a folder", path)
	case at.Mode()&0o111 == 0:
		return fmt.Errorf("%s may not be executed", path)
	}
	return nil
}
