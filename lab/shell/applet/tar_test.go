package applet

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// put fills the folder of a bench.
func (b *bench) put(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		name = filepath.Join(b.folder, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// holds compares all files of a folder of the bench.
func (b *bench) holds(t *testing.T, folder string, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	root := filepath.Join(b.folder, folder)
	if err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		got[name] = string(text)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s holds (-want +got):\n%s", folder, diff)
	}
}

func TestTar_carries_files_and_folders(t *testing.T) {
	files := map[string]string{"a": "one", "sub/b": "two", "sub/deep/c": ""}
	for _, way := range []struct{ pack, unpack string }{{"cf", "-xmf"}, {"-czf", "xzf"}} {
		b := newBench(t)
		b.put(t, map[string]string{"from/a": "one", "from/sub/b": "two", "from/sub/deep/c": "", "to/a": "before"})
		if status := b.do(t.Context(), "tar", way.pack, "/all.tar", "-C", "/from", "a", "sub"); status != 0 {
			t.Fatalf("tar %s: status %d, %s", way.pack, status, b.errs.String())
		}
		if status := b.do(t.Context(), "tar", way.unpack, "all.tar", "-C", "to"); status != 0 {
			t.Fatalf("tar %s: status %d, %s", way.unpack, status, b.errs.String())
		}
		b.holds(t, "to", files)
	}
}

func TestTar_writes_to_standard_output_and_lists(t *testing.T) {
	b := newBench(t)
	b.put(t, map[string]string{"dir/file": "text"})
	if status := b.do(t.Context(), "tar", "cf", "-", "/dir/file"); status != 0 {
		t.Fatalf("status %d, %s", status, b.errs.String())
	}
	b.put(t, map[string]string{"all.tar": b.out.String()})
	if status := b.do(t.Context(), "tar", "tf", "all.tar"); status != 0 || b.out.String() != "dir/file\n" {
		t.Errorf("status %d, listed %q, %s", status, b.out.String(), b.errs.String())
	}
}

func TestTar_unpacks_nothing_outside_the_folder(t *testing.T) {
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for _, head := range []tar.Header{
		{Name: "../../up", Typeflag: tar.TypeReg, Mode: 0o600},
		{Name: "/etc/absolute", Typeflag: tar.TypeReg, Mode: 0o600},
		{Name: "way", Typeflag: tar.TypeSymlink, Linkname: "/"},
		{Name: "way/out", Typeflag: tar.TypeReg, Mode: 0o600},
	} {
		if err := w.WriteHeader(&head); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	b.put(t, map[string]string{"bad.tar": packed.String()})
	if status := b.do(t.Context(), "tar", "xf", "bad.tar", "-C", "/"); status != 0 || b.errs.String() != "tar: way: not a file or folder, left out\n" {
		t.Errorf("status %d, %q", status, b.errs.String())
	}
	b.holds(t, ".", map[string]string{"bad.tar": packed.String(), "up": "", "etc/absolute": "", "way/out": ""})
}

func TestTar_says_what_is_wrong(t *testing.T) {
	for _, test := range []struct {
		words []string
		want  string
	}{
		{[]string{"tar", "cf", "-", "nothing"}, "tar: nothing: No such file or directory\n"},
		{[]string{"tar", "xf", "nothing.tar"}, "tar: nothing.tar: No such file or directory\n"},
		{[]string{"tar", "-f", "x"}, "tar: give one of -c, -x and -t\n"},
	} {
		b := newBench(t)
		if status := b.do(t.Context(), test.words...); status != 1 || b.errs.String() != test.want {
			t.Errorf("%q: status %d, %q; want %q", test.words, status, b.errs.String(), test.want)
		}
	}
}
