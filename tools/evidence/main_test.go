package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const output = `{"Action":"attr","Package":"github.com/furl-dev/furl/triggers/a","Test":"TestA","Key":"furl.evidence.kind","Value":"a"}
{"Action":"attr","Package":"github.com/furl-dev/furl/triggers/a","Test":"TestA","Key":"furl.evidence.level","Value":"stub"}
{"Action":"attr","Package":"github.com/furl-dev/furl/triggers/a","Test":"TestA","Key":"color","Value":"red"}
{"Action":"pass","Package":"github.com/furl-dev/furl/triggers/a","Test":"TestA"}
{"Action":"attr","Package":"github.com/furl-dev/furl/triggers/b","Test":"TestB","Key":"furl.evidence.kind","Value":"b"}
{"Action":"attr","Package":"github.com/furl-dev/furl/triggers/b","Test":"TestB","Key":"furl.evidence.level","Value":"real server"}
{"Action":"skip","Package":"github.com/furl-dev/furl/triggers/b","Test":"TestB"}
no JSON
`

func TestProofs_keeps_what_was_skipped_only_where_it_was_shown(t *testing.T) {
	s := &tests{attrs: map[name]map[string]string{}, result: map[name]string{}}
	if err := s.read(strings.NewReader(output)); err != nil {
		t.Fatal(err)
	}
	a, b := proof{"a", "stub", "triggers/a", "TestA"}, proof{"b", "real server", "triggers/b", "TestB"}
	for _, tc := range []struct {
		why           string
		earlier, want []proof
	}{
		{"nothing was shown", nil, []proof{a}},
		{"it was shown elsewhere", []proof{b}, []proof{a, b}},
		{"it was shown at another level", []proof{{"b", "stub", "triggers/b", "TestB"}}, []proof{a}},
	} {
		text, err := render(s.proofs(tc.earlier))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, parse(string(text)), cmp.AllowUnexported(proof{})); diff != "" {
			t.Errorf("%s: %s", tc.why, diff)
		}
	}
}
