package cron

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// set has bit n set where n belongs to it; no field of a schedule goes beyond 59.
type set uint64

func (s set) has(n int) bool { return s>>n&1 == 1 }

// span is what one field may say.
type span struct {
	name     string
	min, max int
	names    []string // of min, min+1, ...
}

// fields stand in the order in which they are written.
func fields() [5]span {
	return [5]span{
		{name: "minute", max: 59},
		{name: "hour", max: 23},
		{name: "day of month", min: 1, max: 31},
		{name: "month", min: 1, max: 12, names: strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec")},
		{name: "day of week", max: 6, names: strings.Fields("sun mon tue wed thu fri sat")},
	}
}

// schedule is a cron expression of five fields, as sets of what matches.
type schedule struct {
	minute, hour, day, month, weekday set
	// eitherDay: where neither day of month nor day of week begins with a star, one that matches is enough.
	eitherDay bool
	// zone is the expression's own (CRON_TZ=...); nil where it has none.
	zone *time.Location
}

// parse reads what KEDA reads: five fields of numbers, names, ranges, steps
// and lists, with an optional TZ= or CRON_TZ= before them.
func parse(text string) (schedule, error) {
	zone, rest, err := cutZone(text)
	if err != nil {
		return schedule{}, err
	}
	words := strings.Fields(rest)
	if len(words) != len(fields()) {
		return schedule{}, fmt.Errorf("want 5 fields (minute hour day-of-month month day-of-week), found %d", len(words))
	}
	var sets [5]set
	var stars [5]bool
	for i, f := range fields() {
		if sets[i], stars[i], err = f.parse(words[i]); err != nil {
			return schedule{}, fmt.Errorf("%s %q: %w", f.name, words[i], err)
		}
	}
	s := schedule{sets[0], sets[1], sets[2], sets[3], sets[4], !stars[2] && !stars[4], zone}
	if s.neverComes() {
		return schedule{}, fmt.Errorf("no such day ever comes")
	}
	return s, nil
}

func cutZone(text string) (*time.Location, string, error) {
	text = strings.TrimSpace(text)
	for _, prefix := range []string{"CRON_TZ=", "TZ="} {
		rest, found := strings.CutPrefix(text, prefix)
		if !found {
			continue
		}
		name, rest, _ := strings.Cut(rest, " ")
		zone, err := time.LoadLocation(name)
		if err != nil {
			return nil, "", fmt.Errorf("time zone %q: want a name of the IANA database, such as Europe/Berlin", name)
		}
		return zone, rest, nil
	}
	return nil, text, nil
}

// parse reads a list such as "1,10-20/5"; star says that a part of it was a plain star.
func (f span) parse(word string) (s set, star bool, err error) {
	for part := range strings.SplitSeq(word, ",") {
		if part == "" {
			continue // as the parser that KEDA uses: "1,,2" is "1,2"
		}
		some, starred, err := f.parsePart(part)
		if err != nil {
			return 0, false, err
		}
		s, star = s|some, star || starred
	}
	return s, star, nil
}

// parsePart reads "*", "5", "1-5" or any of them with a step.
func (f span) parsePart(part string) (s set, star bool, err error) {
	bounds, stepText, stepped := strings.Cut(part, "/")
	step := 1
	if stepped {
		if step, err = number(stepText); err != nil || step == 0 {
			return 0, false, fmt.Errorf("step %q: want a number above 0", stepText)
		}
	}
	lowText, highText, ranged := strings.Cut(bounds, "-")
	if lowText == "*" || lowText == "?" {
		return f.every(f.min, f.max, step), step == 1, nil
	}
	low, err := f.value(lowText)
	if err != nil {
		return 0, false, err
	}
	high := low
	switch {
	case ranged:
		if high, err = f.value(highText); err != nil {
			return 0, false, err
		}
	case stepped:
		high = f.max // "5/10" begins at 5
	}
	if low > high {
		return 0, false, fmt.Errorf("range %q ends before it begins", bounds)
	}
	return f.every(low, high, step), false, nil
}

func (f span) every(low, high, step int) set {
	var s set
	for n := low; n <= high; n += min(step, 60) { // a step beyond any field leaves its first
		s |= 1 << n
	}
	return s
}

func (f span) value(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(name, text) {
			return f.min + i, nil
		}
	}
	n, err := number(text)
	if err != nil || n < f.min || n > f.max {
		return 0, fmt.Errorf("%q: want a number from %d to %d", text, f.min, f.max)
	}
	return n, nil
}

// number reads a number that is not negative; like KEDA's parser it takes a plus sign.
func number(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err == nil && n < 0 {
		err = strconv.ErrRange
	}
	return n, err
}

// neverComes tells a schedule without an instant, such as the 30th of February.
func (s schedule) neverComes() bool {
	if s.minute == 0 || s.hour == 0 || s.month == 0 {
		return true
	}
	if s.eitherDay && s.weekday != 0 {
		return false
	}
	return !s.dayExists() || s.weekday == 0 && !s.eitherDay
}

func (s schedule) dayExists() bool {
	for month := 1; month <= 12; month++ {
		longest := time.Date(2000, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day() // 2000 is a leap year
		if s.month.has(month) && bits.TrailingZeros64(uint64(s.day)) <= longest {
			return true
		}
	}
	return false
}
