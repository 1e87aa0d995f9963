package confine

import (
	"io/fs"
	"os"
	"syscall"
)

// Allowed says whether this process may do with a file what the bits ask: 4 read, 2 write, 1 execute.
func Allowed(at fs.FileInfo, bits fs.FileMode) bool {
	mode := at.Mode().Perm()
	switch {
	case os.Geteuid() == 0:
		return bits&1 == 0 || at.IsDir() || mode&0o111 != 0
	case Owned(at, false):
		mode >>= 6
	case Owned(at, true):
		mode >>= 3
	}
	return mode&bits == bits
}

// Owned says whether a file belongs to the user of this process, or to its group.
func Owned(at fs.FileInfo, group bool) bool {
	stat, known := at.Sys().(*syscall.Stat_t)
	switch {
	case !known:
		return false
	case group:
		return int(stat.Gid) == os.Getegid()
	}
	return int(stat.Uid) == os.Geteuid()
}
