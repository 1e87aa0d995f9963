package triggertest

import "testing"

// Level says how near a test's server is to the real one.
type Level string

// The levels, the strongest first.
const (
	// Real is the server itself, started for the test.
	Real Level = "real server"
	// Emulator is another implementation of the whole protocol, such as a queue of our own.
	Emulator Level = "emulator"
	// Recorded is a server that repeats answers in the shape that the vendor documents.
	Recorded Level = "recorded shape"
	// Stub is a stand-in for a port of ours, such as a cluster.
	Stub Level = "stub"
	// Alone is for a trigger that asks nobody: its tests show all there is.
	Alone Level = "asks nobody"
)

// The attributes that a test's evidence is noted under; the collector of the
// tools module reads them from the output of go test.
const (
	AttrKind  = "furl.evidence.kind"
	AttrLevel = "furl.evidence.level"
)

// Evidence notes that a test reads a kind at a level. It counts when the test
// passes; `go generate ./trigger/evidence` runs the tests and writes the table
// that the docs and furl triggers print, so neither can claim more. A test that
// may be skipped calls it before, so that a machine without the server keeps
// what another has shown.
func Evidence(t *testing.T, kind string, level Level) {
	t.Helper()
	t.Attr(AttrKind, kind)
	t.Attr(AttrLevel, string(level))
}
