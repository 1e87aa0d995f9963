package sqs

import (
	"errors"
	"regexp"
)

const maxBatch = 10

type done struct {
	Id string
}

type undone struct {
	Id          string
	SenderFault bool
	Code        string
	Message     string
}

// batchOut tells of each entry how it went. Successful is there even when it is empty, as SDKs expect.
type batchOut[Done any] struct {
	Successful []Done
	Failed     []undone
}

// batch carries out entries one by one; one that fails leaves the others alone.
func batch[Entry, Done any](entries []Entry, id func(Entry) string, do func(Entry) (Done, error)) (batchOut[Done], error) {
	out := batchOut[Done]{Successful: []Done{}, Failed: []undone{}}
	if len(entries) == 0 {
		return out, faultf(emptyBatch, "There should be at least one entry in the request.")
	}
	if len(entries) > maxBatch {
		return out, faultf(tooManyEntries, "Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(entries))
	}
	allowed, seen := regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`), map[string]bool{}
	for _, e := range entries {
		switch name := id(e); {
		case !allowed.MatchString(name):
			return out, faultf(invalidEntryID, "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		case seen[name]:
			return out, faultf(idsNotDistinct, "Id %s repeated.", name)
		default:
			seen[name] = true
		}
	}
	for _, e := range entries {
		one, err := do(e)
		var f *fault
		switch {
		case err == nil:
			out.Successful = append(out.Successful, one)
		case errors.As(err, &f):
			out.Failed = append(out.Failed, undone{Id: id(e), SenderFault: true, Code: f.code.query(), Message: f.message})
		default:
			return out, err
		}
	}
	return out, nil
}

type sendEntry struct {
	Id string
	letter
}

type sentEntry struct {
	Id string
	sendOut
}

type batchIn[Entry any] struct {
	QueueUrl string
	Entries  []Entry
}

func (s *Server) sendMessageBatch(_ call, in batchIn[sendEntry]) (batchOut[sentEntry], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return batchOut[sentEntry]{}, err
	}
	total := 0
	for _, e := range in.Entries {
		total += e.size()
	}
	if total > q.settings.maxSize {
		return batchOut[sentEntry]{}, faultf(batchTooLong, "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", q.settings.maxSize, total)
	}
	return batch(in.Entries, func(e sendEntry) string { return e.Id }, func(e sendEntry) (sentEntry, error) {
		out, err := s.send(q, e.letter)
		return sentEntry{Id: e.Id, sendOut: out}, err
	})
}

type deleteEntry struct {
	Id            string
	ReceiptHandle string
}

func (s *Server) deleteMessageBatch(_ call, in batchIn[deleteEntry]) (batchOut[done], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return batchOut[done]{}, err
	}
	return batch(in.Entries, func(e deleteEntry) string { return e.Id }, func(e deleteEntry) (done, error) {
		return done{e.Id}, s.delete(q, e.ReceiptHandle)
	})
}

type holdEntry struct {
	Id string
	holding
}

func (s *Server) changeVisibilityBatch(_ call, in batchIn[holdEntry]) (batchOut[done], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(in.QueueUrl)
	if err != nil {
		return batchOut[done]{}, err
	}
	return batch(in.Entries, func(e holdEntry) string { return e.Id }, func(e holdEntry) (done, error) {
		return done{e.Id}, s.hold(q, e.holding)
	})
}
