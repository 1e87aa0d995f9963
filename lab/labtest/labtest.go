// Package labtest gives a test a whole cluster of its own, which is gone when the test ends.
//
// The cluster is the program furl-lab, built as users build it and run as they run it: a plane cannot start twice in one
// process, and what is tested shall be what is shipped.
package labtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/cluster"
	"github.com/furl-dev/furl/lab/route/loopback"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Options says what kind of lab a test wants. The zero value is a bare control plane.
type Options struct {
	Nodes         int      // that run pods as processes
	SimNodes      int      // that only say so
	Operator      bool     // run furl operator, with the install manifests
	HPAController bool     // run upstream's HPA controller
	Args          []string // more flags of furl-lab up
	Dir           string   // folder of the lab, absolute; default: one of the test's own
	Keep          bool     // keep the folder at the end: for a test that starts the lab again

	// Credential runs the lab as another user, who must be able to write Dir. Only root may ask for it.
	Credential *syscall.Credential
	// Bin is the folder of the programs; default: they are built into the repository's bin.
	Bin string
}

// Lab is a running lab.
type Lab struct {
	Dir        string
	Bin        string // folder of furl-lab, furl, kubectl and the workloads
	Kubeconfig string
	REST       *rest.Config
	Client     kubernetes.Interface
	// Supervisor is the process of furl-lab up, of a lab that this test has started.
	Supervisor *os.Process

	t     testing.TB
	ended chan struct{} // closed when the supervisor has ended
}

const (
	upTimeout   = 3 * time.Minute // a busy machine needs far longer than the usual five seconds
	downTimeout = time.Minute
	pollEvery   = 50 * time.Millisecond
)

// Start brings a lab up and takes it down when the test ends. It fails the test when it cannot.
func Start(t testing.TB, o Options) *Lab {
	t.Helper()
	l := &Lab{t: t, Dir: o.Dir, Bin: o.Bin, ended: make(chan struct{})}
	if l.Bin == "" {
		l.Bin = Programs(t)
	}
	if l.Dir == "" {
		l.Dir = filepath.Join(t.TempDir(), "lab")
	}
	l.run(o)
	l.await()
	l.connect()
	return l
}

// Found is the lab that somebody has brought up in a folder, and takes down.
func Found(t testing.TB, dir string) *Lab {
	t.Helper()
	l := &Lab{t: t, Dir: dir, Bin: Programs(t)}
	l.connect()
	t.Cleanup(func() {
		if t.Failed() {
			l.logTails()
		}
	})
	return l
}

// connect makes the clients of a lab that is up.
func (l *Lab) connect() {
	l.t.Helper()
	var err error
	l.Kubeconfig = cluster.Kubeconfig(l.Dir)
	if l.REST, err = clientcmd.BuildConfigFromFlags("", l.Kubeconfig); err != nil {
		l.t.Fatalf("read the lab's kubeconfig: %v", err)
	}
	l.REST.Dial, l.REST.QPS = loopback.Dial, -1
	if l.Client, err = kubernetes.NewForConfig(l.REST); err != nil {
		l.t.Fatalf("make a client of the lab: %v", err)
	}
}

// run starts furl-lab up --foreground.
func (l *Lab) run(o Options) {
	l.t.Helper()
	args := append([]string{
		"up", "--foreground", "--dir", l.Dir, "--keep=" + strconv.FormatBool(o.Keep),
		"--nodes", strconv.Itoa(o.Nodes), "--sim-nodes", strconv.Itoa(o.SimNodes),
		"--operator=" + strconv.FormatBool(o.Operator), "--hpa-controller=" + strconv.FormatBool(o.HPAController),
	}, o.Args...)
	cmd := exec.Command(filepath.Join(l.Bin, "furl-lab"), args...) //nolint:gosec,noctx // our own program, ended by hand
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: o.Credential}
	if err := cmd.Start(); err != nil {
		l.t.Fatalf("start furl-lab: %v", err)
	}
	l.Supervisor = cmd.Process
	go func() {
		defer close(l.ended)
		_ = cmd.Wait() // how it went is seen by what it leaves
	}()
	l.t.Cleanup(func() {
		l.Stop()
		if l.t.Failed() {
			l.t.Logf("furl-lab said:\n%s", out.String())
		}
	})
}

// await waits until the lab is usable.
func (l *Lab) await() {
	l.t.Helper()
	Eventually(l.t, upTimeout, "the lab to be up", func(ctx context.Context) error {
		select {
		case <-l.ended:
			l.t.Fatal("furl-lab ended before the lab was up")
		default:
		}
		_, err := cluster.KubeconfigPath(l.Dir)
		return err
	})
}

// Stop ends the lab as Ctrl-C does and waits until it is gone. Stopping twice is allowed.
func (l *Lab) Stop() {
	l.t.Helper()
	if l.t.Failed() {
		l.logTails()
	}
	_ = l.Supervisor.Signal(syscall.SIGTERM) // may have ended already
	select {
	case <-l.ended:
	case <-time.After(downTimeout):
		_ = l.Supervisor.Kill()
		<-l.ended
		l.t.Errorf("the lab was not down within %v of SIGTERM", downTimeout)
	}
}

// Ended is closed when the supervisor has ended.
func (l *Lab) Ended() <-chan struct{} { return l.ended }

const tailLines = 40

// logTails shows what the lab's parts said last; the folder is about to go.
func (l *Lab) logTails() {
	logs, err := filepath.Glob(filepath.Join(l.Dir, "logs", "*.log"))
	if err != nil {
		return
	}
	for _, log := range logs {
		raw, err := os.ReadFile(log) //nolint:gosec // the lab's own log
		if err != nil {
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
		l.t.Logf("%s:\n%s", filepath.Base(log), strings.Join(lines[max(0, len(lines)-tailLines):], "\n"))
	}
}

// Kubectl runs kubectl against the lab and returns what it printed. It fails the test when kubectl fails.
func (l *Lab) Kubectl(args ...string) string {
	l.t.Helper()
	out, err := l.TryKubectl(l.t.Context(), args...)
	if err != nil {
		l.t.Fatalf("kubectl %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// TryKubectl runs kubectl against the lab. The error holds what kubectl wrote to standard error.
func (l *Lab) TryKubectl(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(l.Bin, "kubectl"), args...) //nolint:gosec // a test's own arguments
	cmd.Env = append(os.Environ(), "KUBECONFIG="+l.Kubeconfig)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%w: %s", err, strings.TrimSpace(errOut.String()))
	}
	return out.String(), nil
}

// Say runs kubectl against the lab with text as its standard input, and returns all that it printed, warnings too.
func (l *Lab) Say(ctx context.Context, text string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(l.Bin, "kubectl"), args...) //nolint:gosec // a test's own arguments
	cmd.Env = append(os.Environ(), "KUBECONFIG="+l.Kubeconfig)
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Apply applies a manifest given as text.
func (l *Lab) Apply(manifest string) {
	l.t.Helper()
	file := filepath.Join(l.t.TempDir(), "manifest.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		l.t.Fatal(err)
	}
	l.Kubectl("apply", "-f", file)
}

// Eventually tries until it succeeds, and fails the test with the last error when that takes longer than within.
func Eventually(t testing.TB, within time.Duration, what string, try func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var last error
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		if ctx.Err() == nil || last == nil {
			last = err // what an attempt says that was cut short tells nothing
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited %v for %s: %v", within, what, last)
		}
	}
}
