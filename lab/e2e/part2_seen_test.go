package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/cluster"
	"github.com/furl-dev/furl/lab/labtest"
	"github.com/furl-dev/furl/lab/route/loopback"
	"github.com/furl-dev/furl/lab/sqs"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// sight is how part 2 was at an instant.
type sight struct {
	visible, inFlight           int  // messages
	wanted                      int  // replicas of the model's deployment
	nodes, pods, started, ready int  // of the pool; of the model
	all                         bool // messages were in the queue at once, now or before
}

// milestone is a row of the walkthrough's timeline: at the end of which minute it may have come at the latest, and what it
// looks like.
type milestone struct {
	what, window string
	latest       time.Duration
	reached      func(sight) bool
}

// timeline is the walkthrough's "Expected Timeline", which begins with the job of the prompts.
func timeline() []milestone {
	return []milestone{
		{"all messages sent", "0-1 min", 1 * time.Minute, func(s sight) bool { return s.visible == prompts }},
		{"first replica wanted", "1-2 min", 2 * time.Minute, func(s sight) bool { return s.wanted > 0 }},
		{"ten replicas wanted", "1-2 min", 2 * time.Minute, func(s sight) bool { return s.wanted == mostPods }},
		{"first GPU node", "2-5 min", 5 * time.Minute, func(s sight) bool { return s.nodes > 0 }},
		{"ten GPU nodes", "2-5 min", 5 * time.Minute, func(s sight) bool { return s.nodes == mostPods }},
		{"pods started", "2-5 min", 5 * time.Minute, func(s sight) bool { return s.started == mostPods }},
		{"first pod ready", "5-6 min", 6 * time.Minute, func(s sight) bool { return s.ready > 0 }},
		{"first message taken", "5-6 min", 6 * time.Minute, func(s sight) bool { return s.inFlight > 0 }},
		{"all messages answered", "6-7 min", 7 * time.Minute, func(s sight) bool { return s.all && s.visible+s.inFlight == 0 }},
		{"zero replicas wanted", "7-8 min", 8 * time.Minute, func(s sight) bool { return s.all && s.wanted == 0 }},
		{"no pods left", "7-8 min", 8 * time.Minute, func(s sight) bool { return s.all && s.wanted == 0 && s.pods == 0 }},
	}
}

// witness looks at part 2 for as long as its test runs, and notes when each milestone is reached.
type witness struct {
	t       *testing.T
	lab     *labtest.Lab
	queue   string // address of the queue service
	client  *http.Client
	began   time.Time
	answers *answers

	mu      sync.Mutex // guards what follows
	now     sight
	most    int // replicas ever wanted
	reached map[string]time.Duration
	problem error // of the last look
}

const lookEvery = 200 * time.Millisecond

