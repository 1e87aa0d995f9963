package cluster

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/deploy"
	"github.com/furl-dev/furl/lab/route/loopback"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestAddresses(t *testing.T) {
	t.Run("never_overlap_between_slots_or_uses", func(t *testing.T) {
		all := make([]netip.Prefix, 0, 7*slots)
		for slot := range slots {
			a := addresses{slot}
			all = append(all, a.simNodes(), a.simPods(), a.services(), a.proxies(), a.pods(0), a.pods(1), a.pods(maxNodes-1))
		}
		for i, p := range all {
			if !loopback.Contains(p.Addr()) {
				t.Errorf("%v is outside 127.0.0.0/8", p)
			}
			for _, q := range all[:i] {
				if p.Overlaps(q) {
					t.Errorf("%v and %v overlap", p, q)
				}
			}
		}
	})
	t.Run("of_a_slot_belong_to_one_lab_at_a_time", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("other systems know no loopback address but 127.0.0.1: nothing can be claimed")
		}
		first, held, err := claim(t.Context(), -1)
		if err != nil {
			t.Fatal(err)
		}
		second, alsoHeld, err := claim(t.Context(), -1)
		if err != nil {
			t.Fatal(err)
		}
		if first == second {
			t.Errorf("two labs have the slot %d", first.slot)
		}
		if _, _, err := claim(t.Context(), first.slot); err == nil {
			t.Errorf("slot %d was claimed twice", first.slot)
		}
		if err := errors.Join(held.Close(), alsoHeld.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestFreePorts(t *testing.T) {
	before, err := freePorts(t.Context(), Ports{})
	if err != nil {
		t.Fatal(err)
	}
	all := []int{before.API, before.Etcd, before.Peer, before.Operator, before.Metrics, before.Webhooks, before.SQS}
	slices.Sort(all)
	if len(slices.Compact(all)) != 7 || all[0] == 0 {
		t.Fatalf("ports are %+v, want seven", before)
	}
	t.Run("keep_what_is_still_free", func(t *testing.T) {
		after, err := freePorts(t.Context(), before)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("replace_what_is_taken", func(t *testing.T) {
		l, err := loopback.Listen(t.Context(), strings.TrimPrefix(serverURL(before.API), "https://"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		after, err := freePorts(t.Context(), before)
		if err != nil {
			t.Fatal(err)
		}
		if after.API == before.API || after.Etcd != before.Etcd {
			t.Errorf("ports were %+v with the API's taken, then %+v", before, after)
		}
	})
}

// sleeper is a process of this test that ends only when it is ended.
func sleeper(t *testing.T, script string) Process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", script)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil { // the script is under way
		t.Fatal(err)
	}
	p, err := identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	return p
}

func TestProcess(t *testing.T) {
	t.Run("ends_politely_when_it_listens", func(t *testing.T) {
		p := sleeper(t, `echo; exec sleep 60`)
		if !p.Alive() {
			t.Fatal("it is not alive")
		}
		if err := p.end(t.Context(), 20*time.Second); err != nil || p.Alive() {
			t.Errorf("ended with %v, alive %v", err, p.Alive())
		}
	})
	t.Run("is_killed_when_it_does_not", func(t *testing.T) {
		p := sleeper(t, `trap "" TERM; echo; while :; do sleep 60; done`)
		if err := p.end(t.Context(), 50*time.Millisecond); err != nil || p.Alive() {
			t.Errorf("ended with %v, alive %v", err, p.Alive())
		}
	})
	t.Run("is_not_another_one_with_the_same_number", func(t *testing.T) {
		p := sleeper(t, `echo; exec sleep 60`)
		other := Process{PID: p.PID, Start: "an earlier start"}
		if other.Alive() {
			t.Error("it counts as alive")
		}
		if err := other.end(t.Context(), time.Second); err != nil || !p.Alive() {
			t.Errorf("the innocent was ended: %v", err)
		}
	})
	t.Run("that_is_none_is_left_alone", func(t *testing.T) {
		for _, pid := range []int{0, 1, -1} { // kill(2) takes 0 and -1 for many
			p := Process{PID: pid, Start: "0"}
			if p.Alive() || p.end(t.Context(), time.Second) != nil {
				t.Errorf("process %d was taken for one of the lab's", pid)
			}
		}
	})
}

func TestChild(t *testing.T) {
	t.Run("sees_the_end_of_its_standard_input_when_the_supervisor_dies", func(t *testing.T) {
		// The pipe is all that another platform than Linux has; here the child says what it holds.
		log := filepath.Join(t.TempDir(), "log")
		c := child{name: "c", path: "/bin/sh", args: []string{"-c", "test -p /dev/stdin && echo a pipe"}, log: log, grace: time.Second}
		_ = c.run(t.Context(), func(Process) {})
		if got := tail(log); got != "a pipe\n" {
			t.Errorf("standard input is not the lifeline: %q", got)
		}
	})
	t.Run("that_keeps_dying_is_given_up_with_its_last_words", func(t *testing.T) {
		c := child{name: "c", path: "/bin/sh", args: []string{"-c", "echo no such flag; exit 3"}, log: filepath.Join(t.TempDir(), "log"), grace: time.Second}
		err := c.keep(t.Context(), func(Process) {}, discard())
		if err == nil || strings.Count(err.Error(), "no such flag") != quickDeaths {
			t.Errorf("it was given up with %v", err)
		}
	})
	t.Run("ends_with_its_context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c := child{name: "c", path: "/bin/sh", args: []string{"-c", "exec sleep 60"}, log: filepath.Join(t.TempDir(), "log"), grace: time.Second}
		var p Process
		if err := c.keep(ctx, func(q Process) { p = q; cancel() }, discard()); err != nil || p.Alive() {
			t.Errorf("ended with %v, alive %v", err, p.Alive())
		}
	})
}

func TestSweep(t *testing.T) {
	files := layout{filepath.Join(t.TempDir(), "lab")}
	if err := files.create(); err != nil {
		t.Fatal(err)
	}
	orphan, stranger := sleeper(t, `trap "" TERM; echo; while :; do sleep 60; done`), sleeper(t, `echo; exec sleep 60`)
	if err := files.store(State{Phase: Ready, Children: map[string]Process{
		"plane": orphan, "operator": {PID: stranger.PID, Start: "an earlier start"},
	}}); err != nil {
		t.Fatal(err)
	}
	if err := sweep(t.Context(), files, discard()); err != nil {
		t.Fatal(err)
	}
	if orphan.Alive() {
		t.Error("a child of a dead supervisor still runs")
	}
	if !stranger.Alive() {
		t.Error("a process that was never the lab's was killed")
	}
}

func TestAdapt(t *testing.T) {
	read := func(t *testing.T, manifest string) []*unstructured.Unstructured {
		t.Helper()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(manifest), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := deploy.Read(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	t.Run("leads_the_apis_to_the_operators_port_and_runs_no_pods", func(t *testing.T) {
		i := &installation{}
		got, err := i.adapt(read(t, `
kind: APIService
apiVersion: apiregistration.k8s.io/v1
metadata: {name: v1.x}
spec: {group: x, version: v1, insecureSkipTLSVerify: true, service: {name: furl, namespace: ns}}
---
kind: Service
apiVersion: v1
metadata: {name: furl, namespace: ns}
spec: {selector: {app: furl}}
---
kind: Deployment
apiVersion: apps/v1
metadata: {name: furl, namespace: ns}
---
# a comment alone is no object
---
kind: ServiceAccount
apiVersion: v1
metadata: {name: furl, namespace: ns}
---
kind: ValidatingWebhookConfiguration
apiVersion: admissionregistration.k8s.io/v1
metadata: {name: furl}
webhooks:
- {name: x, clientConfig: {service: {name: furl, namespace: ns, port: 9443, path: /validate}}}
---
kind: Namespace
apiVersion: v1
metadata: {name: ns}
`), Ports{Operator: 4711, Webhooks: 4712}, []byte("CA"))
		if err != nil {
			t.Fatal(err)
		}
		kinds := make([]string, 0, len(got))
		for _, o := range got {
			kinds = append(kinds, o.GetKind())
		}
		if diff := cmp.Diff([]string{"Namespace", "APIService", "ServiceAccount", "ValidatingWebhookConfiguration", "Service"}, kinds); diff != "" {
			t.Error(diff)
		}
		want := map[string]any{
			"group": "x", "version": "v1", "caBundle": base64.StdEncoding.EncodeToString([]byte("CA")),
			"service": map[string]any{"name": "furl", "namespace": "ns", "port": int64(4711)},
		}
		if diff := cmp.Diff(want, got[1].Object["spec"]); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(map[string]any{"type": "ExternalName", "externalName": "127.0.0.1"}, got[4].Object["spec"]); diff != "" {
			t.Error(diff)
		}
		hooks := []any{map[string]any{
			"name": "x", "clientConfig": map[string]any{"url": "https://127.0.0.1:4712/validate", "caBundle": base64.StdEncoding.EncodeToString([]byte("CA"))},
		}}
		if diff := cmp.Diff(hooks, got[3].Object["webhooks"]); diff != "" {
			t.Error(diff)
		}
		if i.namespace != "ns" {
			t.Errorf("the namespace is %q", i.namespace)
		}
	})
	t.Run("refuses_manifests_without_the_account", func(t *testing.T) {
		if _, err := (&installation{}).adapt(read(t, "kind: Namespace\napiVersion: v1\nmetadata: {name: ns}\n"), Ports{}, nil); err == nil {
			t.Error("there is nobody to run the operator as")
		}
	})
}

func TestPlainEnvironment(t *testing.T) {
	got := plainEnvironment([]string{"PATH=/bin", "KUBECONFIG=/elsewhere", "https_proxy=http://elsewhere", "HOME=/h"})
	if diff := cmp.Diff([]string{"PATH=/bin", "HOME=/h"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestOptions(t *testing.T) {
	good := Options{Name: "a-1", Dir: "/x"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for why, change := range map[string]func(*Options){
		"a name that is a path": func(o *Options) { o.Name = "../x" },
		"a relative folder":     func(o *Options) { o.Dir = "x" },
		"fewer than no nodes":   func(o *Options) { o.Nodes = -1 },
		"more than addresses":   func(o *Options) { o.Nodes = maxNodes + 1 },
		"too many to pretend":   func(o *Options) { o.SimNodes = maxSimNodes + 1 },
	} {
		bad := good
		change(&bad)
		if bad.Validate() == nil {
			t.Errorf("%s was accepted", why)
		}
	}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
