// Package version says which Furl this is.
package version

import (
	"cmp"
	"runtime/debug"
)

// Stamp is the name that a build gives its version by:
// go build -ldflags "-X github.com/furl-dev/furl/internal/version.stamped=v1.2.3".
const Stamp = "github.com/furl-dev/furl/internal/version.stamped"

// stamped is a constant to the program: the linker writes it, see [Stamp].
//
//nolint:gochecknoglobals // the linker can write variables only
var stamped string

// String is the version that the build was given, else the module's, else the
// commit that it was built from.
func String() string {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return cmp.Or(stamped, "unknown")
	}
	return of(stamped, b)
}

func of(stamped string, b *debug.BuildInfo) string {
	switch v := b.Main.Version; {
	case stamped != "":
		return stamped
	case v != "" && v != "(devel)":
		return v
	}
	for _, s := range b.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}
