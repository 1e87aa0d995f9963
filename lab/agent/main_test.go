package agent

import (
	"fmt"
	"os"
	"testing"
)

// binaries is where the tests' programs are built.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "furl-agent-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binaries = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}
