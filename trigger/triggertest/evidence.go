package triggertest

import (
	"testing"

	"github.com/furl-dev/furl/trigger/evidence"
)

// Evidence notes that a test reads a kind from a server of a level. It counts
// when the test passes, see [evidence.Of]. A test that is skipped where its
// server is missing calls it before, so that a machine without the server
// keeps what another has shown.
func Evidence(t *testing.T, kind string, level evidence.Level) {
	t.Helper()
	t.Attr(evidence.AttrKind, kind)
	t.Attr(evidence.AttrLevel, string(level))
}
