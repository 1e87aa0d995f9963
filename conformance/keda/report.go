package keda

import (
	"fmt"
	"io"
	"strings"
)

// Report is what came of all files.
type Report struct{ Files []File }

// File is what came of one file.
type File struct {
	Name    string
	Results []Result
}

// Result is what came of one record: it passed, failed, is different on
// purpose, or is about something that Furl will do later.
type Result struct {
	ID, Category string
	// Diffs say where Furl differs. A record that cannot be read has one, too.
	Diffs []string
	// Row is the row of docs/compatibility.md that explains all of Diffs.
	Row string
	// Later is what the record waits for.
	Later Later
}

// Failed says that something differs that no row explains.
func (r Result) Failed() bool { return len(r.Diffs) > 0 && r.Row == "" }

// Different says that all that differs does so on purpose.
func (r Result) Different() bool { return r.Row != "" }

// Awaits says that the record is about something that Furl will do later.
func (r Result) Awaits() bool { return r.Later.Reason != "" && len(r.Diffs) == 0 }

// Count is how many records came to what.
type Count struct{ Passed, Failed, Different, Later int }

func (c Count) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d different, %d later", c.Passed, c.Failed, c.Different, c.Later)
}

func (c *Count) add(f File) {
	for i := range f.Results {
		switch r := &f.Results[i]; {
		case r.Failed():
			c.Failed++
		case r.Different():
			c.Different++
		case r.Awaits():
			c.Later++
		default:
			c.Passed++
		}
	}
}

// Count counts the records of a file.
func (f File) Count() (c Count) {
	c.add(f)
	return c
}

// Count counts the records of all files.
func (r Report) Count() (c Count) {
	for _, f := range r.Files {
		c.add(f)
	}
	return c
}

// Write prints what failed, a line a file, a total, what is different and why,
// and what comes later.
func (r Report) Write(w io.Writer) error {
	p := printer{w: w}
	p.each(r, Result.Failed, func(f File, res Result) {
		p.line("FAIL %s: %s", f.Name, res.ID)
		p.line("     %s", strings.Join(res.Diffs, "\n     "))
	})
	for _, f := range r.Files {
		p.line("%s: %s", f.Name, f.Count())
	}
	p.line("total: %s", r.Count())
	p.each(r, Result.Different, func(f File, res Result) {
		p.line("different %s: %s: docs/compatibility.md, %q", f.Name, res.ID, res.Row)
	})
	p.each(r, Result.Awaits, func(f File, res Result) {
		p.line("later %s: %s: %s: %s", f.Name, res.Category, res.ID, res.Later)
	})
	return p.err
}

// printer keeps the first error of many lines.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) each(r Report, wanted func(Result) bool, line func(File, Result)) {
	for _, f := range r.Files {
		for _, res := range f.Results {
			if wanted(res) {
				line(f, res)
			}
		}
	}
}
