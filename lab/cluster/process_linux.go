package cluster

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// startOf returns field 22 of /proc/PID/stat: clock ticks between boot and the start of the process. A zombie counts as
// gone: it runs no more, only its parent has not looked yet.
func startOf(pid int) (string, error) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", err
	}
	// The second field is the name in parentheses, which may hold spaces and parentheses itself.
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return "", fmt.Errorf("unexpected content %q", stat)
	}
	fields := strings.Fields(string(stat[end+1:]))
	const state, starttime = 0, 19 // fields 3 and 22, counted from the one after the name
	if len(fields) <= starttime {
		return "", fmt.Errorf("unexpected content %q", stat)
	}
	if s := fields[state]; s == "Z" || s == "X" {
		return "", os.ErrProcessDone
	}
	return fields[starttime], nil
}

// residentBytes returns how much memory a process holds, of which anonymous is its own and the rest is mapped files.
func residentBytes(pid int) (total, anonymous int64) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "VmRSS":
			total = kib << 10
		case "RssAnon":
			anonymous = kib << 10
		}
	}
	return total, anonymous
}

// diesWithParent has the system kill a child as soon as the thread that started it ends.
func diesWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
