package e2e

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// loose is a text of a sample that may be another: within two numbers, or anything.
//
//	<!-- 250 is 100..250, x7k2p is any -->
type loose struct {
	sample   string
	from, to int // both 0: any word
}

func looseOf(list string) ([]loose, error) {
	var all []loose
	for one := range strings.SplitSeq(list, ", ") {
		sample, bounds, ok := strings.Cut(one, " is ")
		if !ok || sample == "" {
			return nil, fmt.Errorf("%q: say SAMPLE is FROM..TO, or SAMPLE is any", one)
		}
		l := loose{sample: sample}
		if bounds != "any" {
			if n, err := fmt.Sscanf(bounds, "%d..%d", &l.from, &l.to); n != 2 || err != nil || l.to <= l.from {
				return nil, fmt.Errorf("%q: %q is no range FROM..TO", one, bounds)
			}
		}
		all = append(all, l)
	}
	return all, nil
}

// What is another at each run and needs no word in the page: ages, clocks, names that Kubernetes makes up.
var alwaysLoose = []string{`\d+(?:\.\d+)?[smhd](?:\d+[smh])?`, `\d\d:\d\d:\d\d`, `[0-9a-f]{8,10}-[0-9a-z]{5}`}

// pattern is a line of a sample as what may be printed in its place, with the bounds of its groups in order.
func pattern(sample string, ls []loose) (*regexp.Regexp, []loose, error) {
	var b strings.Builder
	var bounds []loose
	sample, open := strings.CutSuffix(sample, "...") // and so on
	rest, inWord := strings.Join(strings.Fields(sample), " "), false
	for rest != "" {
		taken := ""
		if !inWord {
			taken = always(&b, rest)
			for _, l := range ls {
				if taken == "" && begins(rest, l.sample) {
					taken = l.sample
					bounds = append(bounds, l)
					b.WriteString(map[bool]string{true: `(\S+?)`, false: `(\d+)`}[l.to == 0])
				}
			}
		}
		if taken == "" {
			taken = rest[:1]
			b.WriteString(regexp.QuoteMeta(taken))
		}
		inWord = isWord(taken[len(taken)-1])
		rest = rest[len(taken):]
	}
	expr, err := regexp.Compile("^" + b.String() + map[bool]string{true: "", false: "$"}[open])
	return expr, bounds, err
}

// always writes what stands for the beginning of a text that is loose everywhere, and returns that beginning.
func always(b *strings.Builder, text string) string {
	for _, a := range alwaysLoose {
		if found := regexp.MustCompile(`^` + a + `\b`).FindString(text); found != "" {
			b.WriteString(a)
			return found
		}
	}
	return ""
}

// begins: a text begins with a word, and the word ends there.
func begins(text, word string) bool {
	after, ok := strings.CutPrefix(text, word)
	return ok && (after == "" || !isWord(after[0]) || !isWord(word[len(word)-1]))
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// fits says whether a printed line is what a line of the sample shows.
func fits(sample, printed string, ls []loose) (bool, error) {
	expr, bounds, err := pattern(sample, ls)
	if err != nil {
		return false, err
	}
	m := expr.FindStringSubmatch(strings.Join(strings.Fields(printed), " "))
	if m == nil {
		return false, nil
	}
	for i, l := range bounds {
		if l.to == 0 {
			continue
		}
		n, err := strconv.Atoi(m[i+1])
		if isNumber := err == nil; !isNumber || n < l.from || n > l.to {
			return false, nil
		}
	}
	return true, nil
}

// differs compares what was printed with the sample, line by line. A line ... of the sample stands for any number of
// lines. In a terminal that goes on printing, the lines of the sample must come in their order, among others; rest are
// those after them.
func differs(sample string, printed []string, ls []loose, among bool) (rest []string, err error) {
	want, got := linesOf(sample), printed
	skip := among
	for i, line := range want {
		if line == "..." {
			skip = true
			continue
		}
		found := false
		for len(got) > 0 && !found {
			ok, err := fits(line, got[0], ls)
			if err != nil {
				return nil, err
			}
			if !ok && !skip {
				return nil, fmt.Errorf("line %d is %q, the page shows %q; printed was:\n%s", i+1, got[0], line, strings.Join(printed, "\n"))
			}
			got, found = got[1:], ok
		}
		if !found {
			return nil, fmt.Errorf("line %d, %q, is not there; printed was:\n%s", i+1, line, strings.Join(printed, "\n"))
		}
		skip = among
	}
	if len(got) > 0 && !skip {
		return nil, fmt.Errorf("%q is printed and not on the page", got[0])
	}
	return got, nil
}

// linesOf are the lines that show something.
func linesOf(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	return all
}

func TestDiffers_between_a_page_and_what_was_printed(t *testing.T) {
	const sample = "NAME        TARGETS         AGE\nphp-apache  cpu: 250%/50%   18s\n"
	ls, err := looseOf("250 is 100..250")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		why, sample, printed string
		among, same          bool
	}{
		{"ages and widths are free", sample, "NAME TARGETS AGE\nphp-apache   cpu: 131%/50%   3m2s\n", false, true},
		{"a number outside of its bounds", sample, "NAME TARGETS AGE\nphp-apache   cpu: 99%/50%   3m\n", false, false},
		{"a number that is not loose", sample, "NAME TARGETS AGE\nphp-apache   cpu: 131%/51%   3m\n", false, false},
		{"a line that is missing", sample, "NAME TARGETS AGE\n", false, false},
		{"a line too many", sample, "NAME TARGETS AGE\nphp-apache cpu: 131%/50% 3m\nother cpu: 1%/50% 3m\n", false, false},
		{"a range after an age", "3.5s 250%", "12s 131%", false, true},
		{"no range after an age", "3.5s 250%", "12s 99%", false, false},
		{"names that Kubernetes makes up", "pod/web-6f8c9d7b5c-2xk4q created", "pod/web-58b477c6b8-zzzz9 created", false, true},
		{"another name", "pod/web-6f8c9d7b5c-2xk4q created", "pod/wax-58b477c6b8-zzzz9 created", false, false},
		{"the end of a line left out", "OK!OK!...", "OK!OK!OK!^C\n", false, true},
		{"a line that begins otherwise", "OK!OK!...", "OK!NO!OK!^C\n", false, false},
		{"lines left out", "a\n...\nd\n", "a\nb\nc\nd\n", false, true},
		{"the last of which is missing", "a\n...\nd\n", "a\nb\nc\n", false, false},
		{"lines left out, and one too many after them", "a\n...\nd\n", "a\nb\nd\ne\n", false, false},
		{"the end left out", "a\n...\n", "a\nb\nd\ne\n", false, true},
		{"a terminal that goes on", "b\nd\n", "a\nb\nc\nd\ne\n", true, true},
		{"a terminal in another order", "d\nb\n", "a\nb\nc\nd\ne\n", true, false},
	} {
		if _, err := differs(c.sample, linesOf(c.printed), ls, c.among); (err == nil) != c.same {
			t.Errorf("%s: %v", c.why, err)
		}
	}
}
