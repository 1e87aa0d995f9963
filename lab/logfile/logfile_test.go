package logfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	write := func(f *File, lines ...string) {
		t.Helper()
		for _, line := range lines {
			if _, err := f.Write([]byte(line + "\n")); err != nil {
				t.Fatal(err)
			}
		}
	}
	holds := func(want map[string]string) {
		t.Helper()
		got := map[string]string{}
		for name := range want {
			raw, err := os.ReadFile(filepath.Join(filepath.Dir(path), name))
			if err != nil {
				t.Fatal(err)
			}
			got[name] = strings.ReplaceAll(string(raw), "\n", " ")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the files hold (-want +got):\n%s", diff)
		}
	}
	const room = 11 // bytes: two of the lines below
	f, err := open(path, room)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("keeps_what_it_has_room_for", func(*testing.T) {
		write(f, "one", "two")
		holds(map[string]string{"a.log": "one two "})
	})
	t.Run("keeps_the_file_before", func(*testing.T) {
		write(f, "three")
		holds(map[string]string{"a.log": "three ", "a.log.old": "one two "})
	})
	t.Run("forgets_the_one_before_that", func(*testing.T) {
		write(f, "four", "five", "six")
		holds(map[string]string{"a.log": "five six ", "a.log.old": "three four "})
	})
	t.Run("goes_on_where_it_was_closed", func(t *testing.T) {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := open(path, room)
		if err != nil {
			t.Fatal(err)
		}
		write(again, "seven")
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		holds(map[string]string{"a.log": "seven ", "a.log.old": "five six "})
	})
	t.Run("writes_a_line_that_has_no_room_at_all_whole", func(t *testing.T) {
		again, err := open(path, room)
		if err != nil {
			t.Fatal(err)
		}
		write(again, strings.Repeat("x", 2*room))
		holds(map[string]string{"a.log": strings.Repeat("x", 2*room) + " ", "a.log.old": "seven "})
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("is_for_its_owner_only", func(t *testing.T) {
		at, err := os.Stat(path)
		if err != nil || at.Mode().Perm() != fs.FileMode(0o600) {
			t.Errorf("mode %v, %v", at.Mode(), err)
		}
	})
}
