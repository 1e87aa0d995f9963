package bench

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Requests counts requests by verb and resource, such as "patch scaledobjects/status".
type Requests map[string]int

// Writes are those that change an object, but for the lease of the leader. Reviews of tokens and rights are written with
// POST, and leave nothing.
func (r Requests) Writes() Requests {
	return r.some(func(verb, resource string) bool {
		switch verb {
		case "create", "update", "patch", "delete", "deletecollection":
			return resource != "leases" && !strings.HasSuffix(resource, "reviews")
		}
		return false
	})
}

// Reads are single objects and lists that were asked for.
func (r Requests) Reads() Requests {
	return r.some(func(verb, _ string) bool { return verb == "get" || verb == "list" })
}

// Others are all the rest: watches that ended, the lease, reviews.
func (r Requests) Others() Requests {
	writes, reads := r.Writes(), r.Reads()
	others := maps.Clone(r)
	maps.DeleteFunc(others, func(what string, _ int) bool { return writes[what]+reads[what] > 0 })
	return others
}

func (r Requests) some(are func(verb, resource string) bool) Requests {
	some := Requests{}
	for what, n := range r {
		verb, resource, _ := strings.Cut(what, " ")
		resource, _, _ = strings.Cut(resource, "/")
		if are(verb, resource) {
			some[what] = n
		}
	}
	return some
}

// Sum is how many there are.
func (r Requests) Sum() int {
	sum := 0
	for _, n := range r {
		sum += n
	}
	return sum
}

// String lists them, such as "12 (10 patch deployments/scale, 2 create events)".
func (r Requests) String() string {
	if len(r) == 0 {
		return "0"
	}
	parts := make([]string, 0, len(r))
	for _, what := range slices.Sorted(maps.Keys(r)) {
		parts = append(parts, fmt.Sprintf("%d %s", r[what], what))
	}
	return fmt.Sprintf("%d (%s)", r.Sum(), strings.Join(parts, ", "))
}
