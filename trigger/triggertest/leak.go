package triggertest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// label marks the goroutines of a suite, and of whatever they start.
const label = "triggertest"

// ending bounds how long goroutines may take to end after all was closed.
const ending = 5 * time.Second

// noGoroutineLeft fails when something that the suite started still runs.
func noGoroutineLeft(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), ending)
	defer cancel()
	for {
		left := labelled(t.Name())
		if left == "" {
			return
		}
		if ctx.Err() != nil {
			t.Errorf("goroutines are left after Close:\n%s", left)
			return
		}
		pause(ctx, ending/500)
	}
}

// pause waits a little, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

// labelled are the stacks of goroutines with the label; blocks of the profile
// are separated by empty lines.
func labelled(name string) string {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return err.Error()
	}
	var out []string
	for block := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(block, `"`+label+`":"`+name+`"`) {
			out = append(out, block)
		}
	}
	return strings.Join(out, "\n\n")
}

// leak is the secret that a text has in plain or in a usual coding; empty where it has none.
func leak(text string, secrets []string) string {
	for _, s := range secrets {
		forms := []string{
			s, url.QueryEscape(s), url.PathEscape(s), hex.EncodeToString([]byte(s)),
			strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(s)), "="),
		}
		for _, form := range forms {
			if strings.Contains(text, form) {
				return form
			}
		}
	}
	return ""
}
