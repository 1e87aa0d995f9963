package applet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// sortLines is sort.
func sortLines(_ context.Context, c *Call) int {
	o, names, fine := c.options("nruk:t:fbgsz", "numeric-sort>n", "reverse>r", "unique>u", "key=>k", "field-separator=>t")
	if !fine {
		return failure
	}
	keys := make([]sortKey, 0, 1)
	for _, text := range o["k"] {
		key, err := parseKey(text, o)
		if err != nil {
			return c.fail("%v", err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		keys = append(keys, sortKey{first: 1, numeric: o.has("n") || o.has("g"), reverse: o.has("r"), fold: o.has("f")})
	}
	var all []string
	size := 0
	status := c.eachLine(names, func(line string) error {
		if size += len(line) + 1; size > most {
			return errTooLong
		}
		all = append(all, line)
		return nil
	})
	separator, _ := o.last("t")
	byKeys := func(a, b string) int {
		for _, key := range keys {
			if order := key.compare(a, b, separator); order != 0 {
				return order
			}
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b string) int {
		if order := byKeys(a, b); order != 0 || o.has("u") || o.has("s") {
			return order
		}
		if o.has("r") {
			return strings.Compare(b, a)
		}
		return strings.Compare(a, b)
	})
	if o.has("u") {
		all = slices.CompactFunc(all, func(a, b string) bool { return byKeys(a, b) == 0 })
	}
	for _, line := range all {
		c.print(line, "\n")
	}
	return status
}

// sortKey is one -k: fields from first to last, counted from one; last 0 is the end of the line.
type sortKey struct {
	first, last            int
	numeric, reverse, fold bool
}

func parseKey(text string, o options) (sortKey, error) {
	digits := strings.TrimRight(text, "nrfbg")
	flags := text[len(digits):]
	from, to, ranged := strings.Cut(digits, ",")
	from = strings.TrimRight(from, "nrfbg")
	first, err := strconv.Atoi(from)
	key := sortKey{
		first: first, numeric: o.has("n") || o.has("g") || strings.ContainsAny(flags, "ng"),
		reverse: o.has("r") || strings.Contains(flags, "r"), fold: o.has("f") || strings.Contains(flags, "f"),
	}
	if err == nil && ranged {
		key.last, err = strconv.Atoi(to)
	}
	if err != nil || key.first < 1 {
		return key, fmt.Errorf("bad field specification '%s'", text)
	}
	return key, nil
}

func (k sortKey) compare(a, b, separator string) int {
	a, b = k.part(a, separator), k.part(b, separator)
	var order int
	switch {
	case k.numeric:
		order = cmp.Compare(leadingNumber(a), leadingNumber(b))
	case k.fold:
		order = strings.Compare(strings.ToUpper(a), strings.ToUpper(b))
	default:
		order = strings.Compare(a, b)
	}
	if k.reverse {
		return -order
	}
	return order
}

func (k sortKey) part(line, separator string) string {
	if k.first == 1 && k.last == 0 {
		return line
	}
	fields := strings.Fields(line)
	if separator != "" {
		fields = strings.Split(line, separator)
	}
	last := len(fields)
	if k.last > 0 {
		last = min(k.last, last)
	}
	if k.first > last {
		return ""
	}
	return strings.Join(fields[k.first-1:last], cmp.Or(separator, " "))
}

// leadingNumber reads the number at the start of a text, as C's strtod does; zero when there is none.
func leadingNumber(text string) float64 {
	text = strings.TrimSpace(text)
	end := 0
	for end < len(text) && strings.IndexByte("+-.0123456789eE", text[end]) >= 0 {
		end++
	}
	for ; end > 0; end-- {
		if n, err := strconv.ParseFloat(text[:end], 64); err == nil {
			return n
		}
	}
	return 0
}
