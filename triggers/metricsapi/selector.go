package metricsapi

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// selector is the part of PromQL that names series: metric{label="value", other=~"a|b"}.
type selector struct {
	metric string
	labels []matcher
}

type matcher struct {
	label, operator, text string
	pattern               *regexp.Regexp // of =~ and !~
}

func (m matcher) matches(got string) bool {
	switch m.operator {
	case "!=":
		return got != m.text
	case "=~":
		return m.pattern.MatchString(got)
	case "!~":
		return !m.pattern.MatchString(got)
	}
	return got == m.text
}

var (
	metricName = regexp.MustCompile(`^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*`)
	// condition is one label, its operator and a string in one of three quotes.
	condition = regexp.MustCompile("^\\s*([a-zA-Z_][a-zA-Z0-9_]*)\\s*(=~|!~|!=|=)\\s*(\"(?:[^\"\\\\\n]|\\\\.)*\"|'(?:[^'\\\\\n]|\\\\.)*'|`[^`]*`)\\s*")
)

func parseSelector(text string) (selector, error) {
	found := metricName.FindStringSubmatch(text)
	s := selector{metric: found[1]}
	rest := strings.TrimSpace(text[len(found[0]):])
	if rest != "" {
		inner, isOpen := strings.CutPrefix(rest, "{")
		inner, isShut := strings.CutSuffix(inner, "}")
		if !isOpen || !isShut {
			return selector{}, errors.New(`want a metric and its labels, such as queue_size{name="jobs"}`)
		}
		if err := s.parseLabels(inner); err != nil {
			return selector{}, err
		}
	}
	if s.metric == "" {
		return selector{}, errors.New("want the name of a metric")
	}
	return s, nil
}

func (s *selector) parseLabels(rest string) error {
	for strings.TrimSpace(rest) != "" {
		found := condition.FindStringSubmatch(rest)
		if found == nil {
			return fmt.Errorf(`%q: want label="value" with =, !=, =~ or !~`, strings.TrimSpace(rest))
		}
		rest = rest[len(found[0]):]
		if rest != "" && rest[0] != ',' {
			return fmt.Errorf("%q: want a comma between labels", rest)
		}
		rest = strings.TrimPrefix(rest, ",")
		m, err := newMatcher(found[1], found[2], found[3])
		if err != nil {
			return err
		}
		if m.label == "__name__" && m.operator == "=" && s.metric == "" {
			s.metric = m.text
			continue
		}
		s.labels = append(s.labels, m)
	}
	return nil
}

func newMatcher(label, operator, quoted string) (matcher, error) {
	text, err := unquote(quoted)
	if err != nil {
		return matcher{}, fmt.Errorf("%s: want a quoted text", quoted)
	}
	m := matcher{label: label, operator: operator, text: text}
	if strings.HasSuffix(operator, "~") {
		if m.pattern, err = regexp.Compile("^(?s:" + text + ")$"); err != nil {
			return matcher{}, fmt.Errorf("%s: want a regular expression", quoted)
		}
	}
	return m, nil
}

// unquote reads Go's escapes; between single quotes too, as PromQL does.
func unquote(quoted string) (string, error) {
	if inner := strings.Trim(quoted, "'"); quoted[0] == '\'' {
		quoted = `"` + strings.ReplaceAll(strings.ReplaceAll(inner, `\'`, `'`), `"`, `\"`) + `"`
	}
	return strconv.Unquote(quoted)
}
