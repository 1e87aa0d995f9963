package applet

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// id prints numbers only: names of users are the host's, and a pod does not see them.
func id(ctx context.Context, c *Call) int {
	o, _, fine := c.options("ugGn")
	if !fine {
		return failure
	}
	uid, gid := os.Getuid(), os.Getgid()
	switch {
	case o.has("u") && o.has("n"):
		return whoami(ctx, c)
	case o.has("u"):
		fmt.Fprintln(c.out, uid)
	case o.has("g") || o.has("G"):
		fmt.Fprintln(c.out, gid)
	default:
		fmt.Fprintf(c.out, "uid=%d%s gid=%d%s\n", uid, rootName(uid), gid, rootName(gid))
	}
	return ok
}

func rootName(number int) string {
	if number == 0 {
		return "(root)"
	}
	return ""
}

func whoami(_ context.Context, c *Call) int {
	uid := os.Getuid()
	if uid != 0 {
		return c.fail("unknown uid %d", uid)
	}
	c.print("root\n")
	return ok
}

// hostname is the pod's name, which its environment says; the host's own name is not shown.
func hostname(_ context.Context, c *Call) int {
	c.print(cmp.Or(c.Getenv("HOSTNAME"), "localhost"), "\n")
	return ok
}

// uptime says how long the pod's first program runs, and the load that the kernel reports.
func uptime(_ context.Context, c *Call) int {
	now := c.host.Now()
	up := now.Sub(c.host.Started)
	text := fmt.Sprintf("%d min", int(up.Minutes()))
	if up >= time.Hour {
		text = fmt.Sprintf("%2d:%02d", int(up.Hours())%24, int(up.Minutes())%60)
	}
	if days := int(up.Hours()) / 24; days > 0 {
		text = fmt.Sprintf("%d days, %s", days, text)
	}
	fmt.Fprintf(c.out, " %s up %s,  0 users%s\n", now.Format("15:04:05"), text, load())
	return ok
}

// usage of CPU by this process.
type cpuTime struct{ user, system time.Duration }

func cpu() cpuTime {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return cpuTime{}
	}
	return cpuTime{time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())}
}
