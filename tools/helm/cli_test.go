package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	helm "helm.sh/helm/v4/pkg/cmd"
	"helm.sh/helm/v4/pkg/kube"
)

// TestMain makes this test binary the helm program where it is called so: what
// is tested are the lines that users type.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "helm" {
		os.Exit(m.Run())
	}
	kube.ManagedFieldsManager = "helm" // as helm's own main
	root, err := helm.NewRootCmd(os.Stdout, os.Args[1:], helm.SetupLogging)
	if err == nil {
		err = root.Execute()
	}
	if err != nil {
		os.Exit(1)
	}
}

// The repository, from this folder.
const (
	root        = "../.."
	chart       = root + "/charts/furl"
	walkthrough = root + "/examples/pod-autoscaling/keda"
)

// shell runs command lines as a user's terminal would.
type shell struct {
	t   *testing.T
	dir string
	env []string
}

// newShell returns a terminal in the repository that knows helm; extra comes into its environment.
func newShell(t *testing.T, extra ...string) *shell {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin, home := t.TempDir(), t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "helm")); err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "PATH="+bin+":"+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"), "HOME="+home, "KUBECONFIG=/nowhere")
	return &shell{t, dir, append(env, extra...)}
}

// try runs a script of bash; the error has what it wrote to standard error.
func (s *shell) try(script string) (string, error) {
	cmd := exec.CommandContext(s.t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = s.dir, s.env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w: %s", script, err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// types runs a script and fails the test where it fails.
func (s *shell) types(script string) string {
	s.t.Helper()
	out, err := s.try(script)
	if err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	return out
}
