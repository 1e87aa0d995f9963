package process

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the kernel's unit in /proc/PID/stat: USER_HZ is 100 on every platform that Go runs on.
const tick = 10 * time.Millisecond

// readTable reads /proc once. A process that ends meanwhile is left out.
func readTable() (Table, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("reading the process table: %w", err)
	}
	defer func() { _ = dir.Close() }()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("reading the process table: %w", err)
	}
	table := Table{}
	var buf [1024]byte
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		line, err := readShort("/proc/"+name+"/stat", buf[:])
		if err != nil {
			continue
		}
		if p, session, ok := parseStat(line); ok {
			table[session] = append(table[session], p)
		}
	}
	return table, nil
}

// readShort reads a small file without the cost of an os.File: a scan reads one a process.
func readShort(path string, buf []byte) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	n, err := unix.Read(fd, buf)
	_ = unix.Close(fd)
	if err != nil {
		return nil, err
	}
	return buf[:n], nil
}

// parseStat reads "pid (name) state ppid pgrp session …". The name may hold spaces and brackets.
func parseStat(line []byte) (p Proc, session int, ok bool) {
	open, shut := bytes.IndexByte(line, '('), bytes.LastIndexByte(line, ')')
	if open < 1 || shut < open || shut+2 >= len(line) {
		return Proc{}, 0, false
	}
	id, err := strconv.Atoi(strings.TrimSpace(string(line[:open])))
	if err != nil {
		return Proc{}, 0, false
	}
	const wanted = 20 // fields 3 to 22 of proc_pid_stat(5)
	var n [wanted]uint64
	rest := line[shut+2:]
	state := rest[0]
	for i := range n {
		field, tail, more := bytes.Cut(rest, []byte{' '})
		n[i] = digits(field)
		if !more && i < wanted-1 {
			return Proc{}, 0, false
		}
		rest = tail
	}
	ticks := n[11] + n[12] + n[13] + n[14] // utime, stime, cutime, cstime
	return Proc{
		ID: id, Parent: int(n[1]), State: state, //nolint:gosec // process ids fit
		CPU: time.Duration(ticks) * tick, start: n[19], //nolint:gosec // centuries of CPU time
	}, int(n[3]), true //nolint:gosec // session ids fit
}

// digits reads a number; fields that are none, or negative, count as 0.
func digits(b []byte) uint64 {
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + uint64(c-'0')
	}
	return n
}

// startTicks is when a process started, which with its id and the boot names it for good. 0: it is gone.
func startTicks(id int) uint64 {
	var buf [1024]byte
	line, err := readShort(fmt.Sprintf("/proc/%d/stat", id), buf[:])
	if err != nil {
		return 0
	}
	p, _, _ := parseStat(line)
	return p.start
}

// bootID names this boot of the machine.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// Memory is what a process holds and shares with no file, its own pages and shared memory, and what of it is
// swapped out. Both in bytes.
func Memory(id int) (resident, swapped int64) {
	var buf [4096]byte
	text, err := readShort(fmt.Sprintf("/proc/%d/status", id), buf[:])
	if err != nil {
		return 0, 0
	}
	return kilobytes(text, "\nRssAnon:") + kilobytes(text, "\nRssShmem:"), kilobytes(text, "\nVmSwap:")
}

func kilobytes(text []byte, key string) int64 {
	_, rest, ok := bytes.Cut(text, []byte(key))
	if !ok {
		return 0
	}
	value, _, _ := bytes.Cut(bytes.TrimLeft(rest, " \t"), []byte{' '})
	return int64(digits(value)) * 1024 //nolint:gosec // memory fits
}
