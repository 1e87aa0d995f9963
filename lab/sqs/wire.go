package sqs

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	contentType  = "application/x-amz-json-1.0"
	targetPrefix = "AmazonSQS."
	// maxRequest is above the largest batch, whose bytes JSON may write as six each.
	maxRequest = 8 << 20
)

// decoded makes an operation of a function that takes its request apart.
func decoded[In, Out any](f func(call, In) (Out, error)) operation {
	return func(c call, body []byte) (any, error) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, faultf(serialization, "the request's JSON: %v", err)
		}
		return f(c, in)
	}
}

// empty is the answer of operations that have nothing to say.
type empty struct{}

// answer reads a request of the AWS JSON protocol and carries it out.
func (s *Server) answer(r *http.Request) (any, error) {
	target := r.Header.Get("X-Amz-Target")
	name, ok := strings.CutPrefix(target, targetPrefix)
	if !ok {
		return nil, faultf(unknownOperation, "header X-Amz-Target is %q: this service speaks the JSON protocol of Amazon SQS only, "+
			"which the AWS CLI and SDKs of 2024 and later send", target)
	}
	run, ok := s.known[name]
	if !ok {
		return nil, faultf(unknownOperation, "the lab's queue service does not know %s", name)
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxRequest))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, faultf(batchTooLong, "the request is larger than %d bytes", large.Limit)
	case err != nil:
		return nil, faultf(serialization, "reading the request: %v", err)
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	if err := s.allow(r, name, body); err != nil {
		return nil, err
	}
	return run(call{ctx: r.Context(), host: r.Host}, body)
}

func write(w http.ResponseWriter, status int, out any) {
	raw, err := json.Marshal(out)
	if err != nil { // our own structs always encode
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Amzn-Requestid", newID())
	w.WriteHeader(status)
	_, _ = w.Write(raw) // a client that went away needs no answer
}

func writeFault(w http.ResponseWriter, err error) {
	var f *fault
	if !errors.As(err, &f) {
		f = faultf(internalError, "%v", err)
	}
	status, sender := http.StatusBadRequest, "Sender"
	if f.code == accessDenied {
		status = http.StatusForbidden
	}
	if f.code == internalError {
		status, sender = http.StatusInternalServerError, "Receiver"
	}
	w.Header().Set("X-Amzn-Query-Error", f.code.query()+";"+sender)
	write(w, status, map[string]string{"__type": f.code.shape(), "message": f.message})
}

// newID gives a random identifier in the form of a UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
