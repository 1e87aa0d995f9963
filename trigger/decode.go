package trigger

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Optional methods of a settings struct.
type (
	validated      interface{ Validate() error }
	validatedInput interface{ ValidateInput(in Input) error }
	named          interface{ MetricName() string }
	targeted       interface {
		Target() (target, activation float64)
	}
)

// Decode checks what a user wrote and gives the settings, or a [*ConfigError]
// with everything that is wrong. Places are asked in the order that a setting
// names; the first with a value that is not blank wins.
//
// Of a partial input, the search also ends at a place that cannot be seen: the
// environment where the metadata names a variable, the authentication where
// Auth is nil. Such a setting is unknown: it is neither missed nor decoded, and
// Validate of a struct runs only when nothing in that struct is unknown.
func (k Kind) Decode(in Input) (Config, error) {
	d := &decoding{kind: k, in: in, found: make([]found, len(k.plan.settings))}
	d.value = reflect.New(k.plan.typ).Elem()
	for i, s := range k.plan.settings {
		d.decode(i, s)
	}
	d.fill()
	d.validate()
	metrics := d.measure()
	if len(d.faults) > 0 {
		return Config{}, &ConfigError{Index: in.Index, Kind: k.Name, Faults: d.faults}
	}
	return Config{
		Metrics: metrics, Warnings: append(d.warnings, k.strangers(in)...), Key: d.key(),
		kind: k, index: in.Index, value: d.value.Interface(),
	}, nil
}

// decoding is one call of Decode.
type decoding struct {
	kind     Kind
	in       Input
	value    reflect.Value
	found    []found // one a setting
	faults   []error
	warnings []string
}

// found is where a setting's text came from.
type found struct {
	text    string
	name    string // the alias under which it was given
	place   string // empty where it was not given
	unknown bool   // it may stand in a place that cannot be seen
}

// isHidden says that the text is nobody's to read.
func (f found) isHidden(s *setting) bool {
	return s.Secret || f.place == fromAuth || f.place == fromEnv
}

func (d *decoding) decode(i int, s *setting) {
	f := d.find(s)
	d.found[i] = f
	switch {
	case f.unknown:
		return
	case f.place != "" && s.Deprecated != "":
		d.fault(s, f, "is not supported any more: "+s.Deprecated)
		return
	case f.place != "" && s.Announce != "":
		d.warn("%s is deprecated: %s", f.name, s.Announce)
	case f.place == "" && s.Default != "":
		f.text = s.Default
		d.found[i] = f
	case f.place == "" && s.Required:
		d.faults = append(d.faults, &FieldError{Field: s.Name, Problem: d.missing(s)})
		return
	case f.place == "":
		return
	}
	if err := s.allows(f.text); err != nil {
		d.fault(s, f, err.Error())
		return
	}
	if err := s.parse(f.text, d.value.FieldByIndex(s.at)); err != nil {
		d.fault(s, f, err.Error())
	}
}

// find asks the places of a setting in order.
func (d *decoding) find(s *setting) found {
	for _, place := range s.From {
		for _, name := range s.names() {
			text, isDark := d.look(place, name)
			if isDark {
				return found{name: name, unknown: true}
			}
			if text != "" {
				return found{text: text, name: name, place: place}
			}
		}
	}
	return found{name: s.Name}
}

// look is what a place has under a name, trimmed; dark where it cannot be seen.
func (d *decoding) look(place, name string) (text string, isDark bool) {
	switch place {
	case fromMeta:
		return strings.TrimSpace(d.in.Metadata[name]), false
	case fromAuth:
		return strings.TrimSpace(d.in.Auth[name]), d.in.Partial && d.in.Auth == nil
	default:
		variable := d.in.Metadata[name+fromEnvSuffix]
		if variable == "" {
			return "", false
		}
		return strings.TrimSpace(d.in.Env[variable]), d.in.Partial && d.in.Env == nil
	}
}

// fromEnvSuffix makes the key that names a variable of a setting.
const fromEnvSuffix = "FromEnv"

