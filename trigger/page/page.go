// Package page writes what users read about a trigger, from the struct that the
// program decodes with: its reference page, and a JSON schema for editors.
package page

import (
	"fmt"
	"slices"
	"strings"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/evidence"
)

// Markdown is the reference page of a kind.
func Markdown(k trigger.Kind) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n```yaml\n%s```\n\n", k.Name, k.Summary, Example(k))
	b.WriteString("| setting | type | default | from | meaning |\n|---|---|---|---|---|\n")
	for _, f := range k.Fields {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code(f.Name), f.Type, fallback(f), From(f), cell(Meaning(f)))
	}
	if k.AnyKey {
		b.WriteString("\nEvery other key of the metadata is handed on.\n")
	}
	if hasPlace(k, "env") || hasPlace(k, "auth") {
		b.WriteString("\n*env* is a variable of the scaled container: `KEYFromEnv: VARIABLE`. *auth* is a parameter of the TriggerAuthentication. " +
			"The first place of a row with a value wins.\n")
	}
	fmt.Fprintf(&b, "\n## Shown by\n\n%s", shown(k))
	return b.String()
}

// Index is the page that leads to the others.
func Index(kinds []trigger.Kind) string {
	var b strings.Builder
	b.WriteString("# Triggers\n\nWhat `furl triggers` and `furl explain trigger NAME` print, from the structs that the program decodes with.\n" +
		"The evidence is the strongest that a test which passed has shown.\n\n" +
		"| trigger | evidence | what it does |\n|---|---|---|\n")
	for _, k := range kinds {
		fmt.Fprintf(&b, "| [%s](%s.md) | %s | %s |\n", k.Name, k.Name, evidence.Best(k.Name), cell(k.Summary))
	}
	return b.String()
}

// Example is the trigger with what it needs at least, as it stands under
// spec.triggers: required settings, and the target.
func Example(k trigger.Kind) string {
	var b strings.Builder
	fmt.Fprintf(&b, "- type: %s\n", k.Name)
	if k.Resource {
		b.WriteString("  metricType: Utilization\n")
	}
	b.WriteString("  metadata:\n")
	needsAuth := false
	for _, f := range k.Fields {
		switch {
		case f.Deprecated != "" || (!f.Required && f.Role != "target"):
		case slices.Contains(f.From, "meta"):
			fmt.Fprintf(&b, "    %s: %q\n", f.Name, value(f))
		case slices.Contains(f.From, "env"):
			fmt.Fprintf(&b, "    %sFromEnv: VARIABLE\n", f.Name)
		default:
			needsAuth = true
		}
	}
	if needsAuth {
		b.WriteString("  authenticationRef:\n    name: NAME\n")
	}
	return b.String()
}

// value is one that a setting may have.
func value(f trigger.Field) string {
	switch {
	case f.Example != "":
		return f.Example
	case f.Default != "":
		return f.Default
	case len(f.Enum) > 0:
		return f.Enum[0]
	}
	switch f.Type {
	case "int", "float":
		return "1"
	case "bool":
		return "true"
	case "duration":
		return "30s"
	}
	return strings.ToUpper(f.Name)
}

// From names the places of a setting, in their order.
func From(f trigger.Field) string { return strings.Join(f.From, ", ") }

// Meaning is the sentence of a setting with what its tags add.
func Meaning(f trigger.Field) string {
	var more []string
	if len(f.Aliases) > 0 {
		more = append(more, "also written "+strings.Join(f.Aliases, ", "))
	}
	if len(f.Enum) > 0 {
		more = append(more, "one of "+strings.Join(f.Enum, ", "))
	}
	if len(f.Set) > 0 {
		more = append(more, "only one of "+strings.Join(f.Set, ", "))
	}
	if f.Secret {
		more = append(more, "secret")
	}
	if f.Announce != "" {
		more = append(more, "deprecated: "+f.Announce)
	}
	if f.Deprecated != "" {
		more = append(more, "refused: "+f.Deprecated)
	}
	if len(more) == 0 {
		return f.Doc
	}
	return f.Doc + " (" + strings.Join(more, "; ") + ")"
}

func fallback(f trigger.Field) string {
	switch {
	case f.Required:
		return "required"
	case f.Default != "":
		return code(f.Default)
	}
	return ""
}

func code(s string) string { return "`" + cell(s) + "`" }

// cell keeps a text inside a cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func hasPlace(k trigger.Kind, place string) bool {
	return slices.ContainsFunc(k.Fields, func(f trigger.Field) bool { return slices.Contains(f.From, place) })
}

func shown(k trigger.Kind) string {
	all := evidence.Of(k.Name)
	if len(all) == 0 {
		return "No suite has read it yet.\n"
	}
	var b strings.Builder
	for _, p := range all {
		fmt.Fprintf(&b, "- %s: `%s` in `%s`\n", p.Level, p.Test, p.Package)
	}
	return b.String()
}
