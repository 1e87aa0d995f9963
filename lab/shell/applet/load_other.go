//go:build !linux

package applet

// load says nothing where the kernel has no call for it.
func load() string { return "" }
