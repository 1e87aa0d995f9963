package triggertest

import (
	"context"
	"encoding/base64"
	"runtime/pprof"
	"testing"
)

func TestLabelled_finds_a_goroutine_that_a_goroutine_started(t *testing.T) {
	end, ended := make(chan struct{}), make(chan struct{})
	pprof.Do(t.Context(), pprof.Labels(label, t.Name()), func(context.Context) {
		started := make(chan struct{})
		go func() {
			go func() {
				close(started)
				<-end
				close(ended)
			}()
		}()
		<-started
	})
	if labelled(t.Name()) == "" {
		t.Error("a goroutine is left and was not found")
	}
	close(end)
	<-ended
	noGoroutineLeft(t)
}

func TestLeak(t *testing.T) {
	const secret = "s3cret/of+it"
	for _, tc := range []struct {
		why, text string
		found     bool
	}{
		{"nothing of it", "GET http://host/path: refused", false},
		{"as it is", "the password s3cret/of+it is wrong", true},
		{"in a query", "GET http://host/?p=s3cret%2Fof%2Bit", true},
		{"in basic authentication alone", "Basic " + base64.StdEncoding.EncodeToString([]byte(secret)), true},
	} {
		if got := leak(tc.text, []string{secret}); (got != "") != tc.found {
			t.Errorf("%s: found %q in %q, want found %v", tc.why, got, tc.text, tc.found)
		}
	}
}
