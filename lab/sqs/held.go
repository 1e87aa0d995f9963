package sqs

import "time"

type deleteIn struct {
	QueueUrl      string
	ReceiptHandle string
}

func (s *Server) deleteMessage(_ call, in deleteIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	return empty{}, s.delete(q, in.ReceiptHandle)
}

// delete takes a message away for good. Doing so twice is no error, and doing so by the handle of an earlier reception
// changes nothing. It needs mu.
func (s *Server) delete(q *queue, handle string) error {
	id, reception, ok := readReceipt(handle, q.name)
	if !ok {
		return faultf(receiptInvalid, "The input receipt handle %q is not a valid receipt handle.", handle)
	}
	if m := q.messages[id]; m != nil && m.received == reception {
		s.bytes -= m.size
		q.remove(m)
	}
	return nil
}

type visibilityIn struct {
	QueueUrl string
	holding
}

// holding says for how long a message stays hidden from now on.
type holding struct {
	ReceiptHandle     string
	VisibilityTimeout *int
}

func (s *Server) changeVisibility(_ call, in visibilityIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	return empty{}, s.hold(q, in.holding)
}

// hold changes when a message appears again. It needs mu.
func (s *Server) hold(q *queue, h holding) error {
	d, err := seconds("VisibilityTimeout", h.VisibilityTimeout, 43_200)
	if err != nil {
		return err
	}
	if d == nil {
		return faultf(missingParameter, "The request must contain the parameter VisibilityTimeout.")
	}
	id, reception, ok := readReceipt(h.ReceiptHandle, q.name)
	if !ok {
		return faultf(receiptInvalid, "The input receipt handle %q is not a valid receipt handle.", h.ReceiptHandle)
	}
	at := s.now()
	before := q.bytes
	q.settle(at)
	s.bytes += q.bytes - before
	m := q.messages[id]
	switch {
	case m == nil || m.received != reception:
		return faultf(invalidParameter, "Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", h.ReceiptHandle)
	case m.state != inFlight:
		return faultf(notInFlight, "The specified message isn't in flight.")
	case at.Add(*d).After(m.first.Add(maxHold)):
		return faultf(invalidParameter, "Value %d for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].", *h.VisibilityTimeout)
	}
	if *d == 0 {
		q.enter(m, visible, time.Time{})
		return nil
	}
	q.enter(m, inFlight, at.Add(*d))
	return nil
}

// maxHold is how long a message may be hidden in all.
const maxHold = 12 * time.Hour
