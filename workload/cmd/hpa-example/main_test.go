package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/furl-dev/furl/workload/hpaexample"
	"github.com/google/go-cmp/cmp"
)

func environment(m map[string]string) func(string) string {
	return func(name string) string { return m[name] }
}

func TestConfigure(t *testing.T) {
	defaults := hpaexample.Defaults()
	own := hpaexample.Settings{Work: 5 * time.Millisecond, Workers: 3, Queue: 7}
	tests := []struct {
		why     string
		args    []string
		env     map[string]string
		want    hpaexample.Settings
		address string
	}{
		{"nothing said: as the image", nil, nil, defaults, ":80"},
		{"a port", nil, map[string]string{"PORT": "8080"}, defaults, ":8080"},
		{"the lab's address before the port", nil, map[string]string{"PORT": "80", "LAB_LISTEN": "127.64.0.3:41000"}, defaults, "127.64.0.3:41000"},
		{"environment", nil, map[string]string{"CPU_PER_REQUEST": "5ms", "WORKERS": "3", "QUEUE": "7"}, own, ":80"},
		{
			"flags before environment",
			[]string{"--cpu-per-request=5ms", "--workers=3", "--queue=7", "--listen=:1"},
			map[string]string{"CPU_PER_REQUEST": "1h", "WORKERS": "9", "QUEUE": "9", "LAB_LISTEN": ":2"},
			own, ":1",
		},
	}
	for _, test := range tests {
		got, address, err := configure(test.args, environment(test.env))
		if err != nil {
			t.Errorf("%s: %v", test.why, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" || address != test.address {
			t.Errorf("%s: address %q, want %q; settings -want +got\n%s", test.why, address, test.address, diff)
		}
	}
}

func TestConfigure_refuses_what_it_cannot_read(t *testing.T) {
	for _, env := range []map[string]string{{"CPU_PER_REQUEST": "soon"}, {"WORKERS": "many"}, {"QUEUE": "1.5"}} {
		if _, _, err := configure(nil, environment(env)); err == nil {
			t.Errorf("%v was accepted", env)
		}
	}
	if _, _, err := configure([]string{"extra"}, environment(nil)); err == nil {
		t.Error("a word that is no flag was accepted")
	}
}

func TestServe_finishes_the_request_in_flight_after_term(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, term := context.WithCancel(t.Context())
	pages := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		term()
		_, _ = io.WriteString(w, "OK!")
	})
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, pages) }()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("the request in flight was cut: %v", err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	if body, err := io.ReadAll(response.Body); err != nil || string(body) != "OK!" {
		t.Errorf("got %q and %v", body, err)
	}
	if err := <-served; err != nil {
		t.Errorf("serve ended with %v", err)
	}
}
