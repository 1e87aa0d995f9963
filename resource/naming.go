package resource

import (
	"bytes"
	"errors"
	"fmt"
)

var errLabels = errors.New("labels without a closing brace")

// naming is the three labels that name a container. They point into the line.
type naming struct{ namespace, pod, container []byte }

// parse reads {name="value",…} if l begins with it and returns what follows.
func (s *naming) parse(l []byte) ([]byte, error) {
	*s = naming{}
	if len(l) == 0 || l[0] != '{' {
		return l, nil
	}
	l = skip(l[1:])
	for {
		if len(l) == 0 {
			return nil, errLabels
		}
		if l[0] == '}' {
			return l[1:], nil
		}
		rest, err := s.pair(l)
		if err != nil {
			return nil, err
		}
		l = skip(rest)
		if len(l) > 0 && l[0] == ',' {
			l = skip(l[1:])
			continue
		}
		if len(l) == 0 || l[0] != '}' {
			return nil, errLabels
		}
	}
}

// pair reads name="value" and returns what follows.
func (s *naming) pair(l []byte) ([]byte, error) {
	eq := bytes.IndexByte(l, '=')
	if eq < 0 {
		return nil, fmt.Errorf("label %q without a value", l)
	}
	name := bytes.TrimRight(l[:eq], " \t")
	l = skip(l[eq+1:])
	if len(l) == 0 || l[0] != '"' {
		return nil, fmt.Errorf("label %q without a quoted value", name)
	}
	value, rest, err := quoted(l[1:])
	if err != nil {
		return nil, fmt.Errorf("label %q: %w", name, err)
	}
	switch string(name) {
	case "namespace":
		s.namespace = value
	case "pod":
		s.pod = value
	case "container":
		s.container = value
	}
	return rest, nil
}

// quoted reads up to the closing quote. Escapes are undone in place.
func quoted(l []byte) (value, rest []byte, err error) {
	end := bytes.IndexByte(l, '"')
	if end >= 0 && bytes.IndexByte(l[:end], '\\') < 0 {
		return l[:end], l[end+1:], nil
	}
	to := 0
	for i := 0; i < len(l); i++ {
		switch c := l[i]; {
		case c == '"':
			return l[:to], l[i+1:], nil
		case c == '\\' && i+1 < len(l):
			i++
			if l[to], err = unescape(l[i]); err != nil {
				return nil, nil, err
			}
		default:
			l[to] = c
		}
		to++
	}
	return nil, nil, errors.New("the value is not closed")
}

func unescape(c byte) (byte, error) {
	switch c {
	case 'n':
		return '\n', nil
	case '\\', '"':
		return c, nil
	}
	return 0, fmt.Errorf("unknown escape %q", []byte{'\\', c})
}
