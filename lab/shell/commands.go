package shell

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/furl-dev/furl/lab/shell/applet"
)

// which says where a busybox image would have a command.
func (s *Shell) which(_ context.Context, c *applet.Call) int {
	status := 0
	for _, name := range c.Args {
		if _, found := s.host.Find(name); !found {
			status = 1
			continue
		}
		fmt.Fprintln(c.Stdout, "/bin/"+path.Base(name))
	}
	return status
}

// busybox runs the command that its first argument names, or lists the commands.
func (s *Shell) busybox(ctx context.Context, c *applet.Call) int {
	if len(c.Args) > 0 && c.Args[0] != "--list" && c.Args[0] != "--help" {
		return s.runWords(ctx, *c, c.Args)
	}
	_, err := io.WriteString(c.Stdout, strings.Join(s.host.Names(), "\n")+"\n")
	if err != nil {
		return 1
	}
	return 0
}

// ps lists the shell's own processes; those of the host are not seen.
func (s *Shell) ps(_ context.Context, c *applet.Call) int {
	fmt.Fprintln(c.Stdout, "PID   TIME  COMMAND")
	for _, p := range s.table.list(0) {
		if p.over() {
			continue
		}
		age := s.o.Now().Sub(p.started)
		fmt.Fprintf(c.Stdout, "%5d %2d:%02d %s\n", p.pid, int(age.Minutes()), int(age.Seconds())%60, p.command)
	}
	return 0
}

// kill gives signals to processes of this shell; those of the host are out of reach.
func (s *Shell) kill(ctx context.Context, c *applet.Call) int {
	signal, args := "TERM", c.Args
	switch {
	case len(args) > 0 && args[0] == "-l":
		names := signals()
		list := make([]string, 0, len(names))
		for name := range names {
			list = append(list, name)
		}
		slices.SortFunc(list, func(a, b string) int { return cmp.Compare(names[a], names[b]) })
		fmt.Fprintln(c.Stdout, strings.Join(list, " "))
		return 0
	case len(args) > 1 && args[0] == "-s":
		signal, args = args[1], args[2:]
	case len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-':
		signal, args = args[0][1:], args[1:]
	}
	name, known := signalName(signal)
	if !known && signal != "0" {
		fmt.Fprintf(c.Stderr, "kill: bad signal name '%s'\n", signal)
		return 1
	}
	status := 0
	for _, word := range args {
		p, err := s.victim(processOf(ctx), word)
		switch {
		case err != nil:
			fmt.Fprintf(c.Stderr, "kill: %v\n", err)
			status = 1
		case signal != "0":
			p.deliver(name)
		}
	}
	return status
}

func (s *Shell) victim(self *process, word string) (*process, error) {
	if text, byJob := strings.CutPrefix(word, "%"); byJob && self != nil {
		children := s.table.list(self.pid)
		if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(children) {
			return children[n-1], nil
		}
		return nil, fmt.Errorf("%s: no such job", word)
	}
	pid, err := strconv.Atoi(word)
	if err != nil {
		return nil, fmt.Errorf("bad pid '%s'", word)
	}
	p := s.table.find(pid)
	if p == nil || p.over() {
		return nil, fmt.Errorf("can't kill pid %d: No such process", pid)
	}
	return p, nil
}
