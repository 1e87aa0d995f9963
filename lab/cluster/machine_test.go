package cluster_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
)

// get asks until it is answered: a Service is routed a moment after its pods are ready.
func get(t *testing.T, url string) {
	t.Helper()
	labtest.Eventually(t, 10*time.Second, url, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil || !strings.Contains(string(body), "OK!") {
			return fmt.Errorf("answered %q, %w", body, err)
		}
		return nil
	})
}

// tlsFor accepts the lab's aggregator and nobody else.
func tlsFor(t *testing.T, lab *labtest.Lab, cert tls.Certificate) *tls.Config {
	t.Helper()
	ca, err := os.ReadFile(filepath.Join(lab.Dir, "keys", "front-proxy-ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatal("the front proxy's authority is no certificate")
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS12}
}

func base64Text(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// stat returns the fields of /proc/PID/stat after the name; none when there is no such process.
func stat(pid int) []string {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
}

func stateOf(pid int) string {
	if f := stat(pid); len(f) > 0 {
		return f[0]
	}
	return ""
}

// family is a process and all that descend from it.
func family(t *testing.T, root int) []int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	parents := map[int]int{}
	for _, dir := range all {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if f := stat(pid); len(f) > 1 {
			parents[pid], _ = strconv.Atoi(f[1])
		}
	}
	found := []int{root}
	for i := 0; i < len(found); i++ {
		for pid, parent := range parents {
			if parent == found[i] && !slices.Contains(found, pid) {
				found = append(found, pid)
			}
		}
	}
	return found
}

// listeners returns the addresses on which the processes listen by TCP.
func listeners(t *testing.T, pids []int) []string {
	t.Helper()
	sockets := map[string]bool{}
	for _, pid := range pids {
		fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, fd := range fds {
			if target, err := os.Readlink(fd); err == nil && strings.HasPrefix(target, "socket:[") {
				sockets[strings.Trim(target, "socket:[]")] = true
			}
		}
	}
	var found []string
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			continue // no IPv6 here
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			fields := strings.Fields(lines.Text())
			const local, state, inode, listening = 1, 3, 9, "0A"
			if len(fields) <= inode || fields[state] != listening || !sockets[fields[inode]] {
				continue
			}
			found = append(found, address(t, fields[local]))
		}
		_ = f.Close()
	}
	if len(found) == 0 {
		t.Error("no listener was found at all")
	}
	return found
}

// address reads the kernel's notation: words of four bytes, each turned round.
func address(t *testing.T, text string) string {
	t.Helper()
	host, _, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	if err != nil {
		t.Fatal(err)
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	return net.IP(raw).String()
}

// cgroup returns the folder of the lab's CPU limits, as its node wrote it down; none where limits work without.
func cgroup(t *testing.T, lab *labtest.Lab) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(lab.Dir, "nodes", "lab-0", "sessions", "cgroup"))
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	var r struct{ Folder string }
	if err := errors.Join(err, json.Unmarshal(raw, &r)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.Folder); err != nil {
		t.Fatalf("the node's cgroup: %v", err)
	}
	return r.Folder
}

// reachable makes a folder that every user can enter.
func reachable(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for at := dir; at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, raw, 0o755); err != nil {
		t.Fatal(err)
	}
}
