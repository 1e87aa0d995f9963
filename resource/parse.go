package resource

import (
	"bufio"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"strconv"
	"time"
)

// errKubelet is what a kubelet says with resource_scrape_error 1: it answered,
// and its answer holds no containers. Reading that as "no pods" would be a lie.
var errKubelet = errors.New("the kubelet could not read its own container metrics (resource_scrape_error is 1)")

// errCut is an answer that was not sent to its end: every line ends in a newline.
var errCut = errors.New("the answer ends in the middle of a line")

// maxLine bounds one line of the answer, and so the memory of a read in bytes.
// The longest legal one (a 63, a 253 and a 63 byte label) is below 600.
const maxLine = 16 << 10

// figure is one number and the instant it was taken at.
type figure struct {
	at    int64 // milliseconds since the epoch; 0 means that there is none
	value float64
}

// row is all that an answer says about one container.
type row struct {
	hash                       uint64
	namespace, pod, container  span
	cpu, memory, swap, started figure
}

// span is a piece of the answer's names.
type span struct{ from, to uint32 }

// answer is one parsed /metrics/resource. It is reused: a steady state parses
// without allocating.
type answer struct {
	cpu, memory, swap figure // of the node
	rows              []row

	seed   maphash.Seed
	names  []byte  // what spans point into
	slots  []int32 // open addressing by row.hash: index into rows plus one
	naming naming
	failed bool
	lines  *bufio.Reader
}

func newAnswer() *answer {
	return &answer{seed: maphash.MakeSeed(), slots: make([]int32, 256), lines: bufio.NewReaderSize(nil, maxLine)}
}

func (a *answer) reset(body io.Reader) {
	a.cpu, a.memory, a.swap = figure{}, figure{}, figure{}
	a.rows, a.names, a.failed = a.rows[:0], a.names[:0], false
	clear(a.slots)
	a.lines.Reset(body)
}

