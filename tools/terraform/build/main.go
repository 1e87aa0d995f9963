// Command build makes Terraform from its Go module, so that whoever has Go can run the tests.
//
//	go run ./build -out ../bin/terraform
//
// What is built is Terraform as released, without the places where it keeps a
// state in a cloud: those are modules that come with its repository only, and
// tests have no state to keep.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

const (
	module = "github.com/hashicorp/terraform"
	// The newest whose go.mod Go 1.26 takes: 1.11 asks for a setting that Go no longer has.
	version = "v1.14.0"
	sum     = "h1:WASUNWKwcaMVsBwYf/i2CcCM9uiNEA5e3WQSi3TgcYc="
	stores  = "internal/backend/init/init.go" // names the places for a state
)

func main() {
	out := flag.String("out", "../bin/terraform", "file to write")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *out)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) error {
	out, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	source, err := download(ctx)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "terraform-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	folder = filepath.Join(folder, "terraform")
	if err := os.CopyFS(folder, os.DirFS(source)); err != nil {
		return err
	}
	if err := withoutStores(ctx, folder); err != nil {
		return err
	}
	// Else it would call itself a version of a developer, whose settings it would look for.
	return tool(ctx, folder, "build", "-ldflags=-s -w -X "+module+"/version.dev=no", "-o", out, ".")
}

// download has the go tool fetch the module, and holds it to the sum written above.
func download(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module+"@"+version)
	cmd.Stderr = os.Stderr
	answer, err := cmd.Output()
	var got struct{ Dir, Sum, Error string }
	if jsonErr := json.Unmarshal(answer, &got); jsonErr != nil {
		return "", errors.Join(fmt.Errorf("download of %s@%s", module, version), err, jsonErr)
	}
	if got.Error != "" {
		return "", fmt.Errorf("download of %s@%s: %s", module, version, got.Error)
	}
	if got.Sum != sum {
		return "", fmt.Errorf("%s@%s has the sum %s, want %s: it is not what was pinned", module, version, got.Sum, sum)
	}
	return got.Dir, nil
}

// ofRepository are the modules that only a checkout of Terraform has.
var ofRepository = regexp.MustCompile(`(?m)^replace (\S+) => \./`)

// withoutStores takes the stores for a state out of the copy.
func withoutStores(ctx context.Context, folder string) error {
	mod, err := os.ReadFile(filepath.Join(folder, "go.mod")) //nolint:gosec // of the copy
	if err != nil {
		return err
	}
	path := filepath.Join(folder, filepath.FromSlash(stores))
	text, err := os.ReadFile(path) //nolint:gosec // of the copy
	if err != nil {
		return err
	}
	edit := []string{"mod", "edit"}
	kept := string(text)
	for _, m := range ofRepository.FindAllStringSubmatch(string(mod), -1) {
		edit = append(edit, "-droprequire="+m[1], "-dropreplace="+m[1])
		kept = without(kept, m[1])
	}
	if kept == string(text) {
		return fmt.Errorf("%s names no store of its repository: has %s another form now?", stores, version)
	}
	if err := os.WriteFile(path, []byte(kept), 0o600); err != nil { //nolint:gosec // of the copy
		return err
	}
	return tool(ctx, folder, edit...)
}

// without drops the import of a package, and the lines that use it.
func without(text, pkg string) string {
	imported := regexp.MustCompile(`(?m)^\t(\w+) "` + regexp.QuoteMeta(pkg) + `"\n`)
	m := imported.FindStringSubmatch(text)
	if m == nil {
		return text
	}
	var kept []string
	for line := range strings.Lines(strings.Replace(text, m[0], "", 1)) {
		if !strings.Contains(line, m[1]+".New(") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// tool runs the go tool in the copy; its own go.sum holds every other module to its sum.
func tool(ctx context.Context, folder string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the go tool, with arguments of ours
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return nil
}
