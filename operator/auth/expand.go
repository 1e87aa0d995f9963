package auth

import "strings"

// expand replaces $(NAME) by the value of a variable, as Kubernetes does: $$ is
// a dollar sign, and what names no known variable stays as it is.
func expand(value string, env map[string]string) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(value, "$")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		if rest, escaped := strings.CutPrefix(after, "$"); escaped {
			out.WriteByte('$')
			value = rest
			continue
		}
		name, rest, closed := strings.Cut(strings.TrimPrefix(after, "("), ")")
		if !strings.HasPrefix(after, "(") || !closed {
			out.WriteByte('$')
			value = after
			continue
		}
		if known, ok := env[name]; ok {
			out.WriteString(known)
		} else {
			out.WriteString("$(" + name + ")")
		}
		value = rest
	}
}
