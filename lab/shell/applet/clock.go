package applet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// period reads "1.5", "10m", "2h", "1d" or "infinity".
func period(text string) (time.Duration, error) {
	if text == "infinity" || text == "inf" {
		return math.MaxInt64, nil
	}
	scale := time.Second
	for suffix, n := range map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour} {
		if rest, found := strings.CutSuffix(text, suffix); found {
			text, scale = rest, n
			break
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 0 || math.IsNaN(n) {
		return 0, fmt.Errorf("invalid number '%s'", text)
	}
	if n*float64(scale) >= math.MaxInt64 {
		return math.MaxInt64, nil
	}
	return time.Duration(n * float64(scale)), nil
}

// wait lets a while pass; it says false when ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func sleep(ctx context.Context, c *Call) int {
	if len(c.Args) == 0 {
		return c.fail("give a number of seconds")
	}
	var total time.Duration
	for _, word := range c.Args {
		d, err := period(word)
		if err != nil {
			return c.fail("%v", err)
		}
		if total += d; total < 0 {
			total = math.MaxInt64
		}
	}
	if !wait(ctx, total) {
		return failure
	}
	return ok
}

func usleep(ctx context.Context, c *Call) int {
	if len(c.Args) != 1 {
		return c.fail("give a number of microseconds")
	}
	n, err := strconv.ParseInt(c.Args[0], 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/1000 {
		return c.fail("invalid number '%s'", c.Args[0])
	}
	if !wait(ctx, time.Duration(n)*time.Microsecond) {
		return failure
	}
	return ok
}

// pause does nothing until it is told to end; it stands for the image of the same name.
func pause(ctx context.Context, _ *Call) int {
	<-ctx.Done()
	return ok
}

// timed runs a command and says how long it took, as busybox writes it.
func timed(ctx context.Context, c *Call) int {
	o, words, fine := c.options("+pv")
	if !fine || len(words) == 0 {
		return failure
	}
	start := Began(c.host.Now())
	status := c.Run(ctx, *c, words)
	if o.has("p") {
		start.Took(c.Stderr, c.host.Now(), Posix)
	} else {
		start.Took(c.Stderr, c.host.Now(), Busybox)
	}
	return status
}

// Stopwatch holds the time and the CPU time of this program at one moment.
type Stopwatch struct {
	at  time.Time
	cpu cpuTime
}

// Began starts a stopwatch at a moment.
func Began(at time.Time) Stopwatch { return Stopwatch{at, cpu()} }

// Took prints what went by since: a line each for the clock, for CPU time of the program and for that of the kernel.
func (s Stopwatch) Took(w io.Writer, at time.Time, layout func(title string, d time.Duration) string) {
	now := cpu()
	fmt.Fprint(w, layout("real", at.Sub(s.at)), layout("user", now.user-s.cpu.user), layout("sys", now.system-s.cpu.system))
}

// Busybox is the layout of time.
func Busybox(title string, d time.Duration) string {
	return fmt.Sprintf("%s\t%dm %.2fs\n", title, int(d.Minutes()), math.Mod(d.Seconds(), 60))
}

// Posix is the layout of time -p.
func Posix(title string, d time.Duration) string {
	return fmt.Sprintf("%s %.2f\n", title, d.Seconds())
}

// errTimeout ends a command that timeout runs.
var errTimeout = errors.New("timeout")

// timeout ends a command after a while; its status is then 143, as when busybox ends it with TERM.
func timeout(ctx context.Context, c *Call) int {
	_, words, fine := c.options("+s:k:")
	if !fine || len(words) < 2 {
		return c.fail("give SECS and a COMMAND")
	}
	d, err := period(words[0])
	if err != nil {
		return c.fail("%v", err)
	}
	limited, cancel := context.WithTimeoutCause(ctx, d, errTimeout)
	defer cancel()
	status := c.Run(limited, *c, words[1:])
	if errors.Is(context.Cause(limited), errTimeout) {
		return 143
	}
	return status
}

func date(_ context.Context, c *Call) int {
	o, words, fine := c.options("ud:RI::D:", "utc>u", "date=>d", "rfc-2822>R")
	if !fine {
		return failure
	}
	at := c.host.Now()
	if text, given := o.last("d"); given {
		var err error
		if at, err = instant(text, at); err != nil {
			return c.fail("%v", err)
		}
	}
	if o.has("u") {
		at = at.UTC()
	}
	format := "%a %b %e %H:%M:%S %Z %Y"
	switch {
	case len(words) == 1 && strings.HasPrefix(words[0], "+"):
		format = words[0][1:]
	case len(words) > 0:
		return c.fail("invalid date '%s'", words[0])
	case o.has("R"):
		format = "%a, %d %b %Y %H:%M:%S %z"
	case o.has("I"):
		format = "%Y-%m-%d"
		if spec, _ := o.last("I"); spec == "seconds" {
			format = "%Y-%m-%dT%H:%M:%S%z"
		}
	}
	c.print(strftime(format, at), "\n")
	return ok
}

// instant reads the forms of date -d that scripts use.
func instant(text string, now time.Time) (time.Time, error) {
	if seconds, found := strings.CutPrefix(text, "@"); found {
		n, err := strconv.ParseInt(seconds, 10, 64)
		if err == nil {
			return time.Unix(n, 0).In(now.Location()), nil
		}
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", time.RFC3339, "15:04:05", "15:04"} {
		at, err := time.ParseInLocation(layout, text, now.Location())
		if err != nil {
			continue
		}
		if at.Year() == 0 {
			at = time.Date(now.Year(), now.Month(), now.Day(), at.Hour(), at.Minute(), at.Second(), 0, now.Location())
		}
		return at, nil
	}
	return time.Time{}, fmt.Errorf("invalid date '%s'", text)
}

// strftime writes an instant by C's conversions.
func strftime(format string, at time.Time) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		b.WriteString(conversion(format[i], at))
	}
	return b.String()
}

func conversion(letter byte, at time.Time) string {
	layouts := map[byte]string{
		'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
		'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'Z': "MST", 'z': "-0700",
		'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04", 'D': "01/02/06", 'c': "Mon Jan _2 15:04:05 2006", 'x': "01/02/06",
		'X': "15:04:05", 'r': "03:04:05 PM",
	}
	if layout, known := layouts[letter]; known {
		return at.Format(layout)
	}
	switch letter {
	case 's':
		return strconv.FormatInt(at.Unix(), 10)
	case 'N':
		return fmt.Sprintf("%09d", at.Nanosecond())
	case 'j':
		return fmt.Sprintf("%03d", at.YearDay())
	case 'u':
		return strconv.Itoa((int(at.Weekday())+6)%7 + 1)
	case 'w':
		return strconv.Itoa(int(at.Weekday()))
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case '%':
		return "%"
	}
	return "%" + string(letter)
}
