package shell

import (
	"errors"
	"os"
	"testing"
)

// TestLineReader_takes_an_interrupt_before_it_reads: Ctrl-C may come when the prompt shows and nobody reads yet.
func TestLineReader_takes_an_interrupt_before_it_reads(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(in.Close(), out.Close()) }()
	l := &lineReader{file: in}
	if l.interrupt() {
		t.Error("an interrupt while a command runs is taken for one of the next line")
	}
	l.wait()
	if !l.interrupt() {
		t.Error("an interrupt after the prompt is not about the line")
	}
	line := make([]byte, 10)
	if _, err := l.Read(line); !errors.Is(err, errInterrupted) {
		t.Errorf("the line ends with %v, want that it was interrupted", err)
	}
	if _, err := out.WriteString("next\n"); err != nil {
		t.Fatal(err)
	}
	l.wait()
	n, err := l.Read(line)
	if err != nil || string(line[:n]) != "next\n" {
		t.Errorf("read %q, %v, want the next line", line[:n], err)
	}
	if l.end() {
		t.Error("the line that was read counts as interrupted")
	}
	l.wait()
	l.interrupt()
	if !l.end() {
		t.Error("an interrupt between a line and its run is lost")
	}
}
