package workload

import (
	"fmt"
	"regexp"
	"strings"
)

const (
	label  = `[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?`
	domain = `[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*`
	key    = `(?:` + domain + `/)?` + label
	blank  = `[ \t\r\n]*`
	value  = `(?:` + label + `)?`
	values = `\(` + blank + value + blank + `(?:,` + blank + value + blank + `)*\)`
)

// requirement is one condition of a label selector, as the API server reads it.
var requirement = regexp.MustCompile(`^` + blank + `(?:` +
	`!` + blank + key + `|` +
	key + `(?:` +
	blank + `(?:=|==|!=)` + blank + value + `|` +
	blank + `[<>]` + blank + `0*[0-9]{1,18}|` +
	`[ \t\r\n]+(?:in|notin)` + blank + values +
	`)?)` + blank + `$`)

// checkSelector finds in a label selector what the API server would refuse.
func checkSelector(selector string) error {
	for _, one := range splitOutside(selector) {
		if !requirement.MatchString(one) {
			return fmt.Errorf("requirement %q: want key=value, key!=value, key in (a, b), key notin (a, b), key or !key", strings.TrimSpace(one))
		}
	}
	return nil
}

// splitOutside splits at the commas that stand outside of parentheses.
func splitOutside(selector string) []string {
	var parts []string
	depth, begin := 0, 0
	for i, r := range selector {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			parts = append(parts, selector[begin:i])
			begin = i + 1
		}
	}
	return append(parts, selector[begin:])
}
