package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
	"k8s.io/apimachinery/pkg/api/resource"
)

// TestWalkthrough_part_1 follows part 1 of the guide to the letter, and looks beside it at what its reader would look at.
func TestWalkthrough_part_1(t *testing.T) {
	r := newReader(t)
	r.follows("1. The cluster")
	w := &walkthrough{t: t, folder: "hpa", lab: r.meets()}
	r.follows("2. A source of metrics")
	r.follows("3. The sample application")
	r.follows("4. The HorizontalPodAutoscaler")
	r.follows("5. At rest")
	r.follows("6. Load")
	r.follows("7. It grows")
	w.measured(30 * time.Second)
	w.awaits(time.Minute, "the deployment to have what the HPA wants, ready", w.deploymentFollows)
	r.follows("8. The load ends")
	r.follows("Clean up after part 1")
	w.awaits(time.Minute, "nothing of the walkthrough to be left", func() error {
		if left := w.types("kubectl get hpa,deployments,replicasets,pods -o name"); left != "" {
			return fmt.Errorf("left: %s", left)
		}
		return nil
	})
	r.skips("Take it all away")
	r.follows("Take it all away")
}

// walkthrough is somebody who types commands of their own beside the guide, in a folder of the examples.
type walkthrough struct {
	t      *testing.T
	lab    *labtest.Lab
	folder string
}

func (w *walkthrough) command(ctx context.Context, line string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	cmd.Dir = filepath.Join("..", "..", "examples", "pod-autoscaling", w.folder)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+w.lab.Kubeconfig, "PATH="+w.lab.Bin+":"+os.Getenv("PATH"), "TERM=xterm")
	return cmd
}

func (w *walkthrough) run(line string) (string, error) {
	cmd := w.command(w.t.Context(), line)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%w: %s", err, errOut.String())
	}
	return strings.TrimSpace(out.String()), nil
}

// types runs a command that must succeed.
func (w *walkthrough) types(line string) string {
	w.t.Helper()
	out, err := w.run(line)
	if err != nil {
		w.t.Fatalf("%s: %v", line, err)
	}
	return out
}

func (w *walkthrough) awaits(within time.Duration, what string, look func() error) {
	w.t.Helper()
	from := time.Now()
	labtest.Eventually(w.t, within, what, func(context.Context) error { return look() })
	w.t.Logf("%6.1fs  %s", time.Since(from).Seconds(), what)
}

// shows reads kubectl get hpa as a person does: the CPU in percent and the replicas, each within bounds.
func (w *walkthrough) shows(cpuFrom, cpuTo, replicasFrom, replicasTo int) error {
	line := w.types("kubectl get hpa php-apache --no-headers")
	f := strings.Fields(line)
	if len(f) != 8 || f[1] != "Deployment/php-apache" || f[4] != "1" || f[5] != "10" {
		return fmt.Errorf("kubectl shows %q", line)
	}
	cpu, target, _ := strings.Cut(f[3], "/")
	percent, err := strconv.Atoi(strings.TrimSuffix(cpu, "%"))
	if err != nil || target != "50%" {
		return fmt.Errorf("kubectl shows %q", line)
	}
	replicas, err := strconv.Atoi(f[6])
	if err != nil {
		return fmt.Errorf("kubectl shows %q", line)
	}
	if percent < cpuFrom || percent > cpuTo || replicas < replicasFrom || replicas > replicasTo {
		return fmt.Errorf("kubectl shows %q; want %d..%d%% and %d..%d replicas", line, cpuFrom, cpuTo, replicasFrom, replicasTo)
	}
	return nil
}

// measured watches the load for a while with kubectl top, which knows nothing of the HPA's arithmetic, and compares: the
// count is the CPU over 100m (half of a request), within one, at the highest that was measured.
func (w *walkthrough) measured(during time.Duration) {
	w.t.Helper()
	want := 1
	for end := time.Now().Add(during); time.Now().Before(end); {
		sum := resource.Quantity{}
		for line := range strings.Lines(w.types("kubectl top pods -l run=php-apache --no-headers")) {
			q, err := resource.ParseQuantity(strings.Fields(line)[1])
			if err != nil {
				w.t.Fatalf("kubectl top shows %q: %v", line, err)
			}
			sum.Add(q)
		}
		want = max(want, int(math.Ceil(float64(sum.MilliValue())/100)))
	}
	want = min(want, 10)
	w.awaits(20*time.Second, fmt.Sprintf("%d replicas for the CPU that kubectl top showed, give or take one", want), func() error {
		return w.shows(0, 250, want-1, want+1)
	})
}

func (w *walkthrough) deploymentFollows() error {
	wanted := w.types("kubectl get hpa php-apache -o jsonpath={.status.desiredReplicas}")
	line := w.types("kubectl get deployment php-apache --no-headers")
	if f := strings.Fields(line); len(f) != 5 || f[1] != wanted+"/"+wanted || f[2] != wanted || f[3] != wanted {
		return fmt.Errorf("the HPA wants %s, kubectl shows %q", wanted, line)
	}
	return nil
}

// terminal is a command that runs in a terminal window of its own.
type terminal struct {
	t     *testing.T
	tty   *os.File
	ended chan struct{}
	shown int // lines that the page has shown

	mu  sync.Mutex // guards out
	out bytes.Buffer
}

func watchTerminal(t *testing.T, cmd *exec.Cmd, tty *os.File) *terminal {
	tm := &terminal{t: t, tty: tty, ended: make(chan struct{})}
	go func() {
		defer close(tm.ended)
		tm.read()
		_ = cmd.Wait() // what it printed says how it went
		_ = tty.Close()
	}()
	return tm
}

func (tm *terminal) read() {
	buf := make([]byte, 32<<10)
	for {
		n, err := tm.tty.Read(buf)
		tm.mu.Lock()
		tm.out.Write(buf[:n])
		tm.mu.Unlock()
		if err != nil {
			return // the other side is closed when the command has ended
		}
	}
}

func (tm *terminal) text() string {
	tm.mu.Lock()
	defer tm.mu.Unlock()
	return tm.out.String()
}

func (tm *terminal) press(key string) {
	tm.t.Helper()
	if _, err := tm.tty.WriteString(key); err != nil {
		tm.t.Fatalf("press %q: %v", key, err)
	}
}

func (tm *terminal) ends(within time.Duration) {
	tm.t.Helper()
	select {
	case <-tm.ended:
	case <-time.After(within):
		tm.t.Fatalf("the command still runs %v after Ctrl-C; its terminal shows %q", within, tailOf(tm.text(), 300))
	}
}

func tailOf(s string, n int) string { return s[max(0, len(s)-n):] }
