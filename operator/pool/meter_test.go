package pool

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

func TestPool_counts_its_reads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		p := start(t, func(o *Options) { o.Metrics = registry })
		p.use("a", newFake(answers).recipe("good"), 30*s, silent)
		p.use("b", newFake(answers).recipe("good"), 30*s, silent)
		p.use("a", newFake(hangs).recipe("slow"), 30*s, silent)
		p.use("a", newFake(func(context.Context, int) (trigger.Sample, error) {
			return trigger.Sample{}, errors.New("no")
		}).recipe("bad"), 30*s, silent)
		time.Sleep(s / 2)
		synctest.Wait()
		expectMetrics(t, registry, "furl_trigger_reads_under_way 1", "furl_trigger_sources 3",
			`furl_trigger_reads_total{result="success",type="fake"} 1`,
			`furl_trigger_reads_total{result="error",type="fake"} 1`,
			`furl_trigger_reads_total{result="timeout",type="fake"} 0`)
		time.Sleep(3 * s)
		synctest.Wait()
		expectMetrics(t, registry, "furl_trigger_reads_under_way 0",
			`furl_trigger_reads_total{result="timeout",type="fake"} 1`,
			`furl_trigger_reads_total{result="stuck",type="fake"} 0`)
	})
}

func expectMetrics(t *testing.T, g prometheus.Gatherer, want ...string) {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&text, f); err != nil {
			t.Fatal(err)
		}
	}
	for _, line := range want {
		if !strings.Contains(text.String(), line+"\n") {
			t.Errorf("metrics lack %s:\n%s", line, text.String())
		}
	}
}
