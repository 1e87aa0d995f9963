// Package probe asks a container, again and again, whether it has started, is ready, and lives.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	podprobe "k8s.io/kubernetes/pkg/probe"
	grpcprobe "k8s.io/kubernetes/pkg/probe/grpc"
	httpprobe "k8s.io/kubernetes/pkg/probe/http"
	tcpprobe "k8s.io/kubernetes/pkg/probe/tcp"
)

// Target is what is asked.
type Target struct {
	Container *corev1.Container
	PodIP     string
	// Socket gives the host:port behind a port of the pod.
	Socket func(port int32) string
	// Exec runs a command in the container and gives its output. A non-zero exit code is an error.
	Exec func(ctx context.Context, command []string) (output string, err error)
}

// Watch probes until ctx ends. It calls settled when the answer, by the thresholds of the spec, is another than
// before (the first one included), and failed with each single failure. Both are called from this goroutine.
func Watch(ctx context.Context, spec *corev1.Probe, t Target, settled func(good bool), failed func(why string)) {
	wait := time.NewTimer(time.Duration(spec.InitialDelaySeconds) * time.Second)
	defer wait.Stop()
	select {
	case <-ctx.Done():
		return
	case <-wait.C:
	}
	tick := time.NewTicker(time.Duration(max(1, spec.PeriodSeconds)) * time.Second)
	defer tick.Stop()
	var r run
	for {
		why := t.Check(ctx, spec)
		if ctx.Err() != nil {
			return
		}
		if why != "" {
			failed(why)
		}
		if r.add(why == "", spec) {
			settled(r.good)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// run counts equal answers in a row.
type run struct {
	good    bool
	length  int32
	settled *bool
}

// add reports whether the settled answer has changed.
func (r *run) add(good bool, spec *corev1.Probe) bool { //nolint:revive // an answer, not a mode
	if r.length == 0 || r.good != good {
		r.good, r.length = good, 0
	}
	r.length++
	enough := spec.FailureThreshold
	if good {
		enough = spec.SuccessThreshold
	}
	if r.length < max(1, enough) || (r.settled != nil && *r.settled == good) {
		return false
	}
	r.settled = &good
	return true
}

// Check asks once. It gives an empty text when all is well, and otherwise what was seen.
func (t Target) Check(ctx context.Context, spec *corev1.Probe) string {
	timeout := time.Duration(max(1, spec.TimeoutSeconds)) * time.Second
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var result podprobe.Result
	var output string
	var err error
	switch {
	case spec.Exec != nil:
		output, err = t.Exec(ctx, spec.Exec.Command)
		switch {
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			return fmt.Sprintf("command timed out: %q timed out after %v", strings.Join(spec.Exec.Command, " "), timeout)
		case err != nil && output != "":
			return output
		case err == nil:
			result = podprobe.Success
		}
	case spec.HTTPGet != nil:
		result, output, err = t.http(spec.HTTPGet, timeout)
	case spec.TCPSocket != nil:
		result, output, err = t.tcp(spec.TCPSocket, timeout)
	case spec.GRPC != nil:
		result, output, err = t.grpc(spec.GRPC, timeout)
	default:
		return "the probe has no action: set httpGet, tcpSocket, exec or grpc"
	}
	if err != nil {
		return err.Error()
	}
	if result == podprobe.Success || result == podprobe.Warning {
		return ""
	}
	return output
}

func (t Target) http(get *corev1.HTTPGetAction, timeout time.Duration) (podprobe.Result, string, error) {
	if err := t.allowed(get.Host); err != nil {
		return podprobe.Failure, "", err
	}
	req, err := httpprobe.NewRequestForHTTPGetAction(get, t.Container, t.PodIP, "probe")
	if err != nil {
		return podprobe.Failure, "", fmt.Errorf("making the request: %w", err)
	}
	port, err := podprobe.ResolveContainerPort(get.Port, t.Container)
	if err != nil {
		return podprobe.Failure, "", fmt.Errorf("port %s: %w", get.Port.String(), err)
	}
	if req.Host == "" {
		req.Host = req.URL.Host // the pod's name for itself, not the socket's
	}
	if get.Host == "" {
		req.URL.Host = t.Socket(int32(port)) //nolint:gosec // a port has 16 bits
	}
	return httpprobe.New(false).Probe(req, timeout)
}

func (t Target) tcp(tcp *corev1.TCPSocketAction, timeout time.Duration) (podprobe.Result, string, error) {
	if err := t.allowed(tcp.Host); err != nil {
		return podprobe.Failure, "", err
	}
	port, err := podprobe.ResolveContainerPort(tcp.Port, t.Container)
	if err != nil {
		return podprobe.Failure, "", fmt.Errorf("port %s: %w", tcp.Port.String(), err)
	}
	if tcp.Host != "" {
		return tcpprobe.New().Probe(tcp.Host, port, timeout)
	}
	host, number, err := t.socket(int32(port)) //nolint:gosec // a port has 16 bits
	if err != nil {
		return podprobe.Failure, "", err
	}
	return tcpprobe.New().Probe(host, number, timeout)
}

func (t Target) grpc(grpc *corev1.GRPCAction, timeout time.Duration) (podprobe.Result, string, error) {
	service := ""
	if grpc.Service != nil {
		service = *grpc.Service
	}
	host, number, err := t.socket(grpc.Port)
	if err != nil {
		return podprobe.Failure, "", err
	}
	return grpcprobe.New().Probe(host, service, number, timeout, grpcprobe.ProbeOptions{})
}

func (t Target) socket(port int32) (host string, number int, err error) {
	at, err := netip.ParseAddrPort(t.Socket(port))
	if err != nil {
		return "", 0, fmt.Errorf("socket of port %d: %w", port, err)
	}
	return at.Addr().String(), int(at.Port()), nil
}

// allowed keeps probes inside the lab: they dial loopback addresses only.
func (t Target) allowed(host string) error {
	if host == "" || host == "localhost" {
		return nil
	}
	ip := net.ParseIP(host)
	if ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("probing host %s: the lab dials loopback addresses only, leave host out to ask the pod", host)
	}
	return nil
}
