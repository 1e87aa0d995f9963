package applet

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// grep prints the lines that match; its status is 1 when none does and 2 after a mistake.
func grep(_ context.Context, c *Call) int {
	o, words, fine := c.options("ivcqnEFolwxe:hHsrm:a", "ignore-case>i", "invert-match>v", "count>c", "quiet>q", "color")
	if !fine {
		return usage
	}
	patterns := o["e"]
	if len(patterns) == 0 {
		if len(words) == 0 {
			c.fail("give a PATTERN")
			return usage
		}
		patterns, words = words[:1], words[1:]
	}
	s := search{call: c, o: o, limit: -1, titles: (len(words) > 1 || o.has("r") || o.has("H")) && !o.has("h")}
	d := dialect{extended: o.has("E"), fixed: o.has("F"), fold: o.has("i"), word: o.has("w"), line: o.has("x")}
	for pattern := range strings.SplitSeq(strings.Join(patterns, "\n"), "\n") {
		re, err := d.compile(pattern)
		if err != nil {
			c.fail("%v", err)
			return usage
		}
		s.patterns = append(s.patterns, re)
	}
	if text, given := o.last("m"); given {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			c.fail("invalid number '%s'", text)
			return usage
		}
		s.limit = n
	}
	if o.has("r") {
		words = c.below(words)
	}
	mistakes := c.each(words, s.file)
	switch {
	case s.found && (o.has("q") || mistakes == ok):
		return ok
	case mistakes != ok:
		return usage
	case s.found:
		return ok
	}
	return failure
}

// below gives the files in folders, for grep -r.
func (c *Call) below(names []string) []string {
	if len(names) == 0 {
		names = []string{"."}
	}
	var files []string
	for _, name := range names {
		at, err := c.host.Files.Stat(c.Dir, name)
		if err != nil || !at.IsDir() {
			files = append(files, name)
			continue
		}
		entries, err := c.host.Files.ReadDir(c.Dir, name)
		if err != nil {
			c.fail("%s: %s", name, reason(err))
			continue
		}
		for _, entry := range entries {
			inner := path.Join(name, entry.Name())
			switch {
			case entry.IsDir():
				files = append(files, c.below([]string{inner})...)
			case entry.Type()&fs.ModeSymlink == 0:
				files = append(files, inner)
			}
		}
	}
	return files
}

type search struct {
	call     *Call
	o        options
	patterns []*regexp.Regexp
	titles   bool
	limit    int // lines a file; below zero is no limit
	found    bool
}

func (s *search) file(name string, r *bufio.Reader) error {
	title := ""
	shown := name
	if name == "-" {
		shown = "(standard input)"
	}
	if s.titles {
		title = shown + ":"
	}
	matches := 0
	for number, in := 1, (lines{r}); matches != s.limit; number++ {
		line, more, err := in.next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if s.matches(line) == s.o.has("v") {
			continue
		}
		matches++
		s.found = true
		switch {
		case s.o.has("q"):
			return errEnough
		case s.o.has("l"):
			s.call.print(shown, "\n")
			return nil
		case !s.o.has("c"):
			s.show(title, number, line)
		}
	}
	if s.o.has("c") {
		_, err := fmt.Fprintf(s.call.out, "%s%d\n", title, matches)
		return err
	}
	return nil
}

func (s *search) matches(line string) bool {
	for _, re := range s.patterns {
		if re.MatchString(line) {
			return true
		}
	}
	return false
}

func (s *search) show(title string, number int, line string) {
	if s.o.has("n") {
		title += strconv.Itoa(number) + ":"
	}
	if !s.o.has("o") || s.o.has("v") {
		s.call.print(title, line, "\n")
		return
	}
	for _, re := range s.patterns {
		for _, match := range re.FindAllString(line, -1) {
			if match != "" {
				s.call.print(title, match, "\n")
			}
		}
	}
}
