package prometheus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/evidence"
	"github.com/furl-dev/furl/trigger/triggertest"
)

// TestRead_understands_a_real_Prometheus asks one that is started for the test.
func TestRead_understands_a_real_Prometheus(t *testing.T) {
	triggertest.Evidence(t, "prometheus", evidence.Real)
	address := prometheus(t)
	for _, tc := range []struct {
		why, query, ignore string
		want               float64
		says               string // of the error; empty where there is none
	}{
		{"a vector", `sum(vector(40)) + 2`, "true", 42, ""},
		{"a scalar", `scalar(vector(1.5))`, "true", 1.5, ""},
		{"quotes and spaces", `count(label_replace(vector(1), "a", "b & c", "", ""))`, "true", 1, ""},
		{"nothing, which means 0", `vector(1) unless vector(1)`, "true", 0, ""},
		{"nothing, which is an error", `vector(1) unless vector(1)`, "false", 0, "no value"},
		{"0/0, which means 0", `vector(0) / 0`, "true", 0, ""},
		{"0/0, which is an error", `vector(0) / 0`, "false", 0, "no value"},
		{"two series", `vector(1) or label_replace(vector(2), "a", "b", "", "")`, "true", 0, "2 results"},
		{"a range", `up[5m]`, "true", 0, "matrix"},
		{"a string", `"text"`, "true", 0, "string"},
		{"a query that does not parse", `sum(`, "true", 0, "parse error"},
	} {
		got, err := read(t, address, func(in *trigger.Input) {
			in.Metadata["query"], in.Metadata["ignoreNullValues"] = tc.query, tc.ignore
		})
		if tc.says == "" && err != nil || tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)) || got.Value != tc.want {
			t.Errorf("%s: %v, %v, want %v and an error with %q", tc.why, got.Value, err, tc.want, tc.says)
		}
	}
}

// prometheus starts a server without anything to scrape, until the test ends.
func prometheus(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("there is no prometheus here: apt-get install prometheus, or put the program of its release into PATH")
	}
	dir, port := t.TempDir(), freePort(t)
	settings := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(settings, []byte("global: {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	c := exec.CommandContext(t.Context(), program,
		"--config.file="+settings, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=error")
	c.Stderr = t.Output()
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 10 * time.Second
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Wait() }) // its context has ended it
	waitReady(t, "http://"+address)
	return "http://" + address
}

func waitReady(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		if err := ready(ctx, client, address+"/-/ready"); err == nil {
			return
		} else if ctx.Err() != nil {
			t.Fatalf("prometheus is not ready: %v", err)
		}
		pause, stop := context.WithTimeout(ctx, 50*time.Millisecond)
		<-pause.Done()
		stop()
	}
}

func ready(ctx context.Context, client *http.Client, address string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	_ = answer.Body.Close() // only the status counts
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return nil
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // its port is what is wanted
	at, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("listens at %v", l.Addr())
	}
	return at.Port
}