// missing is what to do about a setting that is not there.
func (d *decoding) missing(s *setting) string {
	var ways []string
	for _, place := range s.From {
		variable := d.in.Metadata[s.Name+fromEnvSuffix]
		switch {
		case place == fromMeta:
			ways = append(ways, "in the metadata")
		case place == fromAuth:
			ways = append(ways, "in the authentication")
		case variable != "":
			ways = append(ways, fmt.Sprintf("a value for the variable %s that %s%s names", variable, s.Name, fromEnvSuffix))
		default:
			ways = append(ways, fmt.Sprintf("the name of a variable of the container in %s%s", s.Name, fromEnvSuffix))
		}
	}
	if len(ways) == 0 {
		return "is missing, and nothing can give it"
	}
	return "is missing: want it " + strings.Join(ways, " or ")
}

// allows holds a text against the enum and the exclusive set.
func (s *setting) allows(text string) error {
	if s.Enum == nil && s.Set == nil {
		return nil
	}
	exclusive := 0
	for part := range strings.SplitSeq(text, s.sep) {
		part = strings.TrimSpace(part)
		if s.Enum != nil && !slices.Contains(s.Enum, part) {
			return wantError("one of " + strings.Join(s.Enum, ", "))
		}
		if slices.Contains(s.Set, part) {
			exclusive++
		}
	}
	if exclusive > 1 {
		return wantError("only one of " + strings.Join(s.Set, ", "))
	}
	return nil
}

// fill gives the struct what it wants beside its settings.
func (d *decoding) fill() {
	p := d.kind.plan
	if p.identity != nil {
		d.value.FieldByIndex(p.identity).Set(reflect.ValueOf(d.in.Identity))
	}
	if p.namespace != nil {
		d.value.FieldByIndex(p.namespace).SetString(d.in.Namespace)
	}
	if p.input != nil {
		d.value.FieldByIndex(p.input).Set(reflect.ValueOf(d.in.clone()))
	}
}

// validate runs the checks of each struct, inner ones first, that is wholly known and sound.
func (d *decoding) validate() {
	if len(d.faults) > 0 {
		return // what follows from a value that is not there is no news
	}
	for _, s := range d.kind.plan.structs {
		if d.hasUnknown(s) {
			continue
		}
		at := d.value.FieldByIndex(s.at).Addr().Interface()
		if v, ok := at.(validated); ok {
			d.complain(v.Validate())
		}
		if v, ok := at.(validatedInput); ok {
			d.complain(v.ValidateInput(d.in))
		}
	}
}

func (d *decoding) hasUnknown(s structAt) bool {
	for _, f := range d.found[s.first:s.last] {
		if f.unknown {
			return true
		}
	}
	return false
}

// measure is what sound settings measure, with the roles of the tags or the
// methods of the struct. A target is above 0 unless a formula has one.
func (d *decoding) measure() []Metric {
	if len(d.faults) > 0 {
		return nil
	}
	p, at := d.kind.plan, d.value.Addr().Interface()
	target := p.role("target")
	m := Metric{Name: d.kind.Name, Target: d.number(target), Activation: d.number(p.role("activation"))}
	decider, decides := at.(targeted)
	if !decides && target < 0 {
		return nil // the source will say
	}
	if decides {
		m.Target, m.Activation = decider.Target()
	}
	if n, ok := at.(named); ok {
		m.Name = n.MetricName()
	}
	m.Name = Normalize(m.Name)
	isUnknown := target >= 0 && d.found[target].unknown
	if m.Target <= 0 && !d.in.Composed && !isUnknown {
		d.noTarget(target)
	}
	return []Metric{m}
}

func (d *decoding) noTarget(i int) {
	if i < 0 {
		d.faults = append(d.faults, &FieldError{Field: "target", Problem: "want a number above 0"})
		return
	}
	s, f := d.kind.plan.settings[i], d.found[i]
	if f.text == "" {
		d.faults = append(d.faults, &FieldError{Field: s.Name, Problem: d.missing(s)})
		return
	}
	d.fault(s, f, "want a number above 0")
}

func (p *plan) role(name string) int {
	for i, s := range p.settings {
		if s.Role == name {
			return i
		}
	}
	return -1
}

func (d *decoding) number(i int) float64 {
	if i < 0 {
		return 0
	}
	n, _ := numberOf(d.value.FieldByIndex(d.kind.plan.settings[i].at))
	return n
}

func (d *decoding) warn(format string, args ...any) {
	d.warnings = append(d.warnings, fmt.Sprintf("%s: %s", label(d.in.Index, d.kind.Name), fmt.Sprintf(format, args...)))
}
