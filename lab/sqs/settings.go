package sqs

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are the attributes of a queue that may be set.
type settings struct {
	visibility time.Duration
	delay      time.Duration
	wait       time.Duration // of a reception that names none
	retention  time.Duration
	maxSize    int // bytes of a message
	redrive    redrive
	denials    []denial          // of the policy, whose text is in other
	other      map[string]string // kept and shown; all but the policy without a meaning here
}

// redrive says where messages go that were received too often.
type redrive struct {
	text        string // as it was set
	target      string // name of the queue
	maxReceives int    // zero for never
}

// defaultSettings are the service's own.
func defaultSettings() settings {
	return settings{
		visibility: 30 * time.Second, retention: 4 * 24 * time.Hour, maxSize: 1 << 20,
		other: map[string]string{"SqsManagedSseEnabled": "true"},
	}
}

// span is the range of an attribute, in its unit.
type span struct{ least, most int }

func ranges() map[string]span {
	return map[string]span{
		"VisibilityTimeout":             {0, 43_200},
		"DelaySeconds":                  {0, 900},
		"ReceiveMessageWaitTimeSeconds": {0, 20},
		"MessageRetentionPeriod":        {60, 1_209_600},
		"MaximumMessageSize":            {1024, 1 << 20},
	}
}

// policy is the attribute that says who may do what; what it denies is denied.
const policy = "Policy"

// inert are attributes that are accepted and shown but mean nothing to the lab.
func inert() []string {
	return []string{"KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled", "RedriveAllowPolicy"}
}

// with gives the settings after attributes were set.
func (s settings) with(attributes map[string]string) (settings, error) {
	s.other = maps.Clone(s.other)
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if err := s.set(name, attributes[name]); err != nil {
			return settings{}, err
		}
	}
	return s, nil
}

func (s *settings) set(name, value string) error {
	switch {
	case name == "RedrivePolicy":
		r, err := readRedrive(value)
		s.redrive = r
		return err
	case name == policy:
		d, err := readPolicy(value)
		if err != nil {
			return err
		}
		s.denials = d
		fallthrough
	case slices.Contains(inert(), name):
		s.other[name] = value
		if value == "" {
			delete(s.other, name)
		}
		return nil
	case name == "FifoQueue":
		return faultf(invalidAttribute, "FifoQueue: the lab has standard queues only")
	}
	allowed, ok := ranges()[name]
	if !ok {
		return faultf(invalidAttribute, "Unknown Attribute %s.", name)
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < allowed.least || n > allowed.most {
		return faultf(invalidValue, "Invalid value for the parameter %s: %q is not between %d and %d.", name, value, allowed.least, allowed.most)
	}
	span := time.Duration(n) * time.Second
	switch name {
	case "VisibilityTimeout":
		s.visibility = span
	case "DelaySeconds":
		s.delay = span
	case "ReceiveMessageWaitTimeSeconds":
		s.wait = span
	case "MessageRetentionPeriod":
		s.retention = span
	case "MaximumMessageSize":
		s.maxSize = n
	}
	return nil
}

// readRedrive reads a redrive policy; an empty text takes it away.
func readRedrive(text string) (redrive, error) {
	if text == "" {
		return redrive{}, nil
	}
	var p struct {
		Target string      `json:"deadLetterTargetArn"`
		Max    json.Number `json:"maxReceiveCount"` // a number, or one in quotes
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return redrive{}, faultf(invalidValue, "Value %s for parameter RedrivePolicy is invalid: %v", text, err)
	}
	n, err := strconv.Atoi(p.Max.String())
	if err != nil || n < 1 || n > 1000 {
		return redrive{}, faultf(invalidValue, "Value %s for parameter RedrivePolicy is invalid. Reason: Invalid value for maxReceiveCount: %s, valid values are from 1 to 1000 both inclusive.",
			text, p.Max)
	}
	parts := strings.Split(p.Target, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sqs" {
		return redrive{}, faultf(invalidValue, "Value %s for parameter RedrivePolicy is invalid. Reason: deadLetterTargetArn is no ARN of a queue.", text)
	}
	return redrive{text: text, target: parts[5], maxReceives: n}, nil
}

// all gives every attribute of a queue as the service shows it, with its counts at an instant.
func (s *Server) all(q *queue, at time.Time) map[string]string {
	q.settle(at)
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	all := map[string]string{
		"ApproximateNumberOfMessages":           strconv.Itoa(q.count[visible]),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(q.count[inFlight]),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(q.count[delayed]),
		"CreatedTimestamp":                      strconv.FormatInt(q.created.Unix(), 10),
		"LastModifiedTimestamp":                 strconv.FormatInt(q.modified.Unix(), 10),
		"QueueArn":                              s.arn(q.name),
		"VisibilityTimeout":                     seconds(q.settings.visibility),
		"DelaySeconds":                          seconds(q.settings.delay),
		"ReceiveMessageWaitTimeSeconds":         seconds(q.settings.wait),
		"MessageRetentionPeriod":                seconds(q.settings.retention),
		"MaximumMessageSize":                    strconv.Itoa(q.settings.maxSize),
	}
	if q.settings.redrive.text != "" {
		all["RedrivePolicy"] = q.settings.redrive.text
	}
	maps.Copy(all, q.settings.other)
	return all
}

func (s *Server) arn(queue string) string {
	return strings.Join([]string{"arn:aws:sqs", s.region, Account, queue}, ":")
}
