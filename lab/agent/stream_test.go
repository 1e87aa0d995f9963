package agent

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	utilexec "k8s.io/client-go/util/exec"
)

// stream opens exec or attach as kubectl does through the API server.
func (b *bed) stream(ctx context.Context, path string, query url.Values, o remotecommand.StreamOptions) error {
	b.Helper()
	u := &url.URL{Scheme: "https", Host: b.host, Path: path, RawQuery: query.Encode()}
	e, err := remotecommand.NewSPDYExecutor(b.rest, http.MethodPost, u)
	if err != nil {
		b.Fatal(err)
	}
	return e.StreamWithContext(ctx, o)
}

// exec runs a script in pod p; it must succeed.
func (b *bed) exec(script string) {
	b.Helper()
	var out, errs bytes.Buffer
	q := url.Values{"command": {"/bin/sh", "-c", script}, "output": {"1"}, "error": {"1"}}
	err := b.stream(b.Context(), "/exec/default/p/c", q, remotecommand.StreamOptions{Stdout: &out, Stderr: &errs})
	if err != nil {
		b.Fatalf("%s: %v: %s", script, err, errs.String())
	}
}

func (b *bed) events(reason string) []string {
	list, err := b.client.CoreV1().Events("default").List(b.Context(), metav1.ListOptions{})
	if err != nil {
		b.Fatal(err)
	}
	var texts []string
	for _, e := range list.Items {
		if e.Reason == reason {
			texts = append(texts, e.Message)
		}
	}
	return texts
}

func alive(id string) bool {
	stat, err := os.ReadFile("/proc/" + id + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestExec_passes_streams_and_the_exit_code(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{Containers: sh("exec sleep 1000")})
	b.eventually("the pod to be ready", func() bool { return b.ready("p") })
	var out, errs bytes.Buffer
	q := url.Values{"command": {"/bin/sh", "-c", "cat; echo oops >&2; exit 3"}, "input": {"1"}, "output": {"1"}, "error": {"1"}}
	err := b.stream(t.Context(), "/exec/default/p/c", q, remotecommand.StreamOptions{
		Stdin: strings.NewReader("typed\n"), Stdout: &out, Stderr: &errs,
	})
	var exit utilexec.CodeExitError
	if !errors.As(err, &exit) || exit.Code != 3 {
		t.Errorf("ended with %v, want exit code 3", err)
	}
	if out.String() != "typed\n" || errs.String() != "oops\n" {
		t.Errorf("printed %q and %q", out.String(), errs.String())
	}
}

func TestExec_with_a_terminal_resizes_and_interrupts(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{Containers: sh("exec sleep 1000")})
	b.eventually("the pod to be ready", func() bool { return b.ready("p") })
	in, keys := io.Pipe()
	var screen buffer
	sizes := make(sizeQueue, 1)
	sizes <- remotecommand.TerminalSize{Width: 91, Height: 33}
	q := url.Values{"command": {"/bin/sh", "-c", "until test \"$(stty size)\" = '33 91'; do sleep 0.02; done; echo sized; exec sleep 1000"}, "input": {"1"}, "output": {"1"}, "tty": {"1"}}
	done := make(chan error, 1)
	go func() {
		done <- b.stream(t.Context(), "/exec/default/p/c", q, remotecommand.StreamOptions{Stdin: in, Stdout: &screen, Tty: true, TerminalSizeQueue: sizes})
	}()
	b.eventually("the size", func() bool { return strings.Contains(screen.String(), "sized") })
	if _, err := keys.Write([]byte{3}); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	select {
	case err := <-done:
		var exit utilexec.CodeExitError
		if !errors.As(err, &exit) || exit.Code != 130 {
			t.Errorf("ended with %v, want exit code 130", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("Ctrl-C did not end the command")
	}
	_ = keys.Close()
	close(sizes)
}

func TestAttach_carries_a_terminal_and_Ctrl_C(t *testing.T) {
	b := newBed(t)
	c := sh("while sleep 0.01; do printf OK!; done")
	c[0].Stdin, c[0].StdinOnce, c[0].TTY = true, true, true
	b.run("load-generator", corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: c})
	b.eventually("the pod to be ready", func() bool { return b.ready("load-generator") })
	in, keys := io.Pipe()
	var screen buffer
	done := make(chan error, 1)
	q := url.Values{"input": {"1"}, "output": {"1"}, "tty": {"1"}}
	go func() {
		done <- b.stream(t.Context(), "/attach/default/load-generator/c", q, remotecommand.StreamOptions{Stdin: in, Stdout: &screen, Tty: true})
	}()
	b.eventually("output", func() bool { return strings.Contains(screen.String(), "OK!OK!") })
	if _, err := keys.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("attach ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Ctrl-C did not end the attach")
	}
	_ = keys.Close()
	b.eventually("the pod to have ended", func() bool { return b.pod("load-generator").Status.Phase == corev1.PodFailed })
	if code := b.main("load-generator").State.Terminated.ExitCode; code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
}

