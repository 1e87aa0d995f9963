package ending

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/trigger"
)

// endless reads until its context ends.
type endless struct{ closed int }

func (*endless) Read(ctx context.Context) (trigger.Sample, error) {
	<-ctx.Done()
	return trigger.Sample{}, ctx.Err()
}

func (e *endless) Close() error { e.closed++; return nil }

func TestClose_ends_the_read_under_way(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &endless{}
		s := Wrap(inner, 0)
		ended := make(chan error, 1)
		go func() {
			_, err := s.Read(t.Context())
			ended <- err
		}()
		synctest.Wait()
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := <-ended; !errors.Is(err, ErrClosed) || inner.closed != 1 {
			t.Errorf("read ended with %v, the source was closed %d times, want ErrClosed and 1", err, inner.closed)
		}
		if _, err := s.Read(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("a read after the end: %v, want ErrClosed", err)
		}
	})
}

func TestTimeout_is_what_the_user_allows(t *testing.T) {
	s, ok := Wrap(&endless{}, time.Minute).(interface{ Timeout() time.Duration })
	if !ok || s.Timeout() != time.Minute {
		t.Error("the timeout is not to be asked for")
	}
}

func TestRead_ends_with_its_own_context_too(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Wrap(&endless{}, 0).Read(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the context's error", err)
	}
}
