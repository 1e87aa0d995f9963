package trigger

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
)

// plan is how a settings struct is filled.
type plan struct {
	typ      reflect.Type
	settings []*setting
	// structs are the struct itself and those nested in it, innermost first, for Validate.
	structs []structAt
	// identity, namespace and input are where a struct wants those; nil where it does not.
	identity, namespace, input []int
}

// setting is one field of the struct.
type setting struct {
	Field
	at      []int // index path from the struct
	goType  reflect.Type
	isShape bool // its value shapes what is read, though it is a target
	sep     string
	dash    string // between the ends of a range; empty where there are none
}

type structAt struct {
	at    []int
	first int // its settings are plan.settings[first:last]
	last  int
}

// The places a setting may come from.
const (
	fromMeta = "meta"
	fromEnv  = "env"
	fromAuth = "auth"
)

// Namespace is the namespace of the trigger's object. A settings struct that
// has a field of it is told, and reads in different namespaces are kept apart.
type Namespace string

func planOf(t reflect.Type) (*plan, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("settings are a %s; want a struct", t)
	}
	p := &plan{typ: t}
	if err := p.addStruct(t, nil, false); err != nil {
		return nil, err
	}
	return p, p.check()
}

// addStruct adds the fields of a struct; one that is optional has only optional ones.
func (p *plan) addStruct(t reflect.Type, at []int, optional bool) error {
	first := len(p.settings)
	for f := range t.Fields() {
		path := append(slices.Clone(at), f.Index...)
		if err := p.addField(f, path, optional); err != nil {
			return err
		}
	}
	p.structs = append(p.structs, structAt{at, first, len(p.settings)})
	return nil
}

func (p *plan) addField(f reflect.StructField, at []int, optional bool) error {
	switch f.Type {
	case reflect.TypeFor[Identity]():
		p.identity = at
		return nil
	case reflect.TypeFor[Namespace]():
		p.namespace = at
		return nil
	case reflect.TypeFor[Input]():
		p.input = at
		return nil
	}
	tag, tagged := f.Tag.Lookup("cfg")
	if !tagged && !f.Anonymous {
		return nil // the struct's own
	}
	s, err := parseTag(tag)
	if err != nil {
		return fmt.Errorf("field %s: %w", f.Name, err)
	}
	if !f.IsExported() {
		return fmt.Errorf("field %s: want it exported, or it can be neither set nor checked", f.Name)
	}
	if s.Name == "" && f.Type.Kind() == reflect.Struct {
		return p.addStruct(f.Type, at, optional || !s.Required)
	}
	if s.Name == "" {
		return fmt.Errorf("field %s: want a name in its tag", f.Name)
	}
	s.at, s.goType, s.Doc = at, f.Type, f.Tag.Get("doc")
	s.Example = f.Tag.Get("example")
	s.Type = typeName(f.Type)
	s.Required = s.Required && !optional && s.Default == "" && s.Deprecated == ""
	p.settings = append(p.settings, s)
	return nil
}

// check finds tags that contradict each other.
func (p *plan) check() error {
	seen := map[string]bool{}
	roles := map[string]int{}
	for _, s := range p.settings {
		for _, name := range s.names() {
			if seen[name] {
				return fmt.Errorf("two settings are named %s", name)
			}
			seen[name] = true
		}
		if s.Type == "" {
			return fmt.Errorf("%s: a %s cannot be decoded", s.Name, s.goType)
		}
		if err := s.checkDefault(); err != nil {
			return err
		}
		if s.Role == "" {
			continue
		}
		roles[s.Role]++
		if _, ok := numberOf(reflect.Zero(s.goType)); !ok {
			return fmt.Errorf("%s: a %s cannot be a %s", s.Name, s.goType, s.Role)
		}
	}
	_, decides := reflect.TypeAssert[targeted](reflect.Zero(reflect.PointerTo(p.typ)))
	for role, n := range roles {
		if n > 1 && !decides {
			return fmt.Errorf("%d settings are %s: want a method Target that chooses", n, role)
		}
	}
	return nil
}

func (s *setting) checkDefault() error {
	if s.Default == "" {
		return nil
	}
	if err := errors.Join(s.allows(s.Default), s.parse(s.Default, reflect.New(s.goType).Elem())); err != nil {
		return fmt.Errorf("%s: default %q: %w", s.Name, s.Default, err)
	}
	return nil
}

func (p *plan) fields() []Field {
	out := make([]Field, len(p.settings))
	for i, s := range p.settings {
		out[i] = s.Field
	}
	return out
}

func (s *setting) names() []string { return append([]string{s.Name}, s.Aliases...) }

// parseTag reads "name;alias,option,option=value".
func parseTag(tag string) (*setting, error) {
	name, rest, _ := strings.Cut(tag, ",")
	names := list(name)
	s := &setting{Field: Field{From: []string{fromMeta}, Required: true}, sep: ","}
	if len(names) > 0 {
		s.Name, s.Aliases = names[0], names[1:]
	}
	if rest == "" {
		return s, nil
	}
	for option := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(option, "=")
		if !s.set(strings.TrimSpace(key), strings.TrimSpace(value)) {
			return nil, fmt.Errorf("option %q of %q is unknown", option, tag)
		}
	}
	for _, from := range s.From {
		if from != fromMeta && from != fromEnv && from != fromAuth {
			return nil, fmt.Errorf("from=%s: want meta, env or auth", from)
		}
	}
	return s, nil
}

func (s *setting) set(option, value string) bool {
	switch option {
	case "from":
		s.From = list(value)
	case "optional":
		s.Required = false
	case "default":
		s.Default = value
	case "enum":
		s.Enum = list(value)
	case "set":
		s.Set = list(value)
	case "range":
		if s.dash = value; value == "" {
			s.dash = "-"
		}
	case "separator":
		s.sep = value
	case "deprecated":
		if s.Deprecated = value; value == "" {
			s.Deprecated = "it has no effect any more"
		}
	case "announce":
		s.Announce = value
	case "secret":
		s.Secret = true
	case "shapes":
		s.isShape = true
	case "role":
		s.Role = value
		return value == "target" || value == "activation"
	default:
		return false
	}
	return true
}

func list(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ";") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// typeName is what users are told to write; empty for what cannot be decoded.
func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[url.Values]():
		return "url-values"
	}
	switch t.Kind() { //nolint:exhaustive // the rest cannot be decoded
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "int"
	case reflect.Float32, reflect.Float64:
		return "float"
	case reflect.Pointer:
		return typeName(t.Elem())
	case reflect.Slice:
		return nonEmpty("list", typeName(t.Elem()))
	case reflect.Map:
		return nonEmpty("map", typeName(t.Key()), typeName(t.Elem()))
	}
	return ""
}

// nonEmpty is name where all parts have one.
func nonEmpty(name string, parts ...string) string {
	if slices.Contains(parts, "") {
		return ""
	}
	return name
}
