package cluster_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
)

func TestOperator(t *testing.T) {
	t.Run("has_the_rights_of_the_manifests_and_serves_the_metrics", func(t *testing.T) {
		lab := labtest.Start(t, labtest.Options{Nodes: 1, SimNodes: 1, Operator: true, Args: []string{"--operator-arg=--metric-resolution=1s"}})
		if got := lab.Kubectl("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}",
			"--kubeconfig", filepath.Join(lab.Dir, "operator", "kubeconfig")); got != "system:serviceaccount:furl-system:furl" {
			t.Errorf("the operator is %s", got)
		}
		lab.Apply(simulated)
		ready(t, lab, "app=fake", 2)
		labtest.Eventually(t, time.Minute, "kubectl top to show what the annotation says", func(ctx context.Context) error {
			out, err := lab.TryKubectl(ctx, "top", "pods", "--no-headers", "-l", "app=fake")
			if err == nil && strings.Count(out, "120m") != 2 {
				err = fmt.Errorf("it shows %q", out)
			}
			return err
		})
		lab.Stop()
	})
	t.Run("shows_a_permission_that_the_manifests_forget", func(t *testing.T) {
		bin := labtest.Programs(t)
		root, err := labtest.Root()
		if err != nil {
			t.Fatal(err)
		}
		mutilated := t.TempDir()
		files, err := filepath.Glob(filepath.Join(root, "deploy", "*.yaml"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no manifests: %v", err)
		}
		for _, f := range files {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(string(raw), "nodes/metrics", "nodes/forgotten")
			if err := os.WriteFile(filepath.Join(mutilated, filepath.Base(f)), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		lab := labtest.Start(t, labtest.Options{Bin: bin, SimNodes: 1, Operator: true, Args: []string{"--manifests", mutilated, "--operator-arg=--metric-resolution=1s"}})
		labtest.Eventually(t, time.Minute, "the operator to say that it may not scrape", func(context.Context) error {
			raw, err := os.ReadFile(filepath.Join(lab.Dir, "logs", "operator.log"))
			if err == nil && !strings.Contains(string(raw), "403") && !strings.Contains(string(raw), "Forbidden") {
				err = fmt.Errorf("its log says %s", raw)
			}
			return err
		})
		if out, err := lab.TryKubectl(t.Context(), "top", "nodes"); err == nil && strings.Contains(out, "sim-0  ") && !strings.Contains(out, "unknown") {
			t.Errorf("nodes have metrics without the permission: %s", out)
		}
	})
}
