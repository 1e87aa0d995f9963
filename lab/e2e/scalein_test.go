package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/cluster"
	"github.com/furl-dev/furl/lab/labtest"
	"github.com/furl-dev/furl/lab/route/loopback"
	"github.com/furl-dev/furl/lab/sqs"
	"github.com/furl-dev/furl/lab/vllm"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// TestScaleIn_takes_idle_pods_first runs ten of the walkthrough's workers, five of which work on a message each, on the
// real control plane. The first shrink, to five, may take none of those; the second, to two, must, and they finish what
// they hold.
func TestScaleIn_takes_idle_pods_first(t *testing.T) {
	t.Parallel() // mostly waits
	work := &backlog{token: "t", asked: map[string]int{}, work: 50}
	service := httptest.NewServer(work)
	t.Cleanup(service.Close)
	model := newSlowModel(t)
	l := labtest.Start(t, labtest.Options{Nodes: 1, Operator: true})
	l.Apply(fmt.Sprintf(workerObjects, model.url, service.URL))
	s := newScaleIn(t, l)

	s.awaits("ten pods to work", 10, 0)
	for i := range 5 {
		s.send(fmt.Sprint("prompt ", i))
	}
	s.awaits("five pods to be busy", 10, 5)
	busy := s.busy
	s.refusesOther(busy[0])

	work.set(25, "t") // five replicas
	s.awaits("five pods to be left", 5, 5)
	if !slices.Equal(s.pods, busy) {
		t.Errorf("pods %v are left, want the busy ones, %v", s.pods, busy)
	}
	work.set(10, "t") // two
	s.awaits("two pods to be left", 2, 2)
	if slices.ContainsFunc(s.pods, func(name string) bool { return !slices.Contains(busy, name) }) {
		t.Errorf("pods %v are left, want two of %v", s.pods, busy)
	}
	model.release()
	s.awaits("the work to be done", 2, 0)
	s.drained()
	model.checks(5)
	if events := l.Kubectl("get", "events", "--field-selector", "reason=BusyPodsUnknown", "-o", "name"); strings.TrimSpace(events) != "" {
		t.Errorf("pods did not tell what they have in hand: %s", l.Kubectl("get", "events"))
	}
	checkPermissions(t, l)
}

// slowModel answers nobody before it is released, and counts who asked what.
type slowModel struct {
	t    *testing.T
	url  string
	open chan struct{}

	mu       sync.Mutex // guards what follows
	asked    map[string]int
	answered int
}

func newSlowModel(t *testing.T) *slowModel {
	t.Helper()
	server, err := vllm.New(vllm.Config{
		Model: "Qwen/Qwen3-4B-FP8", Served: []string{"qwen3-4b-fp8"}, MaxLength: 32768, Pace: vllm.DefaultPace(),
	})
	if err != nil {
		t.Fatal(err)
	}
	server.LoadModel(t.Context(), func(string) {})
	m := &slowModel{t: t, open: make(chan struct{}), asked: map[string]int{}}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			m.hold(r)
			defer m.count()
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		m.release()
		web.Close()
	})
	m.url = web.URL
	return m
}

// hold notes the question and keeps it until the model is released, or the asker is gone.
func (m *slowModel) hold(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	m.mu.Lock()
	m.asked[string(body)]++
	m.mu.Unlock()
	select {
	case <-m.open:
	case <-r.Context().Done():
	}
}

func (m *slowModel) count() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answered++
}

func (m *slowModel) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.open:
	default:
		close(m.open)
	}
}

// checks that n prompts were asked and answered, each once.
func (m *slowModel) checks(n int) {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.asked) != n || m.answered != n {
		m.t.Errorf("%d prompts were asked and %d answers given, want %d of both: %v", len(m.asked), m.answered, n, m.asked)
	}
}

// scaleIn looks at the workers.
type scaleIn struct {
	t      *testing.T
	lab    *labtest.Lab
	queue  string // address of the queue service
	client *http.Client
	began  time.Time // when the lab was up

	pods, busy []string // names, sorted: those that are not being deleted, and those that hold messages
}

func newScaleIn(t *testing.T, l *labtest.Lab) *scaleIn {
	t.Helper()
	status, err := cluster.Look(t.Context(), l.Dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s := &scaleIn{
		t: t, lab: l, queue: status.Ports.QueueService(), began: time.Now(),
		client: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DialContext: loopback.Dial}},
	}
	t.Cleanup(s.client.CloseIdleConnections)
	return s
}

// send puts a prompt into the queue.
func (s *scaleIn) send(prompt string) {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"id": prompt, "prompt": prompt, "parameters": map[string]any{"max_tokens": 5}})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := sqs.Ask(s.t.Context(), s.client, s.queue, "SendMessage", map[string]any{
		"QueueUrl": s.queue + "/" + sqs.Account + "/furl-keda", "MessageBody": string(body),
	}); err != nil {
		s.t.Fatal(err)
	}
}

