package logs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Wanted says which part of a log to read. Its zero value is all there is now.
type Wanted struct {
	Follow     bool      // go on until the container ends
	Timestamps bool      // put the instant before each line
	Since      time.Time // only what was printed at or after this
	Tail       *int64    // only the last so many lines
	LimitBytes *int64    // no more than this
	Stream     string    // only "stdout" or "stderr"; empty: both
}

// errEnough ends reading at LimitBytes.
var errEnough = errors.New("limit reached")

// Read writes the wanted part of the log to w.
func (l *Log) Read(ctx context.Context, want Wanted, w io.Writer) error {
	r := &reader{log: l, want: want, out: w, left: -1, lineStart: true}
	if want.LimitBytes != nil {
		r.left = *want.LimitBytes
	}
	err := r.run(ctx)
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

type reader struct {
	log  *Log
	want Wanted
	out  io.Writer

	skip      int64 // lines to leave out before the tail
	left      int64 // bytes; negative: no limit
	lineStart bool
	turned    int
}

func (r *reader) run(ctx context.Context) error {
	turned, _, _ := r.log.state()
	r.turned = turned
	if err := r.findTail(); err != nil {
		return err
	}
	if err := r.file(r.log.path + older); err != nil {
		return err
	}
	f, err := os.Open(r.log.path)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	return r.follow(ctx, f)
}

// follow copies f and, when asked to, what is added to it and to the files that come after it.
func (r *reader) follow(ctx context.Context, f *os.File) error {
	in := bufio.NewReader(f)
	defer func() { _ = f.Close() }()
	for {
		turned, closed, changed := r.log.state() // before reading, so that nothing is missed
		if err := r.entries(in); err != nil {
			return err
		}
		if turned != r.turned { // this file is complete and was read to its end
			next, err := os.Open(r.log.path)
			if err != nil {
				return fmt.Errorf("opening the log: %w", err)
			}
			_ = f.Close()
			f, in, r.turned = next, bufio.NewReader(next), turned
			continue
		}
		if !r.want.Follow || closed {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// file copies a complete file, if there is one.
func (r *reader) file(path string) error {
	f, err := os.Open(path) //nolint:gosec // our own folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening the older log: %w", err)
	}
	defer func() { _ = f.Close() }()
	return r.entries(bufio.NewReader(f))
}

// entries copies whole entries until the end of the file. Entries are appended in one write, so a part is never seen.
func (r *reader) entries(in *bufio.Reader) error {
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the log: %w", err)
		}
		e, ok := parse(line)
		if !ok || (r.want.Stream != "" && e.stream != r.want.Stream) {
			continue
		}
		if err := r.print(e); err != nil {
			return err
		}
	}
}

func (r *reader) print(e entry) error {
	first := r.lineStart
	r.lineStart = e.full
	if r.skip > 0 {
		if e.full {
			r.skip--
		}
		return nil
	}
	if e.at.Before(r.want.Since) {
		return nil
	}
	text := e.text
	if r.want.Timestamps && first {
		text = append([]byte(e.at.Format(time.RFC3339Nano)+" "), text...)
	}
	if e.full {
		text = append(text, '\n')
	}
	if r.left >= 0 {
		text = text[:min(int64(len(text)), r.left)]
		r.left -= int64(len(text))
	}
	if _, err := r.out.Write(text); err != nil {
		return fmt.Errorf("sending the log: %w", err)
	}
	if r.left == 0 {
		return errEnough
	}
	return nil
}

// findTail counts the lines there are, so that all but the last ones can be skipped.
func (r *reader) findTail() error {
	if r.want.Tail == nil {
		return nil
	}
	var c lineCount
	for _, path := range []string{r.log.path + older, r.log.path} {
		if err := c.add(path, r.want.Stream); err != nil {
			return err
		}
	}
	r.skip = max(0, c.lines()-max(0, *r.want.Tail))
	return nil
}

// lineCount counts lines over files; one that has only begun counts too.
type lineCount struct {
	full  int64
	begun bool
}

func (c *lineCount) lines() int64 {
	if c.begun {
		return c.full + 1
	}
	return c.full
}

func (c *lineCount) add(path, stream string) error {
	f, err := os.Open(path) //nolint:gosec // our own folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	defer func() { _ = f.Close() }()
	in := bufio.NewReader(f)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return nil // the end; what cannot be read here is told by the reading that follows
		}
		e, ok := parse(line)
		if !ok || (stream != "" && e.stream != stream) {
			continue
		}
		c.begun = !e.full
		if e.full {
			c.full++
		}
	}
}

type entry struct {
	at     time.Time
	stream string
	full   bool
	text   []byte
}

// parse reads one entry with its newline.
func parse(line []byte) (entry, bool) {
	fields := bytes.SplitN(bytes.TrimSuffix(line, []byte{'\n'}), []byte{' '}, 4)
	if len(fields) != 4 {
		return entry{}, false
	}
	at, err := time.Parse(stamp, string(fields[0]))
	if err != nil {
		return entry{}, false
	}
	return entry{at: at, stream: string(fields[1]), full: string(fields[2]) == "F", text: fields[3]}, true
}
