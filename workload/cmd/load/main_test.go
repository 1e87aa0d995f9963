package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestRun_says_by_its_status_whether_requests_failed(t *testing.T) {
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1)%2 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	tests := []struct {
		why    string
		args   []string
		status int
		told   string
	}{
		{"half of them fail", []string{"--rps=100", "--duration=100ms", server.URL}, 1, "5 failed"},
		{"as many as may", []string{"--rps=100", "--duration=100ms", "--max-errors=0.5", server.URL}, 0, "5 failed"},
		{"one at a time", []string{"--concurrency=1", "--duration=20ms", "--max-errors=1", server.URL}, 0, "answered"},
		{"nobody listens", []string{"--rps=100", "--duration=10ms", "http://127.0.0.1:1"}, 1, "1 failed"},
	}
	for _, test := range tests {
		var out, errs bytes.Buffer
		if got := run(t.Context(), test.args, &out, &errs); got != test.status || !strings.Contains(out.String(), test.told) {
			t.Errorf("%s: status %d, want %d; told %q, want %q; %s", test.why, got, test.status, out.String(), test.told, errs.String())
		}
	}
}

func TestRun_refuses_what_it_cannot_do(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"--rps=1"},
		{"http://x"},
		{"--rps=1", "--profile=0s:1", "http://x"},
		{"--rps=1", "--concurrency=1", "http://x"},
		{"--profile=5", "http://x"},
		{"--rps=1", ":"},
		{"--rps=1", "--timeout=0s", "http://x"},
		{"--rps=1", "--max-errors=2", "http://x"},
		{"--what"},
	} {
		var out, errs bytes.Buffer
		if got := run(t.Context(), args, &out, &errs); got != 2 || errs.Len() == 0 {
			t.Errorf("%q: status %d, told %q", args, got, errs.String())
		}
	}
}
