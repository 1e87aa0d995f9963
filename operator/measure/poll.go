package measure

import "time"

// pollEvery is how often the aggregated metrics APIs are asked for one
// workload: upstream's sync period. A pod event in between decides on the last answer.
const pollEvery = 15 * time.Second

// Poll is the last answer for one signal.
type Poll struct {
	At       time.Time
	Measures []Measure
	Value    int64
	Err      error
}

// polls keeps the last answers of metrics APIs, one a signal.
type polls map[string]Poll

// Forget drops all answers, such as after a change of the spec.
func (w *Workload) Forget() { clear(w.polls) }

// Poll returns the answer for a signal, asking when there is none that is
// recent, and notes when the next is due.
func (w *Workload) Poll(signal string, at time.Time, ask func(*Poll)) *Poll {
	got, ok := w.polls[signal]
	if !ok || at.Sub(got.At) >= pollEvery {
		got = Poll{At: at, Measures: got.Measures[:0]}
		ask(&got)
		if w.polls == nil {
			w.polls = make(polls)
		}
		w.polls[signal] = got
	}
	w.Expect(got.At.Add(pollEvery))
	return &got
}
