package sqs

import (
	"strconv"
	"strings"
	"time"
)

type receiveIn struct {
	QueueUrl                    string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	AttributeNames              []string // the older name of the next
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
}

type receiveOut struct {
	Messages []received `json:",omitempty"`
}

type received struct {
	MessageId              string
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string    `json:",omitempty"`
	MD5OfMessageAttributes string               `json:",omitempty"`
	MessageAttributes      map[string]attribute `json:",omitempty"`
}

// terms are how a reception wants its messages.
type terms struct {
	most int
	hide *time.Duration // the queue's own when nil
	wait *time.Duration // the queue's own when nil
}

func (in receiveIn) terms() (terms, error) {
	t := terms{most: 1}
	if in.MaxNumberOfMessages != nil {
		t.most = *in.MaxNumberOfMessages
	}
	if t.most < 1 || t.most > 10 {
		return t, faultf(invalidParameter, "Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", t.most)
	}
	var err error
	if t.hide, err = seconds("VisibilityTimeout", in.VisibilityTimeout, 43_200); err != nil {
		return t, err
	}
	t.wait, err = seconds("WaitTimeSeconds", in.WaitTimeSeconds, 20)
	return t, err
}

func seconds(name string, n *int, most int) (*time.Duration, error) {
	if n == nil {
		return nil, nil //nolint:nilnil // not said is no mistake
	}
	if *n < 0 || *n > most {
		return nil, faultf(invalidParameter, "Value %d for parameter %s is invalid. Reason: Must be >= 0 and <= %d, if provided.", *n, name, most)
	}
	d := time.Duration(*n) * time.Second
	return &d, nil
}

// receiveMessage waits for a message as long as it may, and answers as soon as there is one.
func (s *Server) receiveMessage(c call, in receiveIn) (receiveOut, error) {
	t, err := in.terms()
	if err != nil {
		return receiveOut{}, err
	}
	var deadline time.Time
	for {
		out, again, err := s.receive(c, in, t, &deadline)
		if err != nil || again == nil {
			return out, err
		}
		timer := time.NewTimer(again.at)
		select {
		case <-again.changed:
		case <-timer.C:
		case <-c.ctx.Done(): // nobody listens any more, so nothing may be taken
			timer.Stop()
			return receiveOut{}, nil
		}
		timer.Stop()
	}
}

// later says when to look again: after a while, or when the queue changed.
type later struct {
	changed <-chan struct{}
	at      time.Duration
}

// receive looks once. It says when to look again, or nothing when its answer is final.
func (s *Server) receive(c call, in receiveIn, t terms, deadline *time.Time) (receiveOut, *later, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil || c.ctx.Err() != nil {
		return receiveOut{}, nil, err
	}
	at := s.now()
	wait, hide := q.settings.wait, q.settings.visibility
	if t.wait != nil {
		wait = *t.wait
	}
	if t.hide != nil {
		hide = *t.hide
	}
	if deadline.IsZero() {
		*deadline = at.Add(wait)
	}
	if q.count[inFlight]+t.most > maxInFlight {
		return receiveOut{}, nil, faultf(overLimit, "Too many messages in flight: the queue has %d.", q.count[inFlight])
	}
	taken := s.take(q, t.most, hide, at)
	if len(taken) > 0 || !deadline.After(at) {
		return present(q, taken, in), nil, nil
	}
	next := deadline.Sub(at)
	if due := q.nextVisible(); !due.IsZero() {
		next = min(next, due.Sub(at))
	}
	return receiveOut{}, &later{changed: q.changed, at: next}, nil
}

// take receives, and moves what was received too often to the queue for dead letters. It needs mu.
func (s *Server) take(q *queue, most int, hide time.Duration, at time.Time) []*message {
	before := q.bytes
	taken, dead := q.take(most, hide, at)
	s.bytes += q.bytes - before
	target := s.queues[q.settings.redrive.target]
	for _, m := range dead {
		if target == nil { // it was deleted meanwhile, and with it all that would have come there
			continue
		}
		s.bytes += m.size
		m.source, m.received = s.arn(q.name), 0
		target.add(m, 0, at)
	}
	return taken
}

// present shows messages as the reception asked for them.
func present(q *queue, taken []*message, in receiveIn) receiveOut {
	var out receiveOut
	names := in.MessageSystemAttributeNames
	if len(names) == 0 {
		names = in.AttributeNames
	}
	for _, m := range taken {
		r := received{
			MessageId: m.id, ReceiptHandle: m.receipt(q.name), MD5OfBody: digest(m.body), Body: m.body,
			Attributes: m.system(names), MessageAttributes: m.wanted(in.MessageAttributeNames),
		}
		r.MD5OfMessageAttributes = digestAttributes(r.MessageAttributes)
		out.Messages = append(out.Messages, r)
	}
	return out
}

// system gives the attributes that the service keeps of a message.
func (m *message) system(names []string) map[string]string {
	millis := func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
	all := map[string]string{
		"ApproximateReceiveCount":          strconv.Itoa(m.received),
		"ApproximateFirstReceiveTimestamp": millis(m.first),
		"SentTimestamp":                    millis(m.sent),
		"SenderId":                         Account,
	}
	if m.trace != "" {
		all["AWSTraceHeader"] = m.trace
	}
	if m.source != "" {
		all["DeadLetterQueueSourceArn"] = m.source
	}
	out := map[string]string{}
	for _, name := range names {
		if name == "All" {
			return all
		}
		if value, ok := all[name]; ok {
			out[name] = value
		}
	}
	return out
}

// wanted gives the attributes whose names, or beginnings of names, were asked for.
func (m *message) wanted(names []string) map[string]attribute {
	out := map[string]attribute{}
	for name, a := range m.attributes {
		for _, want := range names {
			start, open := strings.CutSuffix(want, ".*")
			if want == "All" || want == name || (open && strings.HasPrefix(name, start)) {
				out[name] = a
				break
			}
		}
	}
	return out
}
