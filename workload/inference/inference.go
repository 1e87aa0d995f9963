// Package inference answers the prompts of a queue with a language model, each message once.
//
// A worker stands beside the model's server in a pod. It takes a message only when it can work on it, keeps it hidden
// from others as long as it works, deletes it when it is answered, and gives it back at once when it cannot go on. So
// pods may come and go at any moment: nothing is lost, and nothing is answered twice unless a worker is killed.
package inference

import (
	"errors"
	"fmt"
	"time"
)

// Settings say how a worker works. Defaults gives useful ones.
type Settings struct {
	Slots         int           // messages worked on at the same time
	Visibility    time.Duration // how long a message is hidden at a time; it is hidden anew while a prompt runs
	PromptTimeout time.Duration // how long an answer may take
	Grace         time.Duration // how long a worker that is told to end may work on
	Settle        time.Duration // how long a poll that is open then may stay, because a message may be on its way
	RetryDelay    time.Duration // after a message could not be answered, times how often it was received
	MaxReceives   int           // beyond which a message is a dead letter; 0 leaves that to the queue
	LogAnswers    bool          // the log is the only place where answers go
}

// Defaults are those of the walkthrough: one message at a time, and an end within a pod's usual 30 s.
func Defaults() Settings {
	return Settings{
		Slots:         1,
		Visibility:    time.Minute,
		PromptTimeout: 5 * time.Minute,
		Grace:         25 * time.Second, // the other 5 s of a pod's 30 are for giving messages back
		Settle:        time.Second,
		RetryDelay:    10 * time.Second,
		MaxReceives:   5,
		LogAnswers:    true,
	}
}

const (
	maxSlots = 256 // as many prompts as vLLM works on at once by default
	maxRetry = 5 * time.Minute
)

// Check says what is wrong with the settings.
func (s Settings) Check() error {
	var errs []error
	wrong := func(is bool, format string, args ...any) {
		if is {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	wrong(s.Slots < 1 || s.Slots > maxSlots, "concurrency is %d: give 1 to %d", s.Slots, maxSlots)
	wrong(s.Visibility < time.Second || s.Visibility > 12*time.Hour, "visibility timeout is %v: give 1s to 12h, as SQS takes", s.Visibility)
	wrong(s.PromptTimeout < time.Second || s.PromptTimeout > 11*time.Hour, "prompt timeout is %v: give 1s to 11h, SQS hides a message for 12h at most", s.PromptTimeout)
	wrong(s.Grace < 0, "grace is %v: give zero or more", s.Grace)
	wrong(s.Settle < 0, "settle time is %v: give zero or more", s.Settle)
	wrong(s.RetryDelay < 0, "retry delay is %v: give zero or more", s.RetryDelay)
	wrong(s.MaxReceives < 0, "receive limit is %d: give zero or more", s.MaxReceives)
	return errors.Join(errs...)
}

// retryAfter is how long a message waits that could not be answered for the nth time.
func (s Settings) retryAfter(received int) time.Duration {
	return min(s.RetryDelay*time.Duration(max(received, 1)), maxRetry)
}
