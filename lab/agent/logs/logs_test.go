package logs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)

// newLog has a clock that moves a second with each write.
func newLog(t *testing.T) *Log {
	t.Helper()
	at := start.Add(-time.Second)
	l, err := Create(filepath.Join(t.TempDir(), "c", "0.log"), func() time.Time { at = at.Add(time.Second); return at })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func write(t *testing.T, l *Log, stream, text string) {
	t.Helper()
	if n, err := l.Stream(stream).Write([]byte(text)); err != nil || n != len(text) {
		t.Fatalf("wrote %d: %v", n, err)
	}
}

func read(t *testing.T, l *Log, want Wanted) string {
	t.Helper()
	var b bytes.Buffer
	if err := l.Read(t.Context(), want, &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRead_gives_the_part_that_is_wanted(t *testing.T) {
	l := newLog(t)
	write(t, l, "stdout", "one\ntwo\n") // :00
	write(t, l, "stderr", "oops\n")     // :01
	write(t, l, "stdout", "thr")        // :02
	write(t, l, "stdout", "ee\nOK!")    // :03
	for _, tc := range []struct {
		why  string
		want Wanted
		text string
	}{
		{"all", Wanted{}, "one\ntwo\noops\nthree\nOK!"},
		{"no lines", Wanted{Tail: new(int64(0))}, ""},
		{"the last line, though it has not ended", Wanted{Tail: new(int64(1))}, "OK!"},
		{"the last two", Wanted{Tail: new(int64(2))}, "three\nOK!"},
		{"more than there are", Wanted{Tail: new(int64(99))}, "one\ntwo\noops\nthree\nOK!"},
		{"since an instant", Wanted{Since: start.Add(2 * time.Second)}, "three\nOK!"},
		{"some bytes", Wanted{LimitBytes: new(int64(5))}, "one\nt"},
		{"one stream", Wanted{Stream: "stderr"}, "oops\n"},
		{"the last line of one stream", Wanted{Stream: "stdout", Tail: new(int64(2))}, "three\nOK!"},
		{"instants, once a line", Wanted{Timestamps: true, Tail: new(int64(2))}, "2026-01-02T03:04:02Z three\n2026-01-02T03:04:03Z OK!"},
	} {
		if got := read(t, l, tc.want); got != tc.text {
			t.Errorf("%s: %q, want %q", tc.why, got, tc.text)
		}
	}
}

func TestRead_cuts_long_lines_and_joins_them_again(t *testing.T) {
	l := newLog(t)
	long := strings.Repeat("x", 3*maxEntry+7)
	write(t, l, "stdout", long+"\nnext\n")
	if got := read(t, l, Wanted{}); got != long+"\nnext\n" {
		t.Errorf("read %d bytes, want %d", len(got), len(long)+6)
	}
	if got := read(t, l, Wanted{Tail: new(int64(1))}); got != "next\n" {
		t.Errorf("last line %q", got)
	}
}

func TestRead_follows_until_the_log_is_closed(t *testing.T) {
	l := newLog(t)
	write(t, l, "stdout", "before\n")
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- l.Read(t.Context(), Wanted{Follow: true}, w); _ = w.Close() }()
	expect := func(text string) {
		t.Helper()
		b := make([]byte, len(text))
		if _, err := io.ReadFull(r, b); err != nil || string(b) != text {
			t.Fatalf("followed %q (%v), want %q", b, err, text)
		}
	}
	expect("before\n")
	write(t, l, "stdout", "during")
	expect("during") // before its line has ended
	write(t, l, "stdout", "\n")
	expect("\n")
	l.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRead_stops_following_when_the_reader_goes(t *testing.T) {
	l := newLog(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Read(ctx, Wanted{Follow: true}, io.Discard) }()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLog_is_bounded_and_followed_across_files(t *testing.T) {
	l := newLog(t)
	var got bytes.Buffer
	done := make(chan error, 1)
	go func() { done <- l.Read(t.Context(), Wanted{Follow: true}, &got) }()
	const lines = 3000
	text := strings.Repeat("y", 10_000)
	for i := range lines { // 30 MB in all
		write(t, l, "stdout", fmt.Sprintf("%d %s\n", i, text))
	}
	var size int64
	for _, path := range []string{l.path, l.path + older} {
		at, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		size += at.Size()
	}
	if size > 2*maxFile+maxEntry {
		t.Errorf("the log takes %d bytes, more than two files of %d", size, maxFile)
	}
	if last := read(t, l, Wanted{Tail: new(int64(1))}); !strings.HasPrefix(last, fmt.Sprint(lines-1)) {
		t.Errorf("last line %.20q", last)
	}
	l.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if !strings.Contains(got.String(), fmt.Sprint(lines-1)+" y") {
		t.Error("the follower missed the last line")
	}
	if err := l.Remove(); err != nil {
		t.Error(err)
	}
	left, _ := os.ReadDir(filepath.Dir(l.path))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("2026-01-02T03:04:00.000000000Z stdout F text\n"))
	f.Add([]byte("no entry"))
	f.Fuzz(func(t *testing.T, line []byte) {
		e, ok := parse(line)
		if !ok {
			return
		}
		tag := "P"
		if e.full {
			tag = "F"
		}
		again, ok := parse(fmt.Appendf(nil, "%s %s %s %s\n", e.at.Format(stamp), e.stream, tag, e.text))
		if !ok || !again.at.Equal(e.at) || again.stream != e.stream || again.full != e.full || !bytes.Equal(again.text, e.text) {
			t.Errorf("%q was read as %+v, and then as %+v", line, e, again)
		}
	})
}
