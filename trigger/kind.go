package trigger

import (
	"context"
	"errors"
	"fmt"
	"reflect"
)

// Kind is a trigger type: its name, its settings, and how a source of it is opened.
type Kind struct {
	Name, Summary string
	// Fields document the settings, in the order of the struct.
	Fields []Field
	// Resource is set for cpu and memory, which are read with the pods: they have no source.
	Resource bool
	// AnyKey says that keys which are no settings are passed on (external): they give no warning.
	AnyKey bool

	plan *plan
	open func(context.Context, any, Env) (Source, error)
}

// Field documents one setting; docs, schema, admission and CLI read it.
type Field struct {
	Name    string   `json:"name"`
	Aliases []string `json:"aliases,omitempty"`
	// From lists the places it is read from, in order: meta, env, auth.
	From []string `json:"from"`
	// Type is string, int, float, bool, duration, list, map or url-values.
	Type string `json:"type"`
	// Default is empty where there is none.
	Default  string `json:"default,omitempty"`
	Required bool   `json:"required,omitempty"`
	Secret   bool   `json:"secret,omitempty"`
	// Role is target, activation or empty.
	Role string   `json:"role,omitempty"`
	Enum []string `json:"enum,omitempty"`
	// Set lists values of which a list may have only one.
	Set []string `json:"set,omitempty"`
	// Deprecated says what to use instead of a setting that is refused; empty where it is not.
	Deprecated string `json:"deprecated,omitempty"`
	// Announce says what to use instead of a setting that still works.
	Announce string `json:"announce,omitempty"`
	// Example is a value that a page may show, from the tag of that name.
	Example string `json:"example,omitempty"`
	Doc     string `json:"doc"`
}

// Define builds a kind from its settings C, a struct with cfg tags, and from
// the function that opens a source with them. A tag that cannot be used panics:
// it is a broken promise of ours, which every test of the kind finds.
func Define[C any](name, summary string, open func(context.Context, C, Env) (Source, error)) Kind {
	k := define(reflect.TypeFor[C](), name, summary)
	k.open = func(ctx context.Context, v any, e Env) (Source, error) {
		c, ok := v.(C)
		if !ok {
			return nil, fmt.Errorf("settings of %s are a %T", name, v)
		}
		return open(ctx, c, e)
	}
	return k
}

// DefineResource builds a kind without a source: what it measures is read with the pods.
func DefineResource[C any](name, summary string) Kind {
	k := define(reflect.TypeFor[C](), name, summary)
	k.Resource = true
	return k
}

// DefineStruct is Define for settings whose type is known only at run time: a
// kind that decodes and opens nothing. Conformance tests build such types.
func DefineStruct(t reflect.Type, name string) Kind { return define(t, name, "") }

func define(t reflect.Type, name, summary string) Kind {
	p, err := planOf(t)
	if err != nil {
		panic(fmt.Sprintf("trigger %s: %v", name, err))
	}
	return Kind{Name: name, Summary: summary, Fields: p.fields(), plan: p}
}

// Config is the checked settings of one trigger.
type Config struct {
	// Metrics are what it measures; empty for a [Described] source until it is asked.
	Metrics []Metric
	// Warnings are sentences about what works otherwise than it reads, such as
	// an unknown key with the nearest known one.
	Warnings []string
	// Key is equal for two triggers that read the same thing in the same way
	// with the same secrets; it reveals none of them. Two that share it may have
	// other targets, so each has its own Metrics.
	Key string

	kind  Kind
	index int
	value any
}

// Kind is what the settings are of.
func (c Config) Kind() Kind { return c.kind }

// Value is the decoded settings, a value of the type that the kind was defined
// with; for a resource, whoever reads the pods needs them.
func (c Config) Value() any { return c.value }

// Settings are the decoded values by the name of their setting, secrets
// included: they are to be compared, not to be shown.
func (c Config) Settings() map[string]any {
	out := make(map[string]any, len(c.kind.Fields))
	for _, s := range c.kind.plan.settings {
		out[s.Name] = reflect.ValueOf(c.value).FieldByIndex(s.at).Interface()
	}
	return out
}

// Open opens the source that the settings describe. Close it.
func (c Config) Open(ctx context.Context, e Env) (Source, error) {
	if c.kind.open == nil {
		return nil, fmt.Errorf("%s: %w", c, errNoSource)
	}
	s, err := c.kind.open(ctx, c.value, e)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c, err)
	}
	return s, nil
}

// String names the trigger as errors do.
func (c Config) String() string { return label(c.index, c.kind.Name) }

var errNoSource = errors.New("it is read with the pods and has no source to open")

func label(index int, kind string) string { return fmt.Sprintf("trigger %d (%s)", index, kind) }
