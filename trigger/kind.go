package trigger

import "context"

// Kind is a trigger type: its name, its settings, and how a source of it is opened.
type Kind struct {
	Name, Summary string
	// Fields document the settings, in the order of the struct.
	Fields []Field
	// Resource is set for cpu and memory, which are read with the pods: they have no source.
	Resource bool
	// Open to any key: what is not a field is passed on (external).
	AnyKey bool

	decode func(Input) (Config, error)
}

// Field documents one setting; docs, schema, admission and CLI read it.
type Field struct {
	Name    string
	Aliases []string
	// From lists the places it is read from, in order: meta, env, auth.
	From []string
	Type string // string, int, float, bool, duration, list, map, url-values
	// Default is empty where there is none.
	Default    string
	Required   bool
	Secret     bool
	Role       string // target, activation or empty
	Enum       []string
	Set        string // name of the exclusive set
	Deprecated string // what to use instead; empty where it is not deprecated
	Doc        string
}

// Config is the checked settings of one trigger.
type Config struct {
	kind  *Kind
	value any
	// Metrics are what it measures; empty for a [Described] source until it is asked.
	Metrics []Metric
	// Warnings are sentences about what works otherwise than it reads, such as
	// an unknown key with the nearest known one.
	Warnings []string
	// Key is equal for two triggers that read the same thing in the same way
	// with the same secrets; it reveals none of them.
	Key string

	open func(context.Context, Env) (Source, error)
}
