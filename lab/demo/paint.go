package demo

import (
	"fmt"
	"io"
	"strings"
)

// painter shows a growing timeline: a live picture on a terminal, a line per
// change elsewhere.
type painter struct {
	out    io.Writer
	screen func() Screen
	before string // the last plain line without its time
	told   int    // how many notes the plain lines have told
}

func (p *painter) paint(t Timeline) error {
	s := p.screen()
	if s.Width > 0 {
		// Home, draw over what is there, clear what is left below: no flicker.
		_, err := fmt.Fprintf(p.out, "\x1b[H\x1b[J%s", Frame(t, s))
		return err
	}
	now := t.last()
	line := t.Words(now)
	if line == p.before {
		return nil
	}
	p.before = line
	why := ""
	if n := len(t.Notes); n > p.told {
		p.told, why = n, "  "+strings.Join(t.Notes[n-1].Why, "; ")
	}
	_, err := fmt.Fprintf(p.out, "  %s  %s%s\n", clock(now.At), line, why)
	return err
}
