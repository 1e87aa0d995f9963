package scaledobject_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
)

// speaker is a queue that also says by itself that there is work. A read takes a while.
type speaker struct {
	queue
	says chan struct{}
	took time.Duration
}

func (s speaker) Read(ctx context.Context) (trigger.Sample, error) {
	select {
	case <-time.After(s.took):
	case <-ctx.Done():
		return trigger.Sample{}, ctx.Err()
	}
	sample, err := s.queue.Read(ctx)
	sample.Active, sample.Parts = new(false), []trigger.Part{{Metric: s.name, Value: sample.Value}}
	return sample, err
}

// Metrics implements trigger.Described: what it measures is known once it answers.
func (s speaker) Metrics(context.Context) ([]trigger.Metric, error) {
	return []trigger.Metric{{Name: s.name, Target: 5}}, nil
}

func (s speaker) Watch(ctx context.Context, emit func(trigger.Sample)) error {
	for {
		select {
		case <-s.says:
			emit(trigger.Sample{At: time.Now(), Active: new(true)})
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// speaks gives the cluster a queue that speaks when the channel does.
func (c *cluster) speaks(took time.Duration) chan<- struct{} {
	says := make(chan struct{})
	c.kind = trigger.Define("queue", "a queue that speaks", func(_ context.Context, s settings, _ trigger.Env) (trigger.Source, error) {
		return speaker{queue{c, s.Queue}, says, took}, nil
	})
	return says
}

func TestController_wakes_for_pushed_work(t *testing.T) {
	for _, tc := range []struct {
		why    string
		took   time.Duration // of a read
		broken error
		after  time.Duration // of the object, the push
	}{
		{"a value says that there is none", 0, nil, time.Minute},
		{"the value cannot be read", 0, errors.New("connection refused"), time.Minute},
		{"the first read is still under way", 2 * time.Second, nil, time.Second},
		{"reads hang", time.Hour, nil, time.Second},
	} {
		onStage(t, func(c *cluster) {
			c.sizes["web"] = 0
			c.fail("web", tc.broken)
			says := c.speaks(tc.took)
			c.put(object("web"))
			c.pass(tc.after)
			c.expect("writes before: "+tc.why, c.writes(), []string(nil))
			says <- struct{}{}
			c.pass(100 * time.Millisecond)
			c.expect("writes after: "+tc.why, c.writes(), []string{"web 1"})
		})
	}
}

func TestController_loses_no_push_that_comes_while_it_decides(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 0
		says := c.speaks(0)
		c.put(object("web"))
		c.pass(time.Minute)
		c.moving = func() { // the write takes long, and there is more work meanwhile
			time.Sleep(8 * time.Second)
			says <- struct{}{}
			time.Sleep(10 * time.Millisecond)
		}
		says <- struct{}{}
		c.pass(14 * time.Second)
		c.expect("size within 10 s of the second push", c.sizes["web"], int32(1))
		c.moving = func() {}
		c.pass(6 * time.Second)
		c.expect("size after the cooldown", c.sizes["web"], int32(0))
	})
}
