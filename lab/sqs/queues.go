package sqs

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

type createIn struct {
	QueueName  string
	Attributes map[string]string
}

type urlOut struct{ QueueUrl string }

// queueIn is the request of operations that need a queue and nothing else.
type queueIn struct{ QueueUrl string }

func (s *Server) createQueue(c call, in createIn) (urlOut, error) {
	if err := checkName(in.QueueName); err != nil {
		return urlOut{}, err
	}
	wanted, err := defaultSettings().with(in.Attributes)
	if err != nil {
		return urlOut{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkRedrive(wanted.redrive); err != nil {
		return urlOut{}, err
	}
	if have, ok := s.queues[in.QueueName]; ok {
		same, err := have.settings.with(in.Attributes)
		if err != nil || !equal(same, have.settings) {
			return urlOut{}, faultf(queueNameExists, "A queue already exists with the same name and a different value for one of its attributes.")
		}
		return urlOut{s.url(c, in.QueueName)}, nil
	}
	if len(s.queues) == maxQueues {
		return urlOut{}, faultf(overLimit, "the lab's queue service has %d queues and takes no more: delete some", maxQueues)
	}
	s.queues[in.QueueName] = newQueue(in.QueueName, wanted, s.now())
	return urlOut{s.url(c, in.QueueName)}, nil
}

// Create makes a queue with the service's own settings, unless there is one of that name.
func (s *Server) Create(name string) error {
	_, err := s.createQueue(call{}, createIn{QueueName: name})
	return err
}

// CheckNames says which of the names is none for a queue.
func CheckNames(names []string) error {
	for _, name := range names {
		if err := checkName(name); err != nil {
			return fmt.Errorf("queue name %q: %w", name, err)
		}
	}
	return nil
}

func equal(a, b settings) bool {
	if !maps.Equal(a.other, b.other) {
		return false
	}
	return a.visibility == b.visibility && a.delay == b.delay && a.wait == b.wait && a.retention == b.retention &&
		a.maxSize == b.maxSize && a.redrive == b.redrive
}

func checkName(name string) error {
	switch {
	case name == "":
		return faultf(missingParameter, "The request must contain the parameter QueueName.")
	case strings.HasSuffix(name, ".fifo"):
		return faultf(unsupportedOperation, "queue %s: the lab has standard queues only", name)
	case !regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`).MatchString(name):
		return faultf(invalidParameter, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}

// checkRedrive wants the target to be there. It needs mu.
func (s *Server) checkRedrive(r redrive) error {
	if r.maxReceives > 0 && s.queues[r.target] == nil {
		return faultf(invalidValue, "Value %s for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.", r.text)
	}
	return nil
}

// url names a queue by the address at which its caller found the service.
func (s *Server) url(c call, name string) string {
	return (&url.URL{Scheme: "http", Host: c.host, Path: "/" + Account + "/" + name}).String()
}

// find gives the queue of a URL, of which the last part counts. It needs mu.
func (s *Server) find(address string) (*queue, error) {
	if address == "" {
		return nil, faultf(missingParameter, "The request must contain the parameter QueueUrl.")
	}
	name := address
	if u, err := url.Parse(address); err == nil {
		name = path.Base(u.Path)
	}
	q, ok := s.queues[name]
	if !ok {
		return nil, faultf(queueDoesNotExist, "The specified queue does not exist.")
	}
	return q, nil
}

type getURLIn struct{ QueueName string }

func (s *Server) getQueueURL(c call, in getURLIn) (urlOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.queues[in.QueueName]; !ok {
		return urlOut{}, faultf(queueDoesNotExist, "The specified queue does not exist.")
	}
	return urlOut{s.url(c, in.QueueName)}, nil
}

type listIn struct {
	QueueNamePrefix string
	MaxResults      int
	NextToken       string
}

type listOut struct {
	QueueUrls []string `json:",omitempty"`
	NextToken string   `json:",omitempty"`
}

func (s *Server) listQueues(c call, in listIn) (listOut, error) {
	if in.MaxResults < 0 || in.MaxResults > 1000 {
		return listOut{}, faultf(invalidParameter, "Value %d for parameter MaxResults is invalid. Reason: Must be between 1 and 1000.", in.MaxResults)
	}
	s.mu.Lock()
	names := slices.Sorted(maps.Keys(s.queues))
	s.mu.Unlock()
	var out listOut
	last := ""
	for _, name := range names {
		if !strings.HasPrefix(name, in.QueueNamePrefix) || name <= in.NextToken {
			continue
		}
		if in.MaxResults > 0 && len(out.QueueUrls) == in.MaxResults {
			out.NextToken = last
			break
		}
		out.QueueUrls, last = append(out.QueueUrls, s.url(c, name)), name
	}
	return out, nil
}

func (s *Server) deleteQueue(_ call, in queueIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	s.bytes -= q.bytes
	q.clear()
	delete(s.queues, q.name)
	return empty{}, nil
}

func (s *Server) purgeQueue(_ call, in queueIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	s.bytes -= q.bytes
	q.clear()
	return empty{}, nil
}

type getAttributesIn struct {
	QueueUrl       string
	AttributeNames []string
}

type attributesOut struct {
	Attributes map[string]string `json:",omitempty"`
}

func (s *Server) getQueueAttributes(_ call, in getAttributesIn) (attributesOut, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return attributesOut{}, err
	}
	before := q.bytes
	all := s.all(q, s.now())
	s.bytes += q.bytes - before
	out := attributesOut{Attributes: map[string]string{}}
	for _, name := range in.AttributeNames {
		if name == "All" {
			return attributesOut{all}, nil
		}
		value, ok := all[name]
		if !ok && !isAttribute(name) {
			return attributesOut{}, faultf(invalidAttribute, "Unknown Attribute %s.", name)
		}
		if ok {
			out.Attributes[name] = value
		}
	}
	return out, nil
}

// isAttribute knows the names of attributes that a queue need not have.
func isAttribute(name string) bool {
	return name == "RedrivePolicy" || name == policy || slices.Contains(inert(), name)
}

type setAttributesIn struct {
	QueueUrl   string
	Attributes map[string]string
}

func (s *Server) setQueueAttributes(_ call, in setAttributesIn) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	wanted, err := q.settings.with(in.Attributes)
	if err != nil {
		return empty{}, err
	}
	if err := s.checkRedrive(wanted.redrive); err != nil {
		return empty{}, err
	}
	q.settings, q.modified = wanted, s.now()
	q.wake() // whoever waits may be given up on other terms now
	return empty{}, nil
}