func TestAttach_without_a_terminal_ends_input_once(t *testing.T) {
	b := newBed(t)
	c := sh("read x; echo got $x; cat; echo end >&2")
	c[0].Stdin, c[0].StdinOnce = true, true
	b.run("p", corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: c})
	b.eventually("the pod to be ready", func() bool { return b.ready("p") })
	var out, errs buffer
	q := url.Values{"input": {"1"}, "output": {"1"}, "error": {"1"}}
	err := b.stream(t.Context(), "/attach/default/p/c", q, remotecommand.StreamOptions{
		Stdin: strings.NewReader("a\nb\n"), Stdout: &out, Stderr: &errs,
	})
	if err != nil {
		t.Error(err)
	}
	if out.String() != "got a\nb\n" || errs.String() != "end\n" {
		t.Errorf("printed %q and %q", out.String(), errs.String())
	}
	b.eventually("the pod to complete", func() bool { return b.pod("p").Status.Phase == corev1.PodSucceeded })
}

func TestPortForward_reaches_a_port_that_is_really_elsewhere(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "server", Ports: []corev1.ContainerPort{{ContainerPort: 80}}}}})
	b.eventually("the program to listen", func() bool { return strings.Contains(b.logs("p", ""), "listening") })
	transport, upgrader, err := spdy.RoundTripperFor(b.rest)
	if err != nil {
		t.Fatal(err)
	}
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost,
		&url.URL{Scheme: "https", Host: b.host, Path: "/portForward/default/p"})
	stop, ready := make(chan struct{}), make(chan struct{})
	f, err := portforward.New(dialer, []string{"0:80"}, stop, ready, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- f.ForwardPorts() }()
	<-ready
	local, err := f.GetPorts()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // several connections through one forward
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+strconv.Itoa(int(local[0].Local)), nil)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if !strings.HasPrefix(string(text), "hello from p") {
			t.Errorf("answered %q", text)
		}
		http.DefaultClient.CloseIdleConnections()
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestInterface_refuses_strangers(t *testing.T) {
	b := newBed(t)
	b.run("p", corev1.PodSpec{Containers: sh("exec sleep 1000")})
	b.eventually("the pod to be ready", func() bool { return b.ready("p") })
	b.rest.CertData, b.rest.KeyData = nil, nil
	for path, want := range map[string]int{
		"/healthz": 200, "/metrics/resource": 401, "/containerLogs/default/p/c": 401, "/exec/default/p/c?command=id&output=1": 401,
	} {
		if status, _ := b.get(path); status != want {
			t.Errorf("%s answered %d, want %d", path, status, want)
		}
	}
}

// buffer is what a terminal shows so far.
type buffer struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

type sizeQueue chan remotecommand.TerminalSize

func (q sizeQueue) Next() *remotecommand.TerminalSize {
	s, ok := <-q
	if !ok {
		return nil
	}
	return &s
}
