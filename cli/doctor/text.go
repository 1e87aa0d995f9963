package doctor

import (
	"fmt"
	"strings"
)

// Text is the report for people.
func (r *Report) Text() string {
	var b strings.Builder
	for i := range r.Findings {
		f := &r.Findings[i]
		object := f.Object
		if f.Namespace != "" {
			object = f.Namespace + "/" + object
		}
		fmt.Fprintf(&b, "%s  %s  (%s)\n  %s\n", strings.ToUpper(string(f.Severity)), object, f.Rule, f.Sentence)
		for _, e := range f.Evidence {
			fmt.Fprintf(&b, "    | %s\n", e)
		}
		for _, d := range f.Do {
			fmt.Fprintf(&b, "    > %s\n", d)
		}
		b.WriteByte('\n')
	}
	if len(r.Findings) == 0 {
		b.WriteString("Nothing is wrong that can be seen from here.\n")
	}
	counts := make([]string, len(r.Looked))
	for i, c := range r.Looked {
		counts[i] = fmt.Sprintf("%d %s", c.N, c.What)
	}
	fmt.Fprintf(&b, "Looked at %s: %s.\n", r.Scope, strings.Join(counts, ", "))
	for _, u := range r.Unread {
		fmt.Fprintf(&b, "Could not look at %s\n", u)
	}
	return b.String()
}
