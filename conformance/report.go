package conformance

import (
	"fmt"
	"io"
)

// Report is what came of all files.
type Report struct{ Files []File }

// File is what came of one file.
type File struct {
	Name    string
	Results []Result
}

// Result is what came of one record: it passed, or is internal to upstream for
// a reason, or has differences.
type Result struct {
	ID string
	// Internal is the rule by which the record pins something inside upstream.
	Internal string
	// Diffs say where Furl differs. A record that cannot be read has one, too.
	Diffs []string
}

// Passed says that the record was replayed and everything was as expected.
func (r Result) Passed() bool { return r.Internal == "" && len(r.Diffs) == 0 }

// Failed says that something differs, in an internal record, too.
func (r Result) Failed() bool { return len(r.Diffs) > 0 }

func (r *Result) note(diffs []string, err error) {
	r.Diffs = append(r.Diffs, diffs...)
	if err != nil {
		r.Diffs = append(r.Diffs, "not replayed: "+err.Error())
	}
}

// Count returns how many records passed, failed and are internal.
func (f File) Count() (passed, failed, internal int) {
	for _, r := range f.Results {
		switch {
		case r.Failed():
			failed++
		case r.Internal != "":
			internal++
		default:
			passed++
		}
	}
	return passed, failed, internal
}

// Count returns the sums over all files.
func (r Report) Count() (passed, failed, internal int) {
	for _, f := range r.Files {
		p, x, i := f.Count()
		passed, failed, internal = passed+p, failed+x, internal+i
	}
	return passed, failed, internal
}

// Write prints the differences, a line a file, a total, and why records are internal.
func (r Report) Write(w io.Writer) error {
	p := printer{w: w}
	for _, f := range r.Files {
		for _, res := range f.Results {
			if res.Failed() {
				p.line("FAIL %s: %s", f.Name, res.ID)
				for _, d := range res.Diffs {
					p.line("     %s", d)
				}
			}
		}
	}
	for _, f := range r.Files {
		a, b, c := f.Count()
		p.line("%s: %d passed, %d failed, %d internal", f.Name, a, b, c)
	}
	a, b, c := r.Count()
	p.line("total: %d passed, %d failed, %d internal", a, b, c)
	for _, f := range r.Files {
		for _, res := range f.Results {
			if res.Internal != "" && !res.Failed() {
				p.line("internal %s: %s: %s", f.Name, res.ID, res.Internal)
			}
		}
	}
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
