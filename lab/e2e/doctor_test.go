package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/cluster"
	"github.com/furl-dev/furl/lab/labtest"
	"github.com/furl-dev/furl/lab/route/loopback"
	"github.com/furl-dev/furl/lab/sqs"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// numbers is a service of the user's that tells several backlogs to whoever
// asks, but below /secret.
type numbers struct {
	mu  sync.Mutex // guards all
	all map[string]int
}

func (n *numbers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r.URL.Path == "/secret" {
		http.Error(w, "not you", http.StatusForbidden)
		return
	}
	_ = json.NewEncoder(w).Encode(n.all) // whoever asked is gone
}

func (n *numbers) set(name string, to int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all[name] = to
}

// visit is what furl doctor says, as a program reads it.
type visit struct {
	Findings []struct {
		Rule, Severity, Object, Namespace, Sentence string
		Evidence, Do                                []string
	}
	code int
	text string
}

// TestDoctor_finds_what_was_broken_on_purpose has furl doctor look at a healthy
// lab, with the objects of both walkthroughs at rest, and then at one in which
// each symptom of the troubleshooting guide was produced.
func TestDoctor_finds_what_was_broken_on_purpose(t *testing.T) {
	t.Parallel() // mostly waits
	source := &numbers{all: map[string]int{"max": 100, "rate": 100, "stable": 40, "cool": 10, "near": 10, "paused": 50, "frozen": 10}}
	service := httptest.NewServer(source)
	t.Cleanup(service.Close)
	w := &walkthrough{t: t, folder: "keda", lab: labtest.Start(t, labtest.Options{
		Nodes: 1, SimNodes: 1, Operator: true, Args: []string{"--karpenter=true", "--karpenter-arg=--patience=1s"},
	})}
	w.preparesPart2()
	w.types("kubectl apply -f ../hpa/php-apache.yaml -f ../hpa/hpa.yaml")
	w.awaits(time.Minute, "a healthy lab to be found healthy", func() error {
		v := w.doctor()
		if v.code != 0 || len(v.Findings) > 0 {
			return fmt.Errorf("exit code %d, findings %v", v.code, v.findings())
		}
		return nil
	})
	healthy, _ := w.runsFurl("doctor")
	if !strings.Contains(healthy, "Nothing is wrong") || !strings.Contains(healthy, "1 horizontalpodautoscalers, 1 scaledobjects") {
		t.Errorf("the doctor says of a healthy lab:\n%s", healthy)
	}
	guide(t, "healthy", healthy)

	w.lab.Apply(strings.ReplaceAll(brokenObjects, "SERVICE", service.URL))
	w.breaksClock()
	w.locksQueue("locked")
	w.findsAll(symptoms())
	w.findsHolds(source)
	w.freezes(source)
	checkPermissions(t, w.lab)
}

// symptom is what must be found: the rule, the object, and words of the
// sentence or the evidence.
type symptom struct{ rule, severity, object, says string }

func symptoms() []symptom {
	return []symptom{
		{"requests", "error", "broken/hpa/unasked", "container web of deploy/unasked requests no cpu"},
		{"selectors", "error", "broken/deploy/twin-a", "matches the pods of deploy/twin-b"},
		{"owners", "error", "broken/deploy/owned", "hpa/owned, so/owned"},
		{"access", "error", "broken/so/denied", "asked as what triggerauthentication/key says: key key of secret key"},
		{"access", "error", "broken/so/locked", "asked as the operator itself, service account furl-system/furl"},
		{"access", "error", "broken/so/locked", "not authorized to perform: sqs:getqueueattributes"},
		{"unknown", "error", "broken/hpa/outside", "orders"},
		{"metrics-api", "error", "apiservice/v1beta1.external.metrics.k8s.io", "service elsewhere/adapter"},
		{"pending", "error", "broken/pod/quota-", "the quota of the pool"},
		{"pending", "error", "broken/pod/untolerant-", "a taint that it does not tolerate"},
		{"pending", "error", "broken/pod/unmatched-", "no pool matches"},
		{"slow", "warning", "broken/pod/slow-", "is not ready"},
		{"clock", "error", "node/fast-clock", "ahead of"},
		{"held", "warning", "broken/so/max", "held by max"},
		{"held", "warning", "broken/so/paused", "held by pause"},
	}
}

