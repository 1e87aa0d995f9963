// Package evidence says which tests have read each trigger, and how near their
// servers are to the real ones. Nobody writes its table: it is collected from
// tests that passed, so docs and commands cannot claim more than was shown. The
// lines that generate it are in cli, where the pages that print it are made.
package evidence

import (
	"cmp"
	"slices"
)

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
	// None is for a trigger that no suite has read.
	None Level = "none"
)

// Levels returns them all, the strongest first.
func Levels() []Level { return []Level{Real, Emulator, Recorded, Stub, Alone, None} }

// Proof is one test that read a trigger and passed.
type Proof struct {
	Kind    string `json:"-"`
	Level   Level  `json:"level"`
	Package string `json:"package"`
	Test    string `json:"test"`
}

// Of returns what was shown of a kind, the strongest first.
func Of(kind string) []Proof {
	all := slices.DeleteFunc(table(), func(p Proof) bool { return p.Kind != kind })
	slices.SortStableFunc(all, func(a, b Proof) int {
		return cmp.Compare(slices.Index(Levels(), a.Level), slices.Index(Levels(), b.Level))
	})
	return all
}

// Best returns the strongest level that was shown of a kind.
func Best(kind string) Level {
	if all := Of(kind); len(all) > 0 {
		return all[0].Level
	}
	return None
}

// The attributes of a test (testing.T.Attr) under which the collector, in
// tools/evidence, finds what it shows.
const (
	AttrKind  = "furl.evidence.kind"
	AttrLevel = "furl.evidence.level"
)
