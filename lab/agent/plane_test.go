package agent_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/furl-dev/furl/lab/labtest"
)

// TestNode_on_a_real_plane has kubectl and the real control plane speak to a node.
func TestNode_on_a_real_plane(t *testing.T) {
	bin := labtest.Programs(t)
	l := labtest.Start(t, labtest.Options{Nodes: 1, Bin: bin, Args: []string{"--image", "example.com/kubectl=" + filepath.Join(bin, "kubectl")}})

	t.Run("the walkthrough's load generator runs, obeys Ctrl-C and is removed", func(t *testing.T) {
		l.Kubectl("apply", "-f", "../../examples/pod-autoscaling/hpa/php-apache.yaml")
		l.Kubectl("rollout", "status", "deployment/php-apache", "--timeout=60s")
		screen := typed(t, l, []string{
			"run", "-i", "--tty", "load-generator", "--rm", "--image=busybox:1.28", "--restart=Never", "--",
			"/bin/sh", "-c", "while sleep 0.01; do wget -q -O- http://php-apache; done",
		}, "OK!OK!OK!", 3)
		if !strings.Contains(screen, `pod "load-generator" deleted`) {
			t.Errorf("after Ctrl-C: %q", screen[max(0, len(screen)-500):])
		}
		labtest.Eventually(t, 30*time.Second, "the pod to be gone", func(ctx context.Context) error {
			out, err := l.TryKubectl(ctx, "get", "pod", "load-generator", "--ignore-not-found")
			if err == nil && out != "" {
				err = errors.New(out)
			}
			return err
		})
	})

	t.Run("exec passes the exit code", func(t *testing.T) {
		out, err := l.TryKubectl(t.Context(), "exec", "deployment/php-apache", "--", "sh", "-c", "echo in; exit 4")
		var exit *exec.ExitError
		if out != "in\n" || !errors.As(err, &exit) || exit.ExitCode() != 4 {
			t.Errorf("printed %q and ended with %v", out, err)
		}
	})

	t.Run("a job completes", func(t *testing.T) {
		l.Apply(`{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"completions": 3, "parallelism": 2,
			"template": {"spec": {"restartPolicy": "Never", "containers": [
				{"name": "c", "image": "busybox", "command": ["sh", "-c", "echo done; sleep 0.2"]}]}}}}`)
		l.Kubectl("wait", "--for=condition=complete", "job/j", "--timeout=60s")
		if out := l.Kubectl("logs", "-l", "job-name=j"); out != strings.Repeat("done\n", 3) {
			t.Errorf("printed %q", out)
		}
	})

	t.Run("a pod is its service account", func(t *testing.T) {
		l.Kubectl("run", "who", "--image=example.com/kubectl", "--restart=Never", "--", "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
		l.Kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/who", "--timeout=60s")
		if out := l.Kubectl("logs", "who"); out != "system:serviceaccount:default:default" {
			t.Errorf("it is %q", out)
		}
	})

	t.Run("a crashing pod shows its previous log", func(t *testing.T) {
		l.Kubectl("run", "crash", "--image=busybox", "--", "sh", "-c", "echo last words; exit 3")
		l.Kubectl("wait", "--for=jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff", "pod/crash", "--timeout=60s")
		if out := l.Kubectl("logs", "crash", "--previous"); out != "last words\n" {
			t.Errorf("printed %q", out)
		}
		l.Kubectl("delete", "pod", "crash", "--timeout=30s")
	})
}

// typed runs kubectl in a terminal, presses Ctrl-C some seconds after it showed a text, and gives all it showed.
func typed(t *testing.T, l *labtest.Lab, args []string, until string, seconds int) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(l.Bin, "kubectl"), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+l.Kubeconfig)
	terminal, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = terminal.Close() }()
	var screen strings.Builder
	shown := make(chan string, 1)
	go func() {
		defer close(shown)
		b := make([]byte, 4096)
		for {
			n, err := terminal.Read(b)
			if n > 0 {
				shown <- string(b[:n])
			}
			if err != nil {
				return // the terminal of a process that has ended
			}
		}
	}()
	limit := time.NewTimer(2 * time.Minute)
	defer limit.Stop()
	var press <-chan time.Time
	for {
		select {
		case text, more := <-shown:
			if !more {
				_ = cmd.Wait() // the code of the pod, which Ctrl-C ended
				return screen.String()
			}
			screen.WriteString(text)
			if press == nil && strings.Contains(screen.String(), until) {
				press = time.After(time.Duration(seconds) * time.Second)
			}
		case <-press:
			if _, err := fmt.Fprint(terminal, "\x03"); err != nil {
				t.Fatal(err)
			}
		case <-limit.C:
			t.Fatalf("kubectl did not end; it showed %q", screen.String())
		}
	}
}
