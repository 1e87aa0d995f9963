package confine

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const secret = "what lies outside stays outside"

// planted gives a folder for a pod, and a secret beside it that symbolic links in the folder point at.
func planted(t *testing.T) (*Files, string) {
	t.Helper()
	outside := t.TempDir()
	pod := filepath.Join(outside, "pod")
	for name, content := range map[string]string{"secret": secret, "pod/own": "mine", "pod/sub/file": "deep"} {
		at := filepath.Join(outside, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"relative": "../secret", "absolute": filepath.Join(outside, "secret"), "folder": "..", "rootlink": "/", "inner": "sub/file",
	} {
		if err := os.Symlink(target, filepath.Join(pod, link)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := OpenFiles(pod)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	return files, outside
}

func read(f *Files, dir, name string) (string, error) {
	file, err := f.Open(dir, name)
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(file, 1<<20))
	return string(text), err
}

func TestFiles_show_the_folder_as_the_root(t *testing.T) {
	f, _ := planted(t)
	for _, test := range []struct{ dir, name, want string }{
		{"/", "own", "mine"},
		{"/", "/own", "mine"},
		{"/sub", "file", "deep"},
		{"/sub", "../own", "mine"},
		{"/", "../../../own", "mine"}, // ".." of the root is the root
		{"/", "inner", "deep"},
		{"/dev", "null", ""},
	} {
		if got, err := read(f, test.dir, test.name); err != nil || got != test.want {
			t.Errorf("%s from %s: %q and %v, want %q", test.name, test.dir, got, err, test.want)
		}
	}
}

func TestFiles_lead_nowhere_else(t *testing.T) {
	f, outside := planted(t)
	for _, name := range []string{
		"relative", "absolute", "folder/secret", "../secret", "/../secret", "sub/../../secret", "rootlink/etc/passwd",
		filepath.Join(outside, "secret"), "/etc/passwd", "/proc/self/environ", "/proc/self/root/etc/passwd", "/dev/mem", "/dev/tty", "",
	} {
		if got, err := read(f, "/", name); err == nil {
			t.Errorf("%s was read: %q", name, got)
		}
		if _, err := f.OpenFile("/", name, os.O_WRONLY|os.O_TRUNC, 0); err == nil {
			t.Errorf("%s was opened for writing", name)
		}
	}
	for _, dir := range []string{"folder", "rootlink", "/proc", "/etc"} {
		if entries, err := f.ReadDir("/", dir); err == nil {
			t.Errorf("%s was listed: %v", dir, entries)
		}
	}
	if err := f.Rename("/", "own", "folder/own"); err == nil {
		t.Error("a file was moved out")
	}
	if err := f.RemoveAll("/", "folder/secret"); err == nil {
		t.Error("a file outside was removed")
	}
	if err := f.RemoveAll("/", "/"); err == nil {
		t.Error("the pod's folder was removed")
	}
	if got, err := os.ReadFile(filepath.Join(outside, "secret")); err != nil || string(got) != secret {
		t.Errorf("the secret is now %q, %v", got, err)
	}
}

func TestFiles_speak_of_the_name_that_was_given(t *testing.T) {
	f, outside := planted(t)
	_, err := f.Open("/sub", "../nothing")
	var at *fs.PathError
	if !errors.As(err, &at) || at.Path != "../nothing" || !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), outside) {
		t.Errorf("got %v", err)
	}
}

func TestFiles_change_what_is_inside(t *testing.T) {
	f, outside := planted(t)
	at := time.Unix(1_000_000, 0)
	for _, err := range []error{
		f.MkdirAll("/", "a/b", 0o755), f.Mkdir("/a", "c", 0o755), f.Rename("/", "own", "/a/b/own"),
		f.Chtimes("/a/b", "own", at), f.Remove("/", "a/c"), f.RemoveAll("/", "sub"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(outside, "pod/a/b/own"))
	if err != nil || !info.ModTime().Equal(at) {
		t.Errorf("got %v, %v", info, err)
	}
	if _, err := f.Stat("/", "sub"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("sub is still there: %v", err)
	}
	if target, err := f.Readlink("/", "relative"); err != nil || target != "../secret" {
		t.Errorf("link says %q, %v", target, err)
	}
}

func FuzzFiles_never_give_the_secret(f *testing.F) {
	for _, seed := range []string{"relative", "../secret", "folder/../secret", "/proc/self/cwd/secret", "./././/..//secret\x00", "dev/../../secret"} {
		f.Add("/sub", seed)
	}
	f.Fuzz(func(t *testing.T, dir, name string) {
		files, _ := planted(t)
		if got, err := read(files, dir, name); err == nil && strings.Contains(got, secret) {
			t.Errorf("%q from %q gave the secret", name, dir)
		}
	})
}

func TestDial_reaches_the_loopback_network_only(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // nobody called
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost", "::ffff:127.0.0.1"} {
		conn, err := Dial(t.Context(), "tcp", net.JoinHostPort(host, port))
		if err != nil {
			t.Errorf("%s: %v", host, err)
			continue
		}
		_ = conn.Close()
	}
	for host, want := range map[string]error{
		"10.0.0.1": ErrOutside, "169.254.169.254": ErrOutside, "0.0.0.0": ErrOutside, "::": ErrOutside, "fe80::1%lo": ErrOutside,
		"::ffff:8.8.8.8": ErrOutside, "example.com": ErrName, "php-apache": ErrName, "0177.0.0.1": ErrName, "2130706433": ErrName,
	} {
		if conn, err := Dial(t.Context(), "tcp", net.JoinHostPort(host, "80")); !errors.Is(err, want) {
			t.Errorf("%s: %v, %v; want %v", host, conn, err, want)
		}
	}
}
