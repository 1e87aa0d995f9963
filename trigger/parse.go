package trigger

import (
	"encoding/json"
	"errors"
	"math"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// wantError says what is wanted; it never repeats the value, which may be a secret.
type wantError string

func (e wantError) Error() string { return "want " + string(e) }

// parse sets v from the text of a setting, by the rules of KEDA's parser.
func (s *setting) parse(text string, v reflect.Value) error {
	switch v.Type() {
	case reflect.TypeFor[time.Duration]():
		return parseDuration(text, v)
	case reflect.TypeFor[url.Values]():
		return parseURLValues(text, v)
	}
	switch v.Kind() { //nolint:exhaustive // typeName refused the rest
	case reflect.String:
		v.SetString(text)
		return nil
	case reflect.Bool:
		return parseBool(text, v)
	case reflect.Float32, reflect.Float64:
		return parseFloat(text, v)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return s.parse(text, v.Elem())
	case reflect.Slice:
		return s.parseList(text, v)
	case reflect.Map:
		return s.parseMap(text, v)
	default:
		return parseInt(text, v)
	}
}

func parseBool(text string, v reflect.Value) error {
	b, err := strconv.ParseBool(text)
	if err != nil {
		return wantError("true or false")
	}
	v.SetBool(b)
	return nil
}

// parseInt takes JSON's integers: no 0x10, no 1e3, no 5.0.
func parseInt(text string, v reflect.Value) error {
	number, ok := jsonNumber(text)
	bits := v.Type().Bits()
	if v.CanUint() {
		n, err := strconv.ParseUint(number, 10, bits)
		if !ok || err != nil {
			return wantError("a whole number from 0 to " + strconv.FormatUint(math.MaxUint64>>(64-bits), 10))
		}
		v.SetUint(n)
		return nil
	}
	n, err := strconv.ParseInt(number, 10, bits)
	if !ok || err != nil {
		if errors.Is(err, strconv.ErrRange) {
			return wantError("a whole number of at most " + strconv.Itoa(bits) + " bits")
		}
		return wantError("a whole number")
	}
	v.SetInt(n)
	return nil
}

// parseFloat takes JSON's numbers: no .5, no NaN, no Inf.
func parseFloat(text string, v reflect.Value) error {
	number, ok := jsonNumber(text)
	f, err := strconv.ParseFloat(number, v.Type().Bits())
	if !ok || err != nil {
		return wantError("a number, such as 5 or 0.5")
	}
	v.SetFloat(f)
	return nil
}

func jsonNumber(text string) (string, bool) {
	text = strings.TrimSpace(text)
	if text == "" || (text[0] != '-' && (text[0] < '0' || text[0] > '9')) {
		return text, false
	}
	return text, json.Valid([]byte(text))
}

// parseDuration takes Go's durations and whole milliseconds.
func parseDuration(text string, v reflect.Value) error {
	d, err := time.ParseDuration(text)
	if err != nil {
		ms, e := strconv.ParseInt(text, 10, 64)
		if e != nil || ms > math.MaxInt64/int64(time.Millisecond) {
			return wantError("a duration such as 30s, or whole milliseconds")
		}
		d = time.Duration(max(ms, -1)) * time.Millisecond
	}
	if d < 0 {
		return wantError("a duration that is not negative")
	}
	v.SetInt(int64(d))
	return nil
}

func parseURLValues(text string, v reflect.Value) error {
	values, err := url.ParseQuery(text)
	if err != nil {
		return wantError("values as in a URL's query, such as a=1&b=2")
	}
	v.Set(reflect.ValueOf(values))
	return nil
}

// parseList takes elements between separators, each trimmed; an empty one is an element.
func (s *setting) parseList(text string, v reflect.Value) error {
	for part := range strings.SplitSeq(text, s.sep) {
		part = strings.TrimSpace(part)
		if s.dash != "" && typeName(v.Type().Elem()) == "int" && strings.Contains(part, s.dash) {
			if err := s.parseRange(part, v); err != nil {
				return err
			}
			continue
		}
		elem := reflect.New(v.Type().Elem()).Elem()
		if err := s.parse(part, elem); err != nil {
			return err
		}
		v.Set(reflect.Append(v, elem))
	}
	return nil
}

// longestList bounds what ranges expand to; KEDA has no bound, and 0-9999999999 takes its memory.
const longestList = 100_000

// parseRange adds start..end, both included; an end before the start adds nothing.
func (s *setting) parseRange(text string, v reflect.Value) error {
	ends := strings.Split(text, s.dash)
	elem := v.Type().Elem()
	start, end := reflect.New(elem).Elem(), reflect.New(elem).Elem()
	if len(ends) != 2 || parseInt(ends[0], start) != nil || parseInt(ends[1], end) != nil {
		return wantError("numbers and ranges such as 1" + s.dash + "5")
	}
	from, to := integer(start), integer(end)
	if to-from >= longestList-int64(v.Len()) || (to > from && to-from < 0) {
		return wantError("ranges of at most " + strconv.Itoa(longestList) + " numbers")
	}
	for i := from; i <= to; i++ {
		n := reflect.New(elem).Elem()
		n.Set(reflect.ValueOf(i).Convert(elem))
		v.Set(reflect.Append(v, n))
		if i == math.MaxInt64 {
			break
		}
	}
	return nil
}

func integer(v reflect.Value) int64 {
	if v.CanUint() {
		return int64(min(v.Uint(), math.MaxInt64))
	}
	return v.Int()
}

// parseMap takes key=value between separators; neither holds a further "=".
func (s *setting) parseMap(text string, v reflect.Value) error {
	t := v.Type()
	v.Set(reflect.MakeMap(t))
	for part := range strings.SplitSeq(text, s.sep) {
		pair := strings.Split(part, "=")
		if len(pair) != 2 {
			return wantError("key=value" + s.sep + "key=value")
		}
		key, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
		if err := s.parse(strings.TrimSpace(pair[0]), key); err != nil {
			return err
		}
		if err := s.parse(strings.TrimSpace(pair[1]), value); err != nil {
			return err
		}
		v.SetMapIndex(key, value)
	}
	return nil
}

// numberOf is the value of a target or an activation.
func numberOf(v reflect.Value) (float64, bool) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			_, ok := numberOf(reflect.Zero(v.Type().Elem()))
			return 0, ok
		}
		v = v.Elem()
	}
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		return 0, false
	case v.CanInt():
		return float64(v.Int()), true
	case v.CanUint():
		return float64(v.Uint()), true
	case v.CanFloat():
		return v.Float(), true
	}
	return 0, false
}
