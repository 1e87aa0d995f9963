// Package declared makes trigger kinds from the field declarations in KEDA's
// records, so that one parser can be held against another.
package declared

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/furl-dev/furl/trigger"
)

// Field declares one field of a settings struct as a record does: its Go type
// and KEDA's tag, or the fields of a nested struct.
type Field struct {
	Name   string  `json:"field"`
	GoType string  `json:"go_type"`
	Tag    *string `json:"tag"`
	Fields []Field `json:"fields"`
}

// Kind is a kind with these settings. It decodes and opens nothing.
func Kind(name string, fields []Field) (trigger.Kind, error) {
	t, err := structOf(fields)
	if err != nil {
		return trigger.Kind{}, fmt.Errorf("%s: %w", name, err)
	}
	return trigger.DefineStruct(t, name), nil
}

// Values are the decoded values by the name of their setting, spans as texts.
func Values(c trigger.Config) map[string]any {
	out := c.Settings()
	for name, v := range out {
		if d, ok := v.(time.Duration); ok {
			out[name] = d.String()
		}
	}
	return out
}

func structOf(fields []Field) (reflect.Type, error) {
	out := make([]reflect.StructField, 0, len(fields))
	for _, f := range fields {
		t, err := f.typ()
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		s := reflect.StructField{Name: f.Name, Type: t}
		if f.Tag != nil {
			s.Tag = reflect.StructTag(fmt.Sprintf("cfg:%q", ourTag(*f.Tag)))
		}
		out = append(out, s)
	}
	return reflect.StructOf(out), nil
}

func (f Field) typ() (reflect.Type, error) {
	if f.Fields != nil {
		return structOf(f.Fields)
	}
	return typeOf(f.GoType)
}

// typeOf knows the types that KEDA's parser knows.
func typeOf(name string) (reflect.Type, error) {
	if t := plainType(name); t != nil {
		return t, nil
	}
	if elem, ok := strings.CutPrefix(name, "*"); ok {
		t, err := typeOf(elem)
		return made(reflect.PointerTo, t, err)
	}
	if elem, ok := strings.CutPrefix(name, "[]"); ok {
		t, err := typeOf(elem)
		return made(reflect.SliceOf, t, err)
	}
	if elem, ok := strings.CutPrefix(name, "map[string]"); ok {
		t, err := typeOf(elem)
		return made(func(t reflect.Type) reflect.Type { return reflect.MapOf(reflect.TypeFor[string](), t) }, t, err)
	}
	return nil, fmt.Errorf("type %q is unknown: add it to triggertest/declared", name)
}

func made(of func(reflect.Type) reflect.Type, t reflect.Type, err error) (reflect.Type, error) {
	if err != nil {
		return nil, err
	}
	return of(t), nil
}

func plainType(name string) reflect.Type {
	switch name {
	case "string":
		return reflect.TypeFor[string]()
	case "bool":
		return reflect.TypeFor[bool]()
	case "int":
		return reflect.TypeFor[int]()
	case "int32":
		return reflect.TypeFor[int32]()
	case "int64":
		return reflect.TypeFor[int64]()
	case "float64":
		return reflect.TypeFor[float64]()
	case "time.Duration":
		return reflect.TypeFor[time.Duration]()
	case "url.Values":
		return reflect.TypeFor[url.Values]()
	}
	return nil
}

// ourTag says with a cfg tag what a keda tag says. KEDA reads a setting
// without an order nowhere, where ours is read from the metadata.
func ourTag(keda string) string {
	names, options, isOrdered := "", []string(nil), false
	for option := range strings.SplitSeq(keda, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(option), "=")
		switch key {
		case "name":
			names = value
		case "order":
			isOrdered = true
			options = append(options, "from="+places(value))
		case "":
		default:
			options = append(options, renamed(key)+"="+value)
		}
	}
	if !isOrdered {
		options = append(options, "from=")
	}
	return names + "," + strings.Join(options, ",")
}

func places(order string) string {
	return strings.NewReplacer("triggerMetadata", "meta", "resolvedEnv", "env", "authParams", "auth").Replace(order)
}

func renamed(option string) string {
	switch option {
	case "exclusiveSet":
		return "set"
	case "deprecatedAnnounce":
		return "announce"
	}
	return option
}
