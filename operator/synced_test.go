package operator

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/kube"
)

// follower is a feed whose first list comes when the test says.
type follower struct {
	name   string
	listed chan struct{}
}

func (f follower) Name() string                { return f.name }
func (follower) Run(context.Context) error     { return nil }
func (f follower) Synced() <-chan struct{}     { return f.listed }
func listing(name string) follower             { return follower{name, make(chan struct{})} }
func (f follower) list() (again kube.Follower) { close(f.listed); return f }

func TestSynced_names_the_watches_that_are_slow(t *testing.T) {
	for why, c := range map[string]struct {
		after time.Duration
		want  string
	}{
		"a permission is missing": {11 * time.Second, `kinds="[nodes deployments]"`},
		"all is well":             {9 * time.Second, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			pods, nodes, deployments := listing("pods"), listing("nodes"), listing("deployments")
			p := &parts{
				config: &Config{Log: slog.New(slog.NewTextHandler(&out, nil))},
				feeds:  []kube.Follower{pods.list(), nodes, deployments},
			}
			ended := make(chan error, 1)
			go func() { ended <- p.synced(t.Context()) }()
			time.Sleep(c.after)
			nodes.list()
			deployments.list()
			if err := <-ended; err != nil {
				t.Errorf("%s: %v", why, err)
			}
			synctest.Wait()
			said := out.String()
			if c.want == "" && said != "" || !strings.Contains(said, c.want) {
				t.Errorf("%s: it said %q, want %q", why, said, c.want)
			}
		})
	}
}