// awaits waits until so many pods run that are not being deleted, and so many of them hold a message.
func (s *scaleIn) awaits(what string, pods, busy int) {
	s.t.Helper()
	labtest.Eventually(s.t, time.Minute, what, func(ctx context.Context) error {
		if err := s.look(ctx); err != nil {
			return err
		}
		if len(s.pods) != pods || len(s.busy) != busy {
			return fmt.Errorf("there are pods %v, of which %v are busy", s.pods, s.busy)
		}
		return nil
	})
	s.t.Logf("%5.1fs  %s", time.Since(s.began).Seconds(), what)
}

func (s *scaleIn) look(ctx context.Context) error {
	list, err := s.lab.Client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "app=worker"})
	if err != nil {
		return err
	}
	s.pods, s.busy = nil, nil
	for i := range list.Items {
		p := &list.Items[i]
		if p.DeletionTimestamp != nil || p.Status.Phase != corev1.PodRunning {
			continue
		}
		held, err := s.holds(ctx, p)
		if err != nil {
			return err
		}
		s.pods = append(s.pods, p.Name)
		if held {
			s.busy = append(s.busy, p.Name)
		}
	}
	slices.Sort(s.pods)
	slices.Sort(s.busy)
	return nil
}

func (s *scaleIn) holds(ctx context.Context, p *corev1.Pod) (bool, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.Status.PodIP+":9090/metrics", http.NoBody)
	if err != nil {
		return false, err
	}
	res, err := s.client.Do(r)
	if err != nil {
		return false, err
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	page, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return strings.Contains(string(page), "\ninference_in_flight 1"), err
}

// drained waits until no message is left in the queue.
func (s *scaleIn) drained() {
	s.t.Helper()
	w := &witness{t: s.t, lab: s.lab, queue: s.queue, client: s.client}
	labtest.Eventually(s.t, 30*time.Second, "the queue to be empty", func(ctx context.Context) error {
		visible, inFlight, err := w.messages(ctx)
		if err == nil && visible+inFlight > 0 {
			err = fmt.Errorf("%d messages are visible and %d in flight", visible, inFlight)
		}
		return err
	})
}

// refusesOther tries what Furl's account must not do to a pod, though it may patch pods.
func (s *scaleIn) refusesOther(pod string) {
	s.t.Helper()
	config := rest.CopyConfig(s.lab.REST)
	config.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:furl-system:furl", Groups: []string{"system:serviceaccounts", "system:authenticated"},
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, body := range []string{
		`{"metadata":{"labels":{"app":"other"}}}`,
		`{"metadata":{"annotations":{"example.com/other":"1"}}}`,
		`{"metadata":{"annotations":{"furl.dev/busy":null}}}`,
		`{"metadata":{"annotations":{"furl.dev/busy":"condition/Busy"}}}`,
		`{"metadata":{"ownerReferences":null}}`,
		`{"metadata":{"finalizers":["example.com/stay"]}}`,
		`{"spec":{"activeDeadlineSeconds":1000}}`,
		`{"spec":{"containers":[{"name":"sqs-consumer","image":"example.com/other"}]}}`,
	} {
		_, err := client.CoreV1().Pods("default").Patch(s.t.Context(), pod, types.StrategicMergePatchType, []byte(body), metav1.PatchOptions{})
		if err == nil || !strings.Contains(err.Error(), "furl may not change") {
			s.t.Errorf("Furl's account patches a pod with %s: %v, want that it is refused", body, err)
		}
	}
}

// workerObjects are ten workers, and a ScaledObject that goes by a service's answer; its values are the addresses of the
// model and of that service.
const workerObjects = `
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {token: t}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: {name: token}
spec:
  secretTargetRef:
  - {parameter: token, name: token, key: token}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker}
spec:
  replicas: 10
  selector: {matchLabels: {app: worker}}
  template:
    metadata:
      labels: {app: worker}
      annotations: {furl.dev/busy: "http://:9090/metrics#inference_in_flight"}
    spec:
      terminationGracePeriodSeconds: 90
      containers:
      - name: sqs-consumer
        image: ghcr.io/furl-dev/sqs-consumer:0.1.0
        env:
        - {name: SQS_QUEUE_URL, value: "https://sqs.us-west-2.amazonaws.com/000000000000/furl-keda"}
        - {name: VLLM_ENDPOINT, value: "%s"}
        - {name: GRACE, value: 80s}
        ports: [{name: metrics, containerPort: 9090}]
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker}
spec:
  scaleTargetRef: {name: worker}
  pollingInterval: 1
  minReplicaCount: 1
  maxReplicaCount: 10
  advanced:
    horizontalPodAutoscalerConfig:
      behavior: {scaleDown: {stabilizationWindowSeconds: 0}}
  triggers:
  - type: metrics-api
    metadata: {url: "%s", valueLocation: work, targetValue: "5", authMode: bearer}
    authenticationRef: {name: token}
`