// findsAll waits until each symptom is found, and puts the visit by for the guide.
func (w *walkthrough) findsAll(all []symptom) {
	w.t.Helper()
	var last visit
	w.awaits(90*time.Second, "every symptom to be found", func() error {
		last = w.doctor()
		var missing []string
		for _, s := range all {
			if !last.has(s) {
				missing = append(missing, fmt.Sprint(s))
			}
		}
		if len(missing) > 0 || last.code != 1 {
			return fmt.Errorf("exit code %d; not found: %s\n%s", last.code, strings.Join(missing, "; "), last.findings())
		}
		return nil
	})
	text, _ := w.runsFurl("doctor")
	guide(w.t, "broken", text)
	absent := w.types("kubectl delete apiservice v1beta1.metrics.k8s.io")
	w.awaits(30*time.Second, "the absence of metrics.k8s.io to be found", func() error {
		s := symptom{"metrics-api", "error", "apiservice/metrics.k8s.io", "nobody serves metrics.k8s.io"}
		if v := w.doctor(); !v.has(s) {
			return fmt.Errorf("after %q: %s", absent, v.findings())
		}
		return nil
	})
	w.servesMetricsElsewhere()
	w.awaits(30*time.Second, "a stranger who serves metrics.k8s.io to be told of", func() error {
		s := symptom{"metrics-api", "note", "apiservice/v1beta1.metrics.k8s.io", "served by somebody else, service kube-system/metrics-server"}
		if v := w.doctor(); !v.has(s) {
			return errors.New(v.findings())
		}
		return nil
	})
}

// servesMetricsElsewhere leads metrics.k8s.io to a server that answers under
// another's name, which is what metrics-server's add-on does.
func (w *walkthrough) servesMetricsElsewhere() {
	w.t.Helper()
	port := w.types("kubectl get apiservice v1alpha1.decisions.furl.dev -o jsonpath='{.spec.service.port}'")
	w.lab.Apply(fmt.Sprintf(metricsElsewhere, port))
}

// locksQueue makes a queue whose policy lets nobody count its messages.
func (w *walkthrough) locksQueue(name string) {
	w.t.Helper()
	status, err := cluster.Look(w.t.Context(), w.lab.Dir, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DialContext: loopback.Dial}}
	if _, err := sqs.Ask(w.t.Context(), client, status.Ports.QueueService(), "CreateQueue", map[string]any{
		"QueueName":  name,
		"Attributes": map[string]string{"Policy": `{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "sqs:GetQueueAttributes"}}`},
	}); err != nil {
		w.t.Fatal(err)
	}
}

// findsHolds asks about each object that a rule of the decision holds.
func (w *walkthrough) findsHolds(source *numbers) {
	w.t.Helper()
	source.set("stable", 15)
	source.set("cool", 0)
	source.set("near", 21) // at two pods by now; while none has started a third would be wanted
	var told strings.Builder
	for name, word := range map[string]string{
		"near": "tolerance", "stable": "stabilization", "rate": "policy", "max": "max", "cool": "cooldown", "paused": "pause",
	} {
		w.awaits(30*time.Second, name+" to be held by "+word, func() error {
			v := w.doctor("so/"+name, "-n", "broken")
			if !v.has(symptom{rule: "held", object: "broken/so/" + name, says: "held by " + word}) {
				return errors.New(v.findings())
			}
			return nil
		})
		text, _ := w.runsFurl("doctor", "so/"+name, "-n", "broken")
		told.WriteString(text)
	}
	guide(w.t, "held", told.String())
}

