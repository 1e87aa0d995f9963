// Package all lists every trigger that is built into the program.
package all

import (
	"slices"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/awssqs"
	"github.com/furl-dev/furl/triggers/cron"
	"github.com/furl-dev/furl/triggers/metricsapi"
	"github.com/furl-dev/furl/triggers/prometheus"
	"github.com/furl-dev/furl/triggers/resource"
	"github.com/furl-dev/furl/triggers/workload"
)

// Kinds returns the built-in triggers in the order of their names. Sources of the kinds
// of one call share clients where they can, so a program calls it once.
func Kinds() []trigger.Kind {
	return []trigger.Kind{
		awssqs.Kind(),
		resource.CPU(),
		cron.Kind(),
		workload.Kind(),
		resource.Memory(),
		metricsapi.Kind(),
		prometheus.Kind(),
	}
}

// Find returns the kind of a name.
func Find(name string) (trigger.Kind, bool) {
	kinds := Kinds()
	i := slices.IndexFunc(kinds, func(k trigger.Kind) bool { return k.Name == name })
	if i < 0 {
		return trigger.Kind{}, false
	}
	return kinds[i], true
}
