package agent

import (
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// testServer builds testdata/server once.
func testServer(t *testing.T) string {
	t.Helper()
	path, err := buildServer()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var buildServer = sync.OnceValues(func() (string, error) {
	dir, err := filepath.Abs("testdata/server")
	if err != nil {
		return "", err
	}
	out := filepath.Join(binaries, "server")
	cmd := exec.Command("go", "build", "-o", out, ".")
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		return string(text), err
	}
	return out, nil
})
