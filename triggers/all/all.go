// Package all lists every trigger that is built into the program.
package all

import (
	"slices"
	"strings"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/awssqs"
	"github.com/furl-dev/furl/triggers/cron"
	"github.com/furl-dev/furl/triggers/external"
	"github.com/furl-dev/furl/triggers/metricsapi"
	"github.com/furl-dev/furl/triggers/prometheus"
	"github.com/furl-dev/furl/triggers/resource"
	"github.com/furl-dev/furl/triggers/workload"
)

// List has kinds in the order of their names. Sources that are opened through
// one list share clients, credentials and connections where they can, so a
// program that opens sources keeps one.
type List []trigger.Kind

// Kinds returns a new list of the built-in triggers.
func Kinds() List {
	kinds := append(List{
		awssqs.Kind(),
		cron.Kind(),
		metricsapi.Kind(),
		prometheus.Kind(),
		resource.CPU(),
		resource.Memory(),
		workload.Kind(),
	}, external.Kinds()...)
	slices.SortFunc(kinds, func(a, b trigger.Kind) int { return strings.Compare(a.Name, b.Name) })
	return kinds
}

// Find returns the kind of a name.
func (l List) Find(name string) (trigger.Kind, bool) {
	i := slices.IndexFunc(l, func(k trigger.Kind) bool { return k.Name == name })
	if i < 0 {
		return trigger.Kind{}, false
	}
	return l[i], true
}

// Find returns the kind of a name, for whoever only wants to know about it; see [List.Find].
func Find(name string) (trigger.Kind, bool) { return Kinds().Find(name) }
