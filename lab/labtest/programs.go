package labtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

var build = sync.OnceValues(buildAll) //nolint:gochecknoglobals // once per test binary, as the name says

// Programs builds everything that a lab consists of into the repository's bin, by `make build`, and returns that
// folder. What is up to date costs a second; the control plane from nothing takes minutes.
func Programs(t testing.TB) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

func buildAll() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(root, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil { //nolint:gosec // programs are for everybody
		return "", fmt.Errorf("make the folder of the programs: %w", err)
	}
	// Test binaries run side by side; one builds at a time.
	lock, err := os.OpenFile(filepath.Join(bin, ".lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the repository's own
	if err != nil {
		return "", fmt.Errorf("open the lock of the programs: %w", err)
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock the programs: %w", err)
	}
	// Go leaves alone what is up to date, and replaces the rest by renaming: a lab that runs keeps its program.
	cmd := exec.Command("make", "--no-print-directory", "build") //nolint:noctx // as long as it takes
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make build: %w\n%s", err, out)
	}
	return bin, nil
}

// Root returns the repository's folder, of which the lab's module is a part.
func Root() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output() //nolint:noctx // answers at once
	if err != nil {
		return "", fmt.Errorf("ask go for the module: %w", err)
	}
	mod := strings.TrimSpace(string(out))
	if filepath.Base(filepath.Dir(mod)) != "lab" {
		return "", fmt.Errorf("the module %q is not the lab's", mod)
	}
	return filepath.Dir(filepath.Dir(mod)), nil
}
