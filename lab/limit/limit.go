// Package limit holds a container's processes to its share of CPU.
//
// A cgroup does it where one can be made. Elsewhere (an unprivileged user, a container, macOS) the processes
// are stopped and continued in turns, which costs nothing but smoothness: any program can be held that way.
package limit

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// period is the window in which a share is given out; the kernel's own default for cgroups.
const period = 100 * time.Millisecond

// minQuota is the least a cgroup accepts for a period.
const minQuota = time.Millisecond

// Members lists the processes that are held now.
type Members func() []int

// Quota holds one set of processes until it is closed.
type Quota interface {
	// Add puts a process, and what it will start, under the quota.
	Add(process int) error
	// Set changes the share, in cores.
	Set(cores float64) error
	// Close lets them run free.
	Close() error
}

// Limiter makes quotas in the best way this machine offers.
type Limiter struct {
	parent *group
	log    *slog.Logger
}

// Open looks for a cgroup hierarchy in which a folder of this name can be made. Without one the limiter
// stops and continues processes itself.
func Open(name string, log *slog.Logger) *Limiter {
	parent, err := findGroup("/proc/self", "/sys/fs/cgroup", name)
	if err != nil {
		log.Info("cpu_limits_by_signals", "reason", err.Error())
		return &Limiter{log: log}
	}
	log.Info("cpu_limits_by_cgroup", "folder", parent.folder)
	return &Limiter{parent: parent, log: log}
}

// Signals makes a limiter that uses no cgroup.
func Signals(log *slog.Logger) *Limiter { return &Limiter{log: log} }

// Folder is the cgroup folder that holds the quotas, empty when there is none.
func (l *Limiter) Folder() string {
	if l.parent == nil {
		return ""
	}
	return l.parent.folder
}

// CPU holds processes to a share of cores. The name is a file name, unique in this limiter.
func (l *Limiter) CPU(name string, cores float64, members Members) (Quota, error) {
	if cores <= 0 {
		return nil, fmt.Errorf("limiting the CPU of %s: %g cores is no share, use more than 0", name, cores)
	}
	if l.parent != nil {
		q, err := l.parent.child(name, cores)
		if err == nil {
			return q, nil
		}
		l.log.Warn("cgroup_not_made", "name", name, "error", err)
	}
	return startTurns(cores, members), nil
}

// Close removes the cgroup folder. Its quotas must be closed before.
func (l *Limiter) Close() error {
	if l.parent == nil {
		return nil
	}
	if err := os.Remove(l.parent.folder); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("removing cgroup %s: %w", l.parent.folder, err)
	}
	return nil
}

// group is a cgroup folder that may have children with a quota.
type group struct {
	folder string
	second bool // cgroup version 2
}

// findGroup makes folder name in the first hierarchy that has a CPU controller and lets us.
func findGroup(self, mount, name string) (*group, error) {
	text, err := os.ReadFile(filepath.Join(self, "cgroup")) //nolint:gosec // the kernel's own file
	if err != nil {
		return nil, fmt.Errorf("no cgroups here: %w", err)
	}
	reasons := []error{errors.New("no CPU cgroup can be made")}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		for _, g := range candidates(mount, fields[1], fields[2]) {
			made, err := g.try(name)
			if err == nil {
				return made, nil
			}
			reasons = append(reasons, err)
		}
	}
	return nil, errors.Join(reasons...)
}

// candidates are the folders to try for one line of /proc/self/cgroup. In version 2 a cgroup with processes has no
// children with controllers, so beside our own cgroup its parent is asked (a delegated systemd slice).
func candidates(mount, controllers, path string) []group {
	if controllers == "" {
		own := filepath.Join(mount, path)
		return []group{{folder: own, second: true}, {folder: filepath.Dir(own), second: true}}
	}
	for c := range strings.SplitSeq(controllers, ",") {
		if c == "cpu" {
			return []group{
				{folder: filepath.Join(mount, controllers, path)},
				{folder: filepath.Join(mount, "cpu", path)},
			}
		}
	}
	return nil
}

// try makes the child that will hold the quotas, and one in it to see that it can bear a limit.
func (g group) try(name string) (*group, error) {
	made := &group{folder: filepath.Join(g.folder, name), second: g.second}
	if err := os.Mkdir(made.folder, 0o755); err != nil && !errors.Is(err, os.ErrExist) { //nolint:gosec // as cgroups are
		return nil, err
	}
	err := made.enable()
	if err == nil {
		var probe *cgroup
		if probe, err = made.child("probe", 1); err == nil {
			err = probe.Close()
		}
	}
	if err != nil {
		_ = os.Remove(made.folder)
		return nil, err
	}
	return made, nil
}

// enable passes the CPU controller on to the children; version 1 does so by itself.
func (g *group) enable() error {
	if !g.second {
		return nil
	}
	return write(filepath.Join(g.folder, "cgroup.subtree_control"), "+cpu")
}

// child makes a cgroup with a quota.
func (g *group) child(name string, cores float64) (*cgroup, error) {
	c := &cgroup{folder: filepath.Join(g.folder, name), second: g.second}
	if err := os.Mkdir(c.folder, 0o755); err != nil && !errors.Is(err, os.ErrExist) { //nolint:gosec // as cgroups are
		return nil, fmt.Errorf("making cgroup %s: %w", name, err)
	}
	if err := c.Set(cores); err != nil {
		_ = os.Remove(c.folder)
		return nil, err
	}
	return c, nil
}

// cgroup is a quota that the kernel keeps.
type cgroup struct {
	folder string
	second bool
}

func (c *cgroup) Set(cores float64) error {
	quota := max(time.Duration(cores*float64(period)), minQuota)
	var err error
	if c.second {
		err = write(filepath.Join(c.folder, "cpu.max"), fmt.Sprintf("%d %d", quota.Microseconds(), period.Microseconds()))
	} else {
		err = errors.Join(
			write(filepath.Join(c.folder, "cpu.cfs_period_us"), fmt.Sprint(period.Microseconds())),
			write(filepath.Join(c.folder, "cpu.cfs_quota_us"), fmt.Sprint(quota.Microseconds())),
		)
	}
	if err != nil {
		return fmt.Errorf("setting the quota of cgroup %s: %w", filepath.Base(c.folder), err)
	}
	return nil
}

func (c *cgroup) Add(process int) error {
	if err := write(filepath.Join(c.folder, "cgroup.procs"), fmt.Sprint(process)); err != nil {
		return fmt.Errorf("putting process %d under its quota: %w", process, err)
	}
	return nil
}

// closeRounds bounds the wait for processes that are dead but not yet collected: 1 s.
const closeRounds = 100

// Close removes the cgroup; processes in it go to its parent's parent first.
func (c *cgroup) Close() error {
	up := filepath.Join(filepath.Dir(filepath.Dir(c.folder)), "cgroup.procs")
	var err error
	for range closeRounds {
		procs, _ := os.ReadFile(filepath.Join(c.folder, "cgroup.procs"))
		for p := range strings.FieldsSeq(string(procs)) {
			_ = write(up, p)
		}
		if err = os.Remove(c.folder); err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("removing cgroup: %w", err)
}

// write sets a control file, which must exist: a hierarchy without it has no such controller.
func write(path, value string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0) //nolint:gosec // a control file of our cgroup
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}
