package sqs

import (
	"strings"
	"time"
	"unicode/utf8"
)

// attribute is a message attribute as the protocol has it.
type attribute struct {
	DataType    string
	StringValue string `json:",omitempty"`
	BinaryValue []byte `json:",omitempty"`
}

// letter is what a sender gives for one message.
type letter struct {
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]attribute
	MessageSystemAttributes map[string]attribute
}

type sendIn struct {
	QueueUrl string
	letter
}

type sendOut struct {
	MD5OfMessageBody       string
	MD5OfMessageAttributes string `json:",omitempty"`
	MessageId              string
}

func (s *Server) sendMessage(_ call, in sendIn) (sendOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return sendOut{}, err
	}
	return s.send(q, in.letter)
}

// send puts a message into a queue. It needs mu.
func (s *Server) send(q *queue, l letter) (sendOut, error) {
	delay, err := l.check(q.settings)
	if err != nil {
		return sendOut{}, err
	}
	size := l.size()
	if s.bytes+size > s.maxBytes {
		return sendOut{}, faultf(overLimit, "the lab's queues hold %d bytes of messages and take no more: receive, purge or delete some", s.maxBytes)
	}
	at := s.now()
	m := &message{
		id: newID(), body: l.MessageBody, attributes: l.MessageAttributes, size: size, sent: at,
		trace: l.MessageSystemAttributes["AWSTraceHeader"].StringValue,
	}
	s.bytes += size
	q.add(m, delay, at)
	return sendOut{MD5OfMessageBody: digest(m.body), MD5OfMessageAttributes: digestAttributes(m.attributes), MessageId: m.id}, nil
}

func (l letter) size() int {
	n := len(l.MessageBody)
	for name, a := range l.MessageAttributes {
		n += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return n
}

// check gives the delay of the message, or why it is refused.
func (l letter) check(s settings) (time.Duration, error) {
	switch {
	case l.MessageBody == "":
		return 0, faultf(missingParameter, "The request must contain the parameter MessageBody.")
	case l.size() > s.maxSize:
		return 0, faultf(invalidParameter, "One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", s.maxSize)
	case !printable(l.MessageBody):
		return 0, faultf(invalidContents, "Message body has characters that are not allowed.")
	case len(l.MessageAttributes) > 10:
		return 0, faultf(invalidParameter, "Number of message attributes [%d] exceeds the allowed maximum [10].", len(l.MessageAttributes))
	}
	for name, a := range l.MessageAttributes {
		if err := a.check(name); err != nil {
			return 0, err
		}
	}
	if l.DelaySeconds == nil {
		return s.delay, nil
	}
	if d := *l.DelaySeconds; d < 0 || d > 900 {
		return 0, faultf(invalidParameter, "Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", d)
	}
	return time.Duration(*l.DelaySeconds) * time.Second, nil
}

func (a attribute) check(name string) error {
	kind, _, _ := strings.Cut(a.DataType, ".")
	switch {
	case kind == "Binary" && len(a.BinaryValue) > 0:
	case (kind == "String" || kind == "Number") && a.StringValue != "":
	case kind == "Binary", kind == "String", kind == "Number":
		return faultf(invalidParameter, "The message attribute '%s' must contain a non-empty message attribute value for message attribute type '%s'.", name, a.DataType)
	default:
		return faultf(invalidParameter, "The message attribute '%s' has an invalid message attribute type: %q; it begins with String, Number or Binary.", name, a.DataType)
	}
	return nil
}

// printable says whether the service takes the characters of a body: those of XML 1.0.
func printable(body string) bool {
	return utf8.ValidString(body) && !strings.ContainsFunc(body, func(c rune) bool {
		return (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0xFFFE || c == 0xFFFF
	})
}
