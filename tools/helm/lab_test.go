package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inPod is what runs for Furl's image in the lab. A pod is a process there: its
// account is in a kubeconfig, and its ports are those of the pod's address.
const inPod = `#!/bin/sh
case "$1" in
operator) exec %[1]s "$@" --kubeconfig="$KUBECONFIG" --bind-address="$POD_IP" --metrics-bind-address="$POD_IP:8080" ;;
*) exec %[1]s "$@" ;;
esac
`

// lab is a running lab without Furl.
type lab struct {
	*shell
	dir string
}

// newLab brings a lab up and takes it down at the test's end.
func newLab(t *testing.T) *lab {
	t.Helper()
	bin := programs(t)
	l := &lab{dir: filepath.Join(t.TempDir(), "lab")}
	image := filepath.Join(t.TempDir(), "furl-in-a-pod")
	if err := os.WriteFile(image, fmt.Appendf(nil, inPod, filepath.Join(bin, "furl")), 0o755); err != nil {
		t.Fatal(err)
	}
	l.shell = newShell(t, "KUBECONFIG="+filepath.Join(l.dir, "kubeconfig"))
	t.Cleanup(func() {
		end := exec.Command(filepath.Join(bin, "furl-lab"), "down", "--dir", l.dir) //nolint:noctx // the test's context has ended
		if out, err := end.CombinedOutput(); err != nil {
			t.Errorf("take the lab down: %v\n%s", err, out)
		}
	})
	l.types(fmt.Sprintf("furl-lab up --dir %s --nodes 1 --operator=false --karpenter=false --image furl=%s", l.dir, image))
	at := strings.TrimSpace(l.types("furl-lab kubeconfig --dir " + l.dir))
	l.env = append(l.env, "KUBECONFIG="+at)
	return l
}

// programs builds what a lab consists of, and Furl, into the repository's bin.
// The tests of lab do the same; one builds at a time.
func programs(t *testing.T) string {
	t.Helper()
	bin, err := filepath.Abs(root + "/bin")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.OpenFile(filepath.Join(bin, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "make", "--no-print-directory", "build")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make build: %v\n%s", err, out)
	}
	return bin
}

// awaits tries a script until it succeeds.
func (l *lab) awaits(within time.Duration, what, script string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), within)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		out, err := l.try(script)
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			l.t.Fatalf("waited %v for %s: %v\n%s", within, what, err, out)
		}
	}
}
