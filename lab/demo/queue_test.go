package demo

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// secondPart is the shape of part 2: 50 messages within 25 s, pods that load for half a minute, an empty queue, zero.
func secondPart() Timeline {
	t := Timeline{Title: "a queue and a model", Panels: queuePanels(), Max: 10}
	for s := range 111 {
		p := Point{At: time.Duration(s) * time.Second, Visible: min(2*s, 50)}
		if s >= 5 && s < 95 {
			p.Desired = int32(min(10, 2*(s/5)))
		}
		if s >= 8 && s < 105 {
			p.Nodes = min(10, s/4)
		}
		if s >= 10 && s < 95 {
			p.Pods, p.Started = int(p.Desired), int(p.Desired)
		}
		if s >= 40 {
			p.Answered = min(s-40, 50)
			p.InFlight = min(4, 50-p.Answered)
			p.Visible = 50 - p.Answered - p.InFlight
			p.Ready = min(p.Desired, int32(s-36)/4)
		}
		t.Points = append(t.Points, p)
	}
	t.Notes = []Note{
		{At: 5 * time.Second, From: 0, To: 2, Why: []string{"queue: active: 10 is above 0", "from 0 it wakes to 1", "queue: 10 over a target of 5 a pod"}},
		{At: 95 * time.Second, From: 10, To: 0, Why: []string{"queue: inactive: 0 is not above 0", "the cooldown of 10s is over, so it rests at 0"}},
	}
	return t
}

func TestFrame_of_part_2(t *testing.T) {
	early := secondPart()
	early.Points, early.Notes = early.Points[:50], early.Notes[:1]
	golden(t, "queue.txt", Frame(early, Screen{Width: 80, Height: 30}))
	long := secondPart()
	for range 20 {
		long.Notes = append(long.Notes, Note{At: time.Minute, From: 7, To: 6, Why: []string{strings.Repeat("because ", 40)}})
	}
	if lines := strings.Count(Frame(long, Screen{Width: 80, Height: 24}), "\n"); lines >= 24 {
		t.Errorf("%d lines on a screen of 24", lines)
	}
}

func TestQueueSummary(t *testing.T) {
	golden(t, "queue-summary.txt", QueueSummary(secondPart(), 0))
	unfinished := secondPart()
	unfinished.Points = unfinished.Points[:60]
	if got := QueueSummary(unfinished, 0); !strings.Contains(got, "no GPU node left                      never") {
		t.Errorf("a run that was cut off says %q", got)
	}
}

func TestWriteSVG_of_part_2(t *testing.T) {
	var out strings.Builder
	if err := WriteSVG(&out, secondPart()); err != nil {
		t.Fatal(err)
	}
	golden(t, "queue.svg", out.String())
}

func TestDrained_waits_for_pods_as_well(t *testing.T) {
	got := map[string]bool{}
	for what, p := range map[string]Point{
		"before the first message": {},
		"while a message is left":  {Answered: 49, InFlight: 1},
		"in the cooldown":          {Answered: 50, Desired: 10, Pods: 10},
		"while pods end":           {Answered: 50, Pods: 1},
		"at rest":                  {Answered: 50, Nodes: 10},
	} {
		got[what] = drained(Timeline{Points: []Point{p}})
	}
	want := map[string]bool{
		"before the first message": false, "while a message is left": false, "in the cooldown": false, "while pods end": false, "at rest": true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("drained (-want +got):\n%s", diff)
	}
}

func TestTally_counts_messages_not_lines(t *testing.T) {
	var c tally
	if !c.begin("a") || c.begin("a") {
		t.Error("a pod is followed never or twice")
	}
	for _, line := range []string{
		`{"msg":"answered","message":"1"}`, `{"msg":"answered","message":"2"}`, `{"msg":"answered","message":"1"}`, `{"msg":"given_back","message":"3"}`, `panic`,
	} {
		c.read([]byte(line))
	}
	if c.sum() != 2 || c.twice() != 1 {
		t.Errorf("%d answered, %d of them twice; want 2 and 1", c.sum(), c.twice())
	}
}

func TestFilm_keeps_changes_of_size_once(t *testing.T) {
	f := newFilm(Timeline{})
	grew := Decision{At: f.began.Add(time.Second), From: 0, To: 2, Why: []string{"so"}}
	same := Decision{At: f.began.Add(2 * time.Second), From: 2, To: 2}
	old := Decision{At: f.began.Add(-time.Second), From: 0, To: 1}
	f.add(Point{}, 10, []Decision{old, grew})
	f.add(Point{}, 10, []Decision{same, grew})
	want := []Note{{At: time.Second, From: 0, To: 2, Why: []string{"so"}}}
	if diff := cmp.Diff(want, f.timeline().Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if got := pictureOf("out/furl-demo.svg"); got != "out/furl-demo-queue.svg" {
		t.Errorf("the picture of part 2 is %s", got)
	}
}
