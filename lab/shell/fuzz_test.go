package shell

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// canary is what a script would have to print or change to be outside of its pod.
const canary = "canary-4f1d7c"

// FuzzScript_stays_in_its_pod plants a file beside the pod's folder, points links at it from inside, and runs scripts.
func FuzzScript_stays_in_its_pod(f *testing.F) {
	for _, seed := range []string{
		"cat ../canary link folder/canary", "echo x >../canary; rm -rf ../canary folder/canary", "cd folder; ls; cat canary",
		"eval 'cat <(cat ../canary)'", ". ../canary", "sh ../canary", "cp link x; cat x", "mv folder/canary x", "grep -r . folder/", "cat </proc/self/cwd/../canary",
		"sed -i s/c/d/ link", "tail -f link & sleep 0.01; kill $!", "echo ~root ${x:-~root} {~root,a}", "exec /bin/cat ../canary", "ls -lR / | tee ../canary",
		"wget -O ../canary http://127.0.0.1:1/", "TMPDIR=.. cat <(:)", "ln -s ../canary y; cat y", "trap 'cat ../canary' EXIT", "x=$(<../canary); echo $x",
		"pwd -P; cd -P folder; [ -e ../canary ] && echo out", "type cat; command -v canary", "touch link; mkdir -p folder/x; cp -r folder copy", "for f in ../* folder/*; do echo $f; done",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, script string) {
		outside := t.TempDir()
		folder := filepath.Join(outside, "pod")
		target := filepath.Join(outside, "canary")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, []byte(canary), 0o755); err != nil {
			t.Fatal(err)
		}
		for link, to := range map[string]string{"link": target, "folder": outside} {
			if err := os.Symlink(to, filepath.Join(folder, link)); err != nil {
				t.Fatal(err)
			}
		}
		var out bytes.Buffer
		s, err := New(Options{Folder: folder, Stdout: &out, Stderr: &out, Now: time.Now, PID: 100})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		ended := make(chan int, 1)
		go func() { ended <- s.Main(ctx, []string{"sh", "-c", script}) }()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Fatalf("%q does not end with its context", script)
		}
		if strings.Contains(script, canary) {
			return // it may well print what it contains
		}
		s.gate.Lock() // background commands may still write
		defer s.gate.Unlock()
		if strings.Contains(out.String(), canary) {
			t.Errorf("%q read the file outside", script)
		}
		text, err := os.ReadFile(target)
		if err != nil || string(text) != canary {
			t.Errorf("%q changed the file outside: %q, %v", script, text, err)
		}
		names, err := os.ReadDir(outside)
		if err != nil || len(names) != 2 {
			t.Errorf("%q left %v outside, %v", script, names, err)
		}
	})
}
