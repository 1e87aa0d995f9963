package all

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/triggertest"
	"github.com/furl-dev/furl/trigger/triggertest/declared"
	"go.yaml.in/yaml/v3"
)

// example is one of KEDA's documentation, with what it means.
type example struct {
	// Auth is what the example's TriggerAuthentication gives, Identity its pod identity.
	Auth     map[string]string
	Identity string
	Triggers []struct {
		Type       string
		MetricType string `yaml:"metricType"`
		Metadata   map[string]string
		Means      struct {
			Metric *struct {
				Name               string
				Target, Activation float64
			}
			Settings map[string]string
			Refused  string // what decoding or opening says of it; empty where it opens
		}
	}
}

func TestDecode_takes_the_examples_of_KEDAs_documentation(t *testing.T) {
	files, err := filepath.Glob("testdata/examples/*.yaml")
	if err != nil || len(files) < 39 {
		t.Fatalf("%d examples, %v, want 39", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var e example
			if err := yaml.Unmarshal(text, &e); err != nil {
				t.Fatal(err)
			}
			e.check(t)
		})
	}
}

func (e example) check(t *testing.T) {
	t.Helper()
	kinds := Kinds()
	for i, tr := range e.Triggers {
		kind, ok := kinds.Find(tr.Type)
		if !ok {
			t.Fatalf("there is no trigger %s", tr.Type)
		}
		c, err := kind.Decode(trigger.Input{
			Index: i, Namespace: "default", Object: "example", MetricType: tr.MetricType,
			Metadata: tr.Metadata, Auth: e.Auth, Identity: trigger.Identity{Provider: e.Identity},
		})
		if tr.Means.Refused != "" && err != nil {
			refused(t, err, tr.Means.Refused)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if m := tr.Means.Metric; m != nil {
			checkMetric(t, c, m.Name, trigger.Metric{Target: m.Target, Activation: m.Activation})
		}
		got := declared.Values(c)
		for name, want := range tr.Means.Settings {
			if fmt.Sprint(got[name]) != want {
				t.Errorf("%s = %v, want %s", name, got[name], want)
			}
		}
		if !kind.Resource {
			opens(t, c, tr.Means.Refused)
		}
	}
}

func checkMetric(t *testing.T, c trigger.Config, name string, want trigger.Metric) {
	t.Helper()
	got := c.Metrics[0]
	if !c.Kind().Resource { // those are named by what they read
		got.Name = trigger.MetricName(0, got.Name)
	}
	if want.Name = name; got != want {
		t.Errorf("metric %v, want %v", got, want)
	}
}

func opens(t *testing.T, c trigger.Config, refusal string) {
	t.Helper()
	s, err := c.Open(t.Context(), trigger.Env{HTTP: &http.Client{}, Now: triggertest.Noon, Cluster: nobody{}})
	if err == nil {
		defer func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}()
	}
	if refusal != "" {
		refused(t, err, refusal)
	} else if err != nil {
		t.Errorf("open: %v", err)
	}
}

func refused(t *testing.T, err error, says string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("got %v, want a refusal with %q", err, says)
	}
}

// nobody is a cluster without pods.
type nobody struct{ trigger.Cluster }
