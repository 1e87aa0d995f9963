package version

import (
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

func TestOf_prefers_what_the_build_was_given(t *testing.T) {
	commit := []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}}
	for _, tc := range []struct {
		why, stamped, module string
		settings             []debug.BuildSetting
		want                 string
	}{
		{"a release says so", "v1.2.3", "v0.0.0-2026", commit, "v1.2.3"},
		{"go install of a version", "", "v1.2.2", commit, "v1.2.2"},
		{"a build of a tree", "", "(devel)", commit, "devel-0123456789ab"},
		{"a build without git", "", "", nil, "devel"},
	} {
		b := &debug.BuildInfo{Main: debug.Module{Version: tc.module}, Settings: tc.settings}
		if got := of(tc.stamped, b); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.why, got, tc.want)
		}
	}
}

// TestStamp_is_where_the_linker_writes builds a program that prints the version.
func TestStamp_is_where_the_linker_writes(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "printed")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-X "+Stamp+"=v9.8.7", "-o", bin, "./testdata/printed")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), bin).Output()
	if err != nil || strings.TrimSpace(string(out)) != "v9.8.7" {
		t.Errorf("it printed %q, %v; want v9.8.7", out, err)
	}
}
