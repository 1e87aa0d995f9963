package applet

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// amount reads "10", "1k" or "2m": a number of lines or bytes.
func amount(text string) (int64, error) {
	scale := int64(1)
	for suffix, n := range map[string]int64{"b": 512, "k": 1 << 10, "m": 1 << 20} {
		if rest, found := strings.CutSuffix(strings.ToLower(text), suffix); found {
			text, scale = rest, n
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > 1<<40 || n < -1<<40 {
		return 0, fmt.Errorf("invalid number '%s'", text)
	}
	return n * scale, nil
}

// part is what head and tail were asked for.
type part struct {
	count  int64
	bytes  bool
	signed bool // the number had a sign: all but the last n (head), from the nth on (tail)
	follow bool
	titles bool
	names  []string
}

func (c *Call) part(sign string) (part, bool) {
	// "-5" is the oldest form of "-n 5".
	if len(c.Args) > 0 && len(c.Args[0]) > 1 && c.Args[0][0] == '-' && strings.Trim(c.Args[0][1:], "0123456789") == "" {
		c.Args = append([]string{"-n", c.Args[0][1:]}, c.Args[1:]...)
	}
	o, names, fine := c.options("n:c:qvfFs:", "lines=>n", "bytes=>c", "follow>f", "quiet>q", "verbose>v")
	p := part{count: 10, names: names, follow: o.has("f") || o.has("F")}
	p.titles = (len(names) > 1 || o.has("v")) && !o.has("q")
	for _, letter := range []string{"n", "c"} {
		text, given := o.last(letter)
		if !given {
			continue
		}
		number, signed := strings.CutPrefix(text, sign)
		n, err := amount(strings.TrimPrefix(number, "-"))
		if err != nil {
			c.fail("%v", err)
			return part{}, false
		}
		p.count, p.bytes, p.signed = n, letter == "c", signed
	}
	return p, fine
}

func (c *Call) title(p part, name string, first *bool) {
	if p.titles {
		if !*first {
			c.print("\n")
		}
		c.print("==> ", name, " <==\n")
	}
	*first = false
}

func head(_ context.Context, c *Call) int {
	p, fine := c.part("-")
	if !fine {
		return failure
	}
	first := true
	return c.each(p.names, func(name string, r *bufio.Reader) error {
		c.title(p, name, &first)
		switch {
		case p.signed:
			return c.allBut(p, r)
		case p.bytes:
			_, err := io.CopyN(c.sink(), r, p.count)
			return ignoreEnd(err)
		}
		for range p.count {
			line, err := r.ReadString('\n')
			c.print(line)
			if err != nil {
				return ignoreEnd(err)
			}
		}
		return nil
	})
}

func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// most bounds what a command keeps in memory of one file.
const most = 64 << 20

var errTooLong = errors.New("more than 64 MiB must be kept in memory")

func all(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && len(text) > most {
		err = errTooLong
	}
	return text, err
}

func (c *Call) allBut(p part, r *bufio.Reader) error {
	text, err := all(r)
	if err != nil {
		return err
	}
	_, err = c.out.Write(text[:len(text)-lastBytes(text, p)])
	return err
}

// lastBytes says how many bytes at the end hold the last lines or bytes asked for.
func lastBytes(text []byte, p part) int {
	if p.bytes {
		return int(min(p.count, int64(len(text))))
	}
	end := len(bytes.TrimSuffix(text, []byte("\n")))
	for range p.count {
		if end < 0 {
			break
		}
		end = bytes.LastIndexByte(text[:max(end, 0)], '\n')
	}
	switch {
	case p.count == 0:
		return 0
	case end < 0:
		return len(text)
	}
	return len(text) - end - 1
}

func tail(ctx context.Context, c *Call) int {
	p, fine := c.part("+")
	if !fine {
		return failure
	}
	first := true
	status := c.each(p.names, func(name string, r *bufio.Reader) error {
		c.title(p, name, &first)
		if p.signed {
			return c.from(p, r)
		}
		text, err := all(r)
		if err != nil {
			return err
		}
		_, err = c.out.Write(text[len(text)-lastBytes(text, p):])
		return err
	})
	if p.follow && len(p.names) > 0 {
		return c.follow(ctx, p.names[len(p.names)-1])
	}
	return status
}

func (c *Call) from(p part, r *bufio.Reader) error {
	if p.bytes {
		if _, err := io.CopyN(io.Discard, r, max(p.count-1, 0)); err != nil {
			return ignoreEnd(err)
		}
	} else {
		for range max(p.count-1, 0) {
			if _, err := r.ReadString('\n'); err != nil {
				return ignoreEnd(err)
			}
		}
	}
	_, err := r.WriteTo(c.sink())
	return err
}

// follow prints what is added to a file until ctx ends; it looks once a second, as busybox does.
func (c *Call) follow(ctx context.Context, name string) int {
	file, err := c.host.Files.Open(c.Dir, name)
	if err != nil {
		return c.fail("can't open '%s': %s", name, reason(err))
	}
	defer file.Close() //nolint:errcheck // it was only read
	if at, err := file.Stat(); err == nil && at.Mode().IsRegular() {
		if _, err := file.Seek(0, io.SeekEnd); err != nil {
			return c.fail("%s: %s", name, reason(err))
		}
	}
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		if err := c.out.Flush(); err != nil {
			return brokenPipe
		}
		select {
		case <-ctx.Done():
			return ok
		case <-look.C:
		}
		if _, err := io.Copy(c.out, io.LimitReader(file, most)); err != nil {
			return c.fail("%s: %s", name, reason(err))
		}
	}
}

func wc(_ context.Context, c *Call) int {
	o, names, fine := c.options("clwmL")
	if !fine {
		return failure
	}
	wanted := func(letter string) bool { return o.has(letter) || (len(o) == 0 && letter != "m") }
	var total [4]int
	show := func(n [4]int, name string) {
		var columns []string
		for i, letter := range []string{"l", "w", "c", "m"} {
			if wanted(letter) {
				columns = append(columns, strconv.Itoa(n[i]))
			}
		}
		if name != "-" {
			columns = append(columns, name)
		}
		c.print(strings.Join(columns, " "), "\n")
	}
	status := c.each(names, func(name string, r *bufio.Reader) error {
		n, err := countAll(r)
		show(n, name)
		for i := range total {
			total[i] += n[i]
		}
		return err
	})
	if len(names) > 1 {
		show(total, "total")
	}
	return status
}

// countAll counts lines, words, bytes and characters.
func countAll(r *bufio.Reader) (n [4]int, err error) {
	inWord := false
	for {
		letter, size, err := r.ReadRune()
		if err != nil {
			return n, ignoreEnd(err)
		}
		n[2] += size
		n[3]++
		if letter == '\n' {
			n[0]++
		}
		blank := unicode.IsSpace(letter)
		if !blank && !inWord {
			n[1]++
		}
		inWord = !blank
	}
}

func uniq(_ context.Context, c *Call) int {
	o, names, fine := c.options("cdui")
	if !fine {
		return failure
	}
	last, seen := "", 0
	flush := func() {
		switch {
		case seen == 0, o.has("d") && seen == 1, o.has("u") && seen > 1:
		case o.has("c"):
			fmt.Fprintf(c.out, "%7d %s\n", seen, last)
		default:
			c.print(last, "\n")
		}
	}
	status := c.eachLine(names[:min(len(names), 1)], func(line string) error {
		if seen > 0 && (line == last || o.has("i") && strings.EqualFold(line, last)) {
			seen++
			return nil
		}
		flush()
		last, seen = line, 1
		return nil
	})
	flush()
	return status
}
