package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// ticks is how often Linux counts in a second what it tells of processes, on every machine that Go runs on.
const ticks = 100

// process is one by its number.
type process int

// spent is what a process has cost and what it holds.
type spent struct {
	cpu     time.Duration // by itself and for it by the kernel
	rssAnon int64         // bytes of its own memory
}

// spent reads what the process has taken so far.
func (p process) spent() (spent, error) {
	_, cpu, err := p.stat()
	if err != nil {
		return spent{}, err
	}
	status, err := p.read("status")
	if err != nil {
		return spent{}, err
	}
	anon, err := rssAnon(string(status))
	return spent{cpu: cpu, rssAnon: anon}, err
}

// started is when the process began, to a hundredth of a second.
func (p process) started(now time.Time) (time.Time, error) {
	began, _, err := p.stat()
	if err != nil {
		return time.Time{}, err
	}
	raw, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return time.Time{}, fmt.Errorf("read since when the machine is up: %w", err)
	}
	up, _, _ := strings.Cut(string(raw), " ")
	s, err := strconv.ParseFloat(up, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("read since when the machine is up: %w", err)
	}
	return now.Add(began - time.Duration(s*float64(time.Second))), nil
}

func (p process) stat() (began, cpu time.Duration, err error) {
	raw, err := p.read("stat")
	if err != nil {
		return 0, 0, err
	}
	return parseStat(raw)
}

func (p process) read(file string) ([]byte, error) {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(int(p)) + "/" + file) //nolint:gosec // the kernel's own
	if err != nil {
		return nil, fmt.Errorf("what process %d takes is known on Linux while it runs: %w", p, err)
	}
	return raw, nil
}

// parseStat reads /proc/PID/stat: when the process began, since the machine did, and what CPU it has used.
func parseStat(raw []byte) (began, cpu time.Duration, err error) {
	// The second field is the name in parentheses, which may hold spaces and parentheses itself.
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	const utime, stime, starttime = 11, 12, 19 // fields 14, 15 and 22, counted from the one after the name
	if len(fields) <= starttime {
		return 0, 0, fmt.Errorf("the system tells of a process %q, which has too few fields", raw)
	}
	var n [3]time.Duration
	for i, at := range []int{utime, stime, starttime} {
		v, err := strconv.ParseInt(fields[at], 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("the system tells of a process %q: %w", raw, err)
		}
		n[i] = time.Duration(v) * time.Second / ticks
	}
	return n[2], n[0] + n[1], nil
}

// rssAnon reads /proc/PID/status.
func rssAnon(status string) (int64, error) {
	for line := range strings.Lines(status) {
		if value, is := strings.CutPrefix(line, "RssAnon:"); is {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("the system tells of a process's memory %q: %w", line, err)
			}
			return kib << 10, nil
		}
	}
	return 0, fmt.Errorf("the system does not tell how much memory is a process's own: %q", status)
}
