package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
)

func TestCaptureStderr_makes_a_log_line_of_each_printed_one(t *testing.T) {
	var out bytes.Buffer
	was := os.Stderr
	restore, err := captureStderr(slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(os.Stderr, "http2: server: error reading preface from client 127.0.0.1:1: EOF")
	fmt.Fprint(os.Stderr, "without an end")
	restore()
	if os.Stderr != was {
		t.Error("standard error is not what it was")
	}
	got := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(got) != 2 {
		t.Fatalf("%d log lines, want 2:\n%s", len(got), out.String())
	}
	for i, want := range []string{
		`level=WARN msg="a library printed" text="http2: server: error reading preface from client 127.0.0.1:1: EOF"`,
		`level=WARN msg="a library printed" text="without an end"`,
	} {
		if !strings.HasSuffix(got[i], want) {
			t.Errorf("line %d is %q, want %q", i, got[i], want)
		}
	}
}

func TestLogLines_splits_what_is_too_long_and_goes_on(t *testing.T) {
	var out bytes.Buffer
	logLines(strings.NewReader(strings.Repeat("x", longLine+1)+"\nafter\n"), slog.New(slog.NewTextHandler(&out, nil)))
	if !strings.HasSuffix(strings.TrimSpace(out.String()), "text=after") {
		t.Errorf("the line after a long one is lost: ends in %q", out.String()[max(0, out.Len()-60):])
	}
}
