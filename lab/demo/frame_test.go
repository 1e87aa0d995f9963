package demo

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata")

// walkthrough is the shape of the first part: rest, load, growth, rest.
func walkthrough() Timeline {
	t := Timeline{Title: "php-apache under load", Panels: webPanels(), Max: 10}
	for s := 0; s <= 60; s += 2 {
		p := Point{At: time.Duration(s) * time.Second, CPU: 0, Target: 50, Desired: 1, Ready: 1}
		switch {
		case s < 4:
			p.CPU = -1
		case s >= 40:
			p.CPU, p.Desired, p.Ready, p.Rate = 48, 7, 7, 33
		case s >= 26:
			p.CPU, p.Desired, p.Ready, p.Rate = 240, 5, 3, 30
		case s >= 20:
			p.CPU, p.Rate = 240, 25
		}
		t.Points = append(t.Points, p)
	}
	t.Notes = []Note{
		{At: 26 * time.Second, From: 1, To: 5, Why: []string{"cpu 240% of request against 50%: 1 ready pod × 4.8 = 5"}},
		{At: 40 * time.Second, From: 5, To: 7, Why: []string{"cpu 70% of request against 50%: 5 ready pods × 1.4 = 7"}},
	}
	return t
}

func TestFrame(t *testing.T) {
	frames := map[string]string{
		"unknown":     Frame(Timeline{Title: "php-apache", Panels: webPanels(), Max: 10, Points: walkthrough().Points[:1]}, Screen{Width: 80, Height: 30}),
		"walkthrough": Frame(walkthrough(), Screen{Width: 80, Height: 30}),
		"narrow":      Frame(walkthrough(), Screen{Width: 40, Height: 24}),
	}
	for name, got := range frames {
		t.Run(name, func(t *testing.T) { golden(t, name+".txt", got) })
	}
}

func TestFrame_without_colour_has_no_escape_codes(t *testing.T) {
	if f := Frame(walkthrough(), Screen{Width: 80, Height: 30}); strings.Contains(f, "\x1b") {
		t.Errorf("an escape code in %q", f)
	}
	if f := Frame(walkthrough(), Screen{Width: 80, Height: 30, Colour: true}); !strings.Contains(f, "\x1b[33m") {
		t.Error("no colour although the screen has it")
	}
}

func TestFrame_fits_the_screen(t *testing.T) {
	long := walkthrough()
	for range 40 {
		long.Notes = append(long.Notes, Note{At: time.Minute, From: 7, To: 6, Why: []string{strings.Repeat("because ", 40)}})
	}
	for _, s := range []Screen{{Width: 80, Height: 24}, {Width: 120, Height: 50}} {
		lines := strings.Split(strings.TrimSuffix(Frame(long, s), "\n"), "\n")
		if len(lines) >= s.Height {
			t.Errorf("%d lines on a screen of %d", len(lines), s.Height)
		}
		for _, l := range lines {
			if n := len([]rune(l)); n > s.Width {
				t.Errorf("a line of %d characters on a screen of %d: %q", n, s.Width, l)
			}
		}
	}
}

func TestWriteSVG_is_well_formed_and_escapes(t *testing.T) {
	tl := walkthrough()
	tl.Title = `a <b> & "c"`
	var out bytes.Buffer
	if err := WriteSVG(&out, tl); err != nil {
		t.Fatal(err)
	}
	d := xml.NewDecoder(bytes.NewReader(out.Bytes()))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
	}
	golden(t, "walkthrough.svg", out.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), rerun with -update and read the diff:\n%s", path, diff)
	}
}
