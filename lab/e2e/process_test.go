package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
)

// operator is a furl operator that a test started beside the lab's own, with the same rights.
type operator struct {
	t     *testing.T
	name  string // its identity in the lease
	log   string
	cmd   *exec.Cmd
	port  int32 // of the aggregated APIs
	ended chan struct{}
	err   error // of the process; read it after ended
}

// podIP is where an operator says that it listens. It is nobody's: endpoints may not be on loopback.
const podIP = "192.0.2.1"

// startOperator starts one more furl operator. It ends with the test.
func startOperator(t *testing.T, l *labtest.Lab, name string, args ...string) *operator {
	t.Helper()
	o := &operator{t: t, name: name, log: filepath.Join(t.TempDir(), name+".log"), ended: make(chan struct{})}
	_, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(o.log)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(port, &o.port); err != nil {
		t.Fatal(err)
	}
	all := append([]string{
		"operator", "--kubeconfig=" + filepath.Join(l.Dir, "operator", "kubeconfig"), "--namespace=furl-system",
		"--bind-address=127.0.0.1", "--secure-port=" + port, "--metrics-bind-address=" + freeAddress(t), "--webhook-bind-address=",
		// The lab's own: with one that it made, the API server would no longer trust the lab's operator.
		"--tls-cert-file=" + filepath.Join(l.Dir, "operator", "tls.crt"), "--tls-private-key-file=" + filepath.Join(l.Dir, "operator", "tls.key"),
	}, args...)
	o.cmd = exec.Command(filepath.Join(l.Bin, "furl"), all...) //nolint:noctx // our own program, ended by hand
	o.cmd.Stdout, o.cmd.Stderr = out, out
	o.cmd.Env = append(os.Environ(), "POD_NAME="+name, "POD_IP="+podIP)
	if err := o.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(o.ended)
		o.err = errors.Join(o.cmd.Wait(), out.Close())
	}()
	t.Cleanup(func() {
		o.kill()
		if t.Failed() {
			t.Logf("operator %s said:\n%s", name, o.said())
		}
	})
	return o
}

// kill ends the operator as a crash of its machine would.
func (o *operator) kill() {
	_ = o.cmd.Process.Kill() // may have ended already
	<-o.ended
}

// said is what the operator wrote so far.
func (o *operator) said() string {
	o.t.Helper()
	raw, err := os.ReadFile(o.log)
	if err != nil {
		o.t.Fatal(err)
	}
	return string(raw)
}

// says waits until the operator has written this.
func (o *operator) says(within time.Duration, words string) {
	o.t.Helper()
	labtest.Eventually(o.t, within, o.name+" to say "+words, func(context.Context) error {
		if said := o.said(); !strings.Contains(said, words) {
			return fmt.Errorf("it said\n%s", said)
		}
		return nil
	})
}

// ends waits for the process and returns its exit code.
func (o *operator) ends(within time.Duration) int {
	o.t.Helper()
	end := time.NewTimer(within)
	defer end.Stop()
	select {
	case <-o.ended:
	case <-end.C:
		o.t.Fatalf("%s has not ended within %v", o.name, within)
	}
	return o.cmd.ProcessState.ExitCode()
}

// term asks the operator to end, as a kubelet does, and returns its exit code.
func (o *operator) term(within time.Duration) int {
	o.t.Helper()
	if err := o.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		o.t.Fatal(err)
	}
	return o.ends(within)
}