// freezes freezes the namespace under load: no size is written until the end.
func (w *walkthrough) freezes(source *numbers) {
	w.t.Helper()
	awaitIn(w, "frozen", "2")
	if out, err := w.runsFurl("freeze", "-n", "broken", "--for", "1h", "--reason", "release 4.2"); err != nil {
		w.t.Fatalf("furl freeze: %v: %s", err, out)
	}
	source.set("frozen", 40)
	w.awaits(10*time.Second, "a decision that is not written", func() error {
		out, err := w.runsFurl("explain", "so/frozen", "-n", "broken")
		if err != nil || !strings.Contains(out, "frozen, no size is written: namespace broken is frozen by ") || !strings.Contains(out, "release 4.2") {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	})
	version := w.types("kubectl get deployment frozen -n broken -o jsonpath='{.metadata.generation}'")
	w.awaits(10*time.Second, "the column PAUSED", func() error {
		got := w.types(`kubectl get scaledobject frozen -n broken -o jsonpath='{.status.conditions[?(@.type=="Paused")].status}/{.status.conditions[?(@.type=="Paused")].reason}'`)
		if got != "True/Frozen" {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
	if v := w.doctor("-n", "broken"); !v.has(symptom{"frozen", "warning", "broken/configmap/furl-freeze", "release 4.2"}) {
		w.t.Errorf("the doctor does not tell of the freeze: %s", v.findings())
	}
	if got := w.types("kubectl get events -n broken --field-selector reason=Frozen -o jsonpath='{.items[*].involvedObject.name}'"); !strings.Contains(got, "frozen") {
		w.t.Errorf("events of the freeze are about %q", got)
	}
	awaitIn(w, "frozen", "2")
	if again := w.types("kubectl get deployment frozen -n broken -o jsonpath='{.metadata.generation}'"); again != version {
		w.t.Errorf("the deployment went from generation %s to %s while frozen", version, again)
	}
	if out, err := w.runsFurl("unfreeze", "-n", "broken"); err != nil || !strings.Contains(out, "no longer frozen") {
		w.t.Errorf("furl unfreeze: %v: %s", err, out)
	}
	awaitIn(w, "frozen", "4")
}

// awaitIn waits until a deployment of the broken namespace has a size.
func awaitIn(w *walkthrough, name, want string) {
	w.t.Helper()
	w.awaits(45*time.Second, name+" to have "+want+" replicas", func() error {
		if got := w.types("kubectl get deployment " + name + " -n broken -o jsonpath='{.spec.replicas}'"); got != want {
			return fmt.Errorf("it has %s", got)
		}
		return nil
	})
}

// breaksClock has a kubelet renew its lease by a clock that is five minutes fast.
func (w *walkthrough) breaksClock() {
	w.t.Helper()
	renewed := metav1.NewMicroTime(time.Now().Add(5 * time.Minute))
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-node-lease", Name: "fast-clock"}, Spec: coordinationv1.LeaseSpec{RenewTime: &renewed},
	}
	if _, err := w.lab.Client.CoordinationV1().Leases("kube-node-lease").Create(w.t.Context(), lease, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// runsFurl runs the program that users know.
func (w *walkthrough) runsFurl(args ...string) (string, error) {
	ctx, stop := context.WithTimeout(w.t.Context(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, filepath.Join(w.lab.Bin, "furl"), append(args, "--kubeconfig", w.lab.Kubeconfig)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	err := cmd.Run()
	return out.String(), err
}

func (w *walkthrough) doctor(args ...string) visit {
	w.t.Helper()
	out, err := w.runsFurl(append([]string{"doctor", "--output", "json"}, args...)...)
	v := visit{text: out}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		v.code = exit.ExitCode()
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		w.t.Fatalf("furl doctor prints no JSON: %v: %s", err, out)
	}
	return v
}

func (v *visit) has(s symptom) bool {
	for _, f := range v.Findings {
		object := f.Object
		if f.Namespace != "" {
			object = f.Namespace + "/" + object
		}
		words := f.Sentence + "\n" + strings.Join(f.Evidence, "\n")
		if f.Rule == s.rule && (s.severity == "" || f.Severity == s.severity) && strings.HasPrefix(object, s.object) && strings.Contains(words, s.says) {
			return true
		}
	}
	return false
}

func (v *visit) findings() string {
	var b strings.Builder
	for _, f := range v.Findings {
		fmt.Fprintf(&b, "%s %s %s/%s: %s %q\n", f.Severity, f.Rule, f.Namespace, f.Object, f.Sentence, f.Evidence)
	}
	return b.String()
}

// guide puts by what the doctor said, where whoever writes the guide asks for it.
func guide(t *testing.T, name, text string) {
	t.Helper()
	if folder := os.Getenv("FURL_GUIDE"); folder != "" {
		if err := os.WriteFile(filepath.Join(folder, "doctor-"+name+".txt"), []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
}
