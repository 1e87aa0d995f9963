package applet

import (
	"io/fs"
	"syscall"
)

// owner gives a file's links, user and group; a file system that does not know says one link of root's.
func owner(at fs.FileInfo) (links uint64, uid, gid uint32) {
	stat, known := at.Sys().(*syscall.Stat_t)
	if !known {
		return 1, 0, 0
	}
	return uint64(stat.Nlink), stat.Uid, stat.Gid //nolint:unconvert // Nlink has another width on other systems
}
