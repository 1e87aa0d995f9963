package applet

import (
	"regexp"
	"testing"
)

func TestTranslatePattern(t *testing.T) {
	tests := []struct {
		why           string
		pattern       string
		extended      bool
		match, differ string
	}{
		{"basic parentheses are letters", "a(b)+", false, "a(b)+", "ab"},
		{"basic groups need backslashes", `\(ab\)\{2\}`, false, "abab", "ab"},
		{"extended ones do not", "(ab){2}", true, "abab", "(ab){2}"},
		{"a star at the start is a letter", "*a", false, "*a", "b"},
		{"and after the anchor", "^*a", false, "*a", "xa"},
		{"a bracket in a set", "[]a]b", false, "]b", "xb"},
		{"a backslash in a set is a letter", `[\d]`, false, `\`, "1"},
		{"classes", "[[:digit:]x]y", false, "5y", "ay"},
		{"an open bracket is a letter", "a[b", false, "a[b", "ab"},
		{"ends of words", `\<ab\>`, false, "x ab y", "cab"},
		{"alternatives", `a\|b`, false, "b", "c"},
		{"a dot that is a dot", `a\.b`, false, "a.b", "axb"},
	}
	for _, test := range tests {
		text, err := translatePattern(test.pattern, test.extended)
		if err != nil {
			t.Errorf("%s: %v", test.why, err)
			continue
		}
		re, err := regexp.Compile(text)
		if err != nil {
			t.Errorf("%s: %v", test.why, err)
			continue
		}
		if !re.MatchString(test.match) || re.MatchString(test.differ) {
			t.Errorf("%s: %q became %q; matches %q %v, %q %v", test.why, test.pattern, text, test.match, re.MatchString(test.match), test.differ, re.MatchString(test.differ))
		}
	}
}

func FuzzTranslatePattern_never_panics(f *testing.F) {
	for _, seed := range []string{`\(a\)\{1,2\}`, "[[:alpha:]", "a**", `\`, "[^]]", "(?i)x"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(_ *testing.T, pattern string, extended bool) {
		_, _ = dialect{extended: extended}.compile(pattern)
		s := script{d: dialect{extended: extended}}
		_, _ = s.parse("s/" + pattern + "/x/;" + pattern)
	})
}