func watchPart2(t *testing.T, l *labtest.Lab) *witness {
	t.Helper()
	status, err := cluster.Look(t.Context(), l.Dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{
		t: t, lab: l, queue: status.Ports.QueueService(), client: &http.Client{Transport: &http.Transport{DialContext: loopback.Dial}},
		began: time.Now(), reached: map[string]time.Duration{}, answers: newAnswers(l),
	}
	ctx, stop := context.WithCancel(t.Context())
	var looking sync.WaitGroup
	looking.Go(func() { w.watch(ctx) })
	t.Cleanup(func() {
		stop()
		looking.Wait()
		w.client.CloseIdleConnections()
	})
	return w
}

func (w *witness) watch(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		s, err := w.look(ctx)
		w.note(s, err)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (w *witness) note(s sight, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problem = err
	if err != nil {
		return
	}
	s.all = w.now.all || s.visible+s.inFlight == prompts
	w.now, w.most = s, max(w.most, s.wanted)
	for _, m := range timeline() {
		if _, before := w.reached[m.what]; !before && m.reached(s) {
			w.reached[m.what] = time.Since(w.began)
			w.t.Logf("%6.1fs  %s: %d visible, %d in flight; %d replicas wanted; %d nodes, %d pods, %d started, %d ready",
				time.Since(w.began).Seconds(), m.what, s.visible, s.inFlight, s.wanted, s.nodes, s.pods, s.started, s.ready)
		}
	}
}

func (w *witness) look(ctx context.Context) (s sight, err error) {
	if s.visible, s.inFlight, err = w.messages(ctx); err != nil {
		return s, err
	}
	d, err := w.lab.Client.AppsV1().Deployments("vllm").Get(ctx, "model-qwen3-4b-fp8", metav1.GetOptions{})
	if err != nil {
		return s, err
	}
	s.wanted = int(*d.Spec.Replicas)
	nodes, err := w.lab.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: "karpenter.sh/nodepool=gpu-nodepool"})
	if err != nil {
		return s, err
	}
	s.nodes = len(nodes.Items)
	pods, err := w.lab.Client.CoreV1().Pods("vllm").List(ctx, metav1.ListOptions{})
	if err != nil {
		return s, err
	}
	s.pods = len(pods.Items)
	for i := range pods.Items {
		p := &pods.Items[i]
		if p.Status.Phase != corev1.PodRunning {
			continue
		}
		s.started++
		w.answers.follow(ctx, p.Name)
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				s.ready++
			}
		}
	}
	return s, nil
}

// messages are the queue's counts, as the aws CLI prints them.
func (w *witness) messages(ctx context.Context) (visible, inFlight int, err error) {
	raw, err := sqs.Ask(ctx, w.client, w.queue, "GetQueueAttributes", map[string]any{
		"QueueUrl": w.queue + "/" + sqs.Account + "/furl-keda", "AttributeNames": []string{"All"},
	})
	if err != nil {
		return 0, 0, err
	}
	var out struct{ Attributes map[string]string }
	if err := json.Unmarshal(raw, &out); err != nil {
		return 0, 0, err
	}
	if visible, err = strconv.Atoi(out.Attributes["ApproximateNumberOfMessages"]); err != nil {
		return 0, 0, err
	}
	inFlight, err = strconv.Atoi(out.Attributes["ApproximateNumberOfMessagesNotVisible"])
	return visible, inFlight, err
}

// awaits waits until a milestone is reached, at most until the walkthrough's minute for it is over.
func (w *witness) awaits(what string) {
	w.t.Helper()
	for _, m := range timeline() {
		if m.what == what {
			labtest.Eventually(w.t, time.Until(w.began.Add(m.latest)), what, func(context.Context) error { return w.missing(what) })
			return
		}
	}
	w.t.Fatalf("%q is no milestone", what)
}

func (w *witness) missing(what string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, reached := w.reached[what]; reached {
		return nil
	}
	if w.problem != nil {
		return w.problem
	}
	return fmt.Errorf("now %+v", w.now)
}

// checks compares with the walkthrough's timeline, and looks whether each message was answered once.
func (w *witness) checks() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var table strings.Builder
	for _, m := range timeline() {
		at, reached := w.reached[m.what]
		fmt.Fprintf(&table, "  %-8s %-22s %6.1fs\n", m.window, m.what, at.Seconds())
		if !reached || at > m.latest {
			w.t.Errorf("%s: reached %t at %v, the walkthrough has it in minute %s", m.what, reached, at, m.window)
		}
	}
	w.t.Logf("the walkthrough's timeline, and ours:\n%s", table.String())
	if w.most != mostPods {
		w.t.Errorf("%d replicas were wanted at most, want %d", w.most, mostPods)
	}
	// The last poll that saw a message may have been this long before the queue was empty.
	rest := w.reached["zero replicas wanted"] - w.reached["all messages answered"]
	if rest < cooldown-pollEvery-lookEvery || rest > cooldown+2*pollEvery {
		w.t.Errorf("the deployment went to zero %v after the last answer, want the cooldown of %v, give or take a poll", rest, cooldown)
	}
	w.answers.checks(w.t)
}
