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

	"github.com/creack/pty"
	"github.com/furl-dev/furl/lab/labtest"
	"k8s.io/apimachinery/pkg/api/resource"
)

// loadCommand is the walkthrough's, to the letter.
const loadCommand = `kubectl run -i --tty load-generator --rm --image=busybox:1.28 --restart=Never -- /bin/sh -c "while sleep 0.01; do wget -q -O- http://php-apache; done"`

// The walkthrough waits five minutes before it shrinks, and then takes a pod a minute.
const shorterWindow = `{"spec":{"behavior":{"scaleDown":{"stabilizationWindowSeconds":15,"policies":[{"type":"Percent","value":100,"periodSeconds":15}]}}}}`

// TestWalkthrough_part_1 types the commands of part 1 of the walkthrough, from "Deploy the Sample Application" to "HPA
// Cleanup", into a real shell, and looks at what a reader would look at.
func TestWalkthrough_part_1(t *testing.T) {
	w := &walkthrough{t: t, folder: "hpa", lab: labtest.Start(t, labtest.Options{Nodes: 1, Operator: true})}

	w.types("kubectl apply -f php-apache.yaml")
	w.types("kubectl autoscale deployment php-apache --cpu-percent=50 --min=1 --max=10")
	w.awaits(time.Minute, "0% of 50% at rest, with one replica", func() error { return w.shows(0, 0, 1, 1) })

	// The declarative alternative changes the same object.
	w.types("kubectl apply -f hpa.yaml")
	w.awaits(time.Minute, "0% of 50% with hpa.yaml", func() error { return w.shows(0, 0, 1, 1) })

	load := w.inTerminal(loadCommand)
	watch := w.inTerminal("kubectl get hpa php-apache --watch")
	w.awaits(time.Minute, "CPU far above the target", func() error { return w.shows(100, 250, 1, 10) })
	w.awaits(time.Minute, "more replicas within a minute of load", func() error { return w.shows(0, 250, 2, 10) })
	w.measured(30 * time.Second)
	w.awaits(time.Minute, "the deployment to have what the HPA wants, ready", w.deploymentFollows)

	load.press("\x03")
	load.ends(30 * time.Second)
	if got := load.text(); !strings.Contains(got, "OK!OK!OK!") || !strings.Contains(got, `pod "load-generator" deleted`) {
		t.Errorf("the load generator's terminal shows %q", tailOf(got, 300))
	}
	w.types("kubectl patch hpa php-apache --type=merge --patch '" + shorterWindow + "'")
	w.awaits(3*time.Minute, "one replica at 0% after the load", func() error { return w.shows(0, 0, 1, 1) })
	watch.press("\x03")
	watch.ends(10 * time.Second)
	if got := watch.text(); !strings.Contains(got, "php-apache   Deployment/php-apache") || strings.Count(got, "\n") < 4 {
		t.Errorf("kubectl get hpa --watch shows %q", got)
	}

	// --rm has deleted the pod already: the walkthrough's first clean-up command finds nothing.
	if _, err := w.run("kubectl delete pod load-generator"); err == nil || !strings.Contains(err.Error(), "NotFound") {
		t.Errorf("deleting the load generator again: got %v, want NotFound", err)
	}
	w.types("kubectl delete hpa php-apache")
	w.types("kubectl delete -f php-apache.yaml")
	w.awaits(time.Minute, "nothing of the walkthrough to be left", func() error {
		if left := w.types("kubectl get hpa,deployments,replicasets,pods -o name"); left != "" {
			return fmt.Errorf("left: %s", left)
		}
		return nil
	})
}

// walkthrough is a reader who types commands in a folder of the examples.
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

	mu  sync.Mutex // guards out
	out bytes.Buffer
}

func (w *walkthrough) inTerminal(line string) *terminal {
	w.t.Helper()
	cmd := w.command(w.t.Context(), line)
	tty, err := pty.Start(cmd)
	if err != nil {
		w.t.Fatalf("%s: %v", line, err)
	}
	tm := &terminal{t: w.t, tty: tty, ended: make(chan struct{})}
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