// parse reads the Prometheus text format to its end. Lines without a timestamp
// are taken to be of instant at. After an error the answer means nothing.
func (a *answer) parse(body io.Reader, at time.Time) error {
	a.reset(body)
	defer a.lines.Reset(nil)
	for n := 1; ; n++ {
		line, err := a.lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if errors.Is(err, io.EOF) {
			return errCut
		}
		if err != nil {
			return fmt.Errorf("read line %d: %w", n, err)
		}
		if err := a.line(line[:len(line)-1], at.UnixMilli()); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if a.failed {
		return errKubelet
	}
	return nil
}

// line takes one line: a comment, a sample of interest, or one to skip.
func (a *answer) line(l []byte, at int64) error {
	l = skip(l)
	if len(l) == 0 || l[0] == '#' {
		return nil
	}
	end := wordEnd(l, '{')
	if end == 0 || end == len(l) {
		return nil
	}
	f := familyOf(l[:end])
	if f == otherFamily {
		return nil
	}
	rest, err := a.naming.parse(skip(l[end:]))
	if err != nil {
		return err
	}
	v, err := sample(rest, at)
	if err != nil {
		return err
	}
	a.put(f, v)
	return nil
}

// family is a metric that Furl reads.
type family uint8

const (
	otherFamily family = iota
	nodeCPU
	nodeMemory
	nodeSwap
	containerCPU
	containerMemory
	containerSwap
	containerStart
	scrapeError
)

// familyOf knows the kubelet's names (pkg/kubelet/metrics/collectors/resource_metrics.go).
func familyOf(name []byte) family {
	switch string(name) {
	case "container_cpu_usage_seconds_total":
		return containerCPU
	case "container_memory_working_set_bytes":
		return containerMemory
	case "container_swap_usage_bytes":
		return containerSwap
	case "container_start_time_seconds":
		return containerStart
	case "node_cpu_usage_seconds_total":
		return nodeCPU
	case "node_memory_working_set_bytes":
		return nodeMemory
	case "node_swap_usage_bytes":
		return nodeSwap
	case "resource_scrape_error", "scrape_error":
		return scrapeError
	}
	return otherFamily
}

func (a *answer) put(f family, v figure) {
	switch f {
	case nodeCPU:
		a.cpu = v
	case nodeMemory:
		a.memory = v
	case nodeSwap:
		a.swap = v
	case scrapeError:
		a.failed = a.failed || v.value != 0
	case containerCPU, containerMemory, containerSwap, containerStart:
		a.putContainer(f, v)
	case otherFamily:
	}
}

func (a *answer) putContainer(f family, v figure) {
	l := &a.naming
	if len(l.namespace) == 0 || len(l.pod) == 0 || len(l.container) == 0 {
		return
	}
	r := a.row(l)
	switch f { //nolint:exhaustive // the caller passes the families of containers only
	case containerCPU:
		r.cpu = v
	case containerMemory:
		r.memory = v
	case containerSwap:
		r.swap = v
	case containerStart:
		r.started = v
	}
}

// row finds the container's row, or begins it.
func (a *answer) row(l *naming) *row {
	h := maphash.Bytes(a.seed, l.pod) ^ maphash.Bytes(a.seed, l.container)*31 ^ maphash.Bytes(a.seed, l.namespace)*17
	for i := h; ; i++ {
		slot := &a.slots[i%uint64(len(a.slots))]
		if *slot == 0 {
			a.rows = append(a.rows, row{hash: h, namespace: a.keep(l.namespace), pod: a.keep(l.pod), container: a.keep(l.container)})
			*slot = int32(len(a.rows)) //nolint:gosec // bounded by maxBody
			a.grow()
			return &a.rows[len(a.rows)-1]
		}
		r := &a.rows[*slot-1]
		if r.hash == h && a.is(r.pod, l.pod) && a.is(r.container, l.container) && a.is(r.namespace, l.namespace) {
			return r
		}
	}
}

// grow keeps at least half of the slots free.
func (a *answer) grow() {
	if 2*len(a.rows) <= len(a.slots) {
		return
	}
	a.slots = make([]int32, 2*len(a.slots))
	for n := range a.rows {
		i := a.rows[n].hash
		for ; a.slots[i%uint64(len(a.slots))] != 0; i++ {
		}
		a.slots[i%uint64(len(a.slots))] = int32(n + 1)
	}
}

func (a *answer) keep(b []byte) span {
	from := len(a.names)
	a.names = append(a.names, b...)
	return span{uint32(from), uint32(len(a.names))} //nolint:gosec // bounded by maxBody
}

func (a *answer) text(s span) []byte { return a.names[s.from:s.to] }

func (a *answer) is(s span, b []byte) bool { return string(a.names[s.from:s.to]) == string(b) }

// sample parses what follows the labels: a value and perhaps a timestamp.
func sample(l []byte, at int64) (figure, error) {
	word, rest := field(l)
	v, err := number(word)
	if err != nil {
		return figure{}, err
	}
	if word, rest = field(rest); len(word) > 0 {
		if at, err = strconv.ParseInt(string(word), 10, 64); err != nil {
			return figure{}, fmt.Errorf("timestamp %q is no count of milliseconds", word)
		}
	}
	if len(rest) > 0 {
		return figure{}, fmt.Errorf("unexpected %q after the timestamp", rest)
	}
	return figure{at: at, value: v}, nil
}

// number parses a value as the format defines it: Go's floats without hexadecimal and underscores.
func number(word []byte) (float64, error) {
	for _, c := range word {
		if c == 'p' || c == 'P' || c == '_' {
			return 0, fmt.Errorf("value %q is no number", word)
		}
	}
	v, err := strconv.ParseFloat(string(word), 64)
	if err != nil {
		return 0, fmt.Errorf("value %q is no number", word)
	}
	return v, nil
}

// field cuts the first word off l.
func field(l []byte) (word, rest []byte) {
	l = skip(l)
	end := wordEnd(l, ' ')
	return l[:end], skip(l[end:])
}

// skip cuts blanks off the beginning. Most lines have none to speak of, which
// makes it some times faster than [bytes.TrimLeft]; so it is with wordEnd.
func skip(l []byte) []byte {
	for len(l) > 0 && (l[0] == ' ' || l[0] == '\t') {
		l = l[1:]
	}
	return l
}

// wordEnd is where the first blank is, or the first other, or the end.
func wordEnd(l []byte, other byte) int {
	for i, c := range l {
		if c == ' ' || c == '\t' || c == other {
			return i
		}
	}
	return len(l)
}

// count returns f times unit as a whole number. Absent, zero, negative and
// absurd figures are no count.
func (f figure) count(unit float64) (n uint64, ok bool) {
	v := f.value * unit
	if f.at <= 0 || !(v >= 1) || v >= math.MaxInt64 {
		return 0, false
	}
	return uint64(v), true
}

// millis returns a figure in seconds since the epoch as milliseconds, 0 if it is none.
func (f figure) millis() int64 {
	if n, ok := f.count(1000); ok {
		return int64(n) //nolint:gosec // count keeps it below MaxInt64
	}
	return 0
}
