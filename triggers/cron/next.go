package cron

import "time"

// horizonYears is how far ahead a schedule is searched: no day is rarer than the
// 29th of February, which stays away for eight years around 2100.
const horizonYears = 9

// event is the next time a schedule names.
type event struct {
	at time.Time
	// wall is what the clock on the wall was meant to show, as if it were UTC. It
	// orders events of one instant: where clocks are put forward, all times
	// of the missing hour come when it would have ended.
	wall time.Time
}

func (e event) before(o event) bool {
	return e.at.Before(o.at) || e.at.Equal(o.at) && e.wall.Before(o.wall)
}

// next is the first event after an instant in a zone. A time of day that comes twice,
// as clocks are put back, counts twice; one that is skipped comes at the instant of the change.
func (s schedule) next(after time.Time, zone *time.Location) event {
	if s.zone != nil {
		zone = s.zone
	}
	limit := after.AddDate(horizonYears, 0, 0)
	wall := onTheWall(after.In(zone)).Truncate(time.Minute).Add(time.Minute)
	for at := after.In(zone); at.Before(limit); {
		_, end := at.ZoneBounds() // the clock runs evenly until then
		if end.IsZero() || end.After(limit) {
			end = limit
		}
		end = end.In(zone)
		offset := onTheWall(at).Sub(at)
		if found, ok := s.onCalendar(wall, end.Add(offset).UTC()); ok {
			return event{at: found.Add(-offset), wall: found}
		}
		skipped, change := end.Add(offset).UTC(), onTheWall(end)
		if found, ok := s.onCalendar(skipped, change); ok {
			return event{at: end, wall: found}
		}
		at, wall = end, change
	}
	return event{at: limit, wall: limit}
}

// onTheWall is the time that the clocks of t's zone show, as if it were UTC.
func onTheWall(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// onCalendar is the first match in [from, to) of a calendar without time zones.
func (s schedule) onCalendar(from, to time.Time) (time.Time, bool) {
	t := from
	if whole := t.Truncate(time.Minute); !whole.Equal(t) {
		t = whole.Add(time.Minute)
	}
	for t.Before(to) {
		switch y, m, d := t.Date(); {
		case !s.month.has(int(m)):
			t = time.Date(y, m+1, 1, 0, 0, 0, 0, time.UTC)
		case !s.onDay(t):
			t = time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC)
		case !s.hour.has(t.Hour()):
			t = t.Truncate(time.Hour).Add(time.Hour)
		case !s.minute.has(t.Minute()):
			t = t.Add(time.Minute)
		default:
			return t, true
		}
	}
	return time.Time{}, false
}

func (s schedule) onDay(t time.Time) bool {
	day, weekday := s.day.has(t.Day()), s.weekday.has(int(t.Weekday()))
	if s.eitherDay {
		return day || weekday
	}
	return day && weekday
}
