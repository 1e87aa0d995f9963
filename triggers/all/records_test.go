package all

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
)

// record is one trigger's configuration as KEDA's own code took it, see the NOTICE of conformance/testdata.
type record struct {
	ID    string
	Input struct {
		Type     string            `json:"trigger_type"`
		Metadata map[string]string `json:"metadata"`
		Auth     map[string]string `json:"auth_params"`
		Env      map[string]string `json:"resolved_env"`
		Index    int               `json:"trigger_index"`
		Metric   string            `json:"metric_type"`
		Object   string            `json:"object_namespace"`
		Identity struct {
			Provider   string `json:"provider"`
			RoleARN    string `json:"roleArn"`
			ExternalID string `json:"externalID"`
		} `json:"pod_identity"`
		AsSource bool `json:"as_metric_source"`
	}
	Expected struct {
		IsError bool           `json:"is_error"`
		Parsed  map[string]any `json:"parsed_parameters"`
		Names   []string       `json:"metric_names"`
		Targets []struct {
			Value        string `json:"value"`
			AverageValue string `json:"averageValue"`
		} `json:"target_values"`
		Specs []struct {
			ContainerResource *struct {
				Container, Name string
				Target          struct{ AverageUtilization float64 }
			}
		} `json:"metric_specs"`
	}
}

func records(t *testing.T, file string) []record {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "conformance", "testdata", "keda", file))
	if err != nil {
		t.Fatal(err)
	}
	var all []record
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// kind is the one that a record is about.
func (r record) kind() (trigger.Kind, bool) {
	if r.Input.Type == "cpu or memory" {
		return Find("cpu")
	}
	return Find(r.Input.Type)
}

func (r record) input() trigger.Input {
	return trigger.Input{
		Index: r.Input.Index, Namespace: r.Input.Object, MetricType: r.Input.Metric,
		Metadata: r.Input.Metadata, Auth: r.Input.Auth, Env: r.Input.Env, Composed: r.Input.AsSource,
		Identity: trigger.Identity{
			Provider: r.Input.Identity.Provider, RoleARN: r.Input.Identity.RoleARN, ExternalID: r.Input.Identity.ExternalID,
		},
	}
}

func TestDecode_takes_and_refuses_what_KEDA_does(t *testing.T) {
	ran := map[string]int{}
	for _, r := range records(t, "trigger_parse.json") {
		kind, built := r.kind()
		if !built {
			continue
		}
		ran[r.Input.Type]++
		t.Run(r.ID, func(t *testing.T) {
			c, err := kind.Decode(r.input())
			if (err != nil) != r.Expected.IsError {
				t.Fatalf("Decode = %v, want an error: %v", err, r.Expected.IsError)
			}
			if err == nil {
				compare(t, settings(c), r.Expected.Parsed)
			}
		})
	}
	if len(ran) < 6 {
		t.Errorf("records of %v ran, want more types", ran)
	}
}

// compare holds decoded settings against KEDA's, as texts: a list is [a b] for both.
func compare(t *testing.T, got, want map[string]any) {
	t.Helper()
	for name, w := range want {
		g, known := got[name]
		if !known {
			t.Errorf("%s: there is no such setting", name)
			continue
		}
		if w == nil {
			w = reflect.Zero(reflect.TypeOf(g)).Interface()
		}
		if fmt.Sprint(g) != fmt.Sprint(w) {
			t.Errorf("%s = %v, want %v", name, g, w)
		}
	}
}

// settings are the decoded values by the first name of each.
func settings(c trigger.Config) map[string]any {
	out := map[string]any{}
	collect(reflect.ValueOf(c.Value()), out)
	return out
}

func collect(v reflect.Value, out map[string]any) {
	for i, f := range reflect.VisibleFields(v.Type()) {
		tag, tagged := f.Tag.Lookup("cfg")
		if !tagged || len(f.Index) > 1 || i < 0 {
			continue
		}
		value := v.FieldByIndex(f.Index)
		name := firstName(tag)
		if name == "" {
			collect(value, out)
			continue
		}
		out[name] = value.Interface()
		if d, ok := out[name].(time.Duration); ok {
			out[name] = d.String()
		}
	}
}

func firstName(tag string) string {
	end := slices.IndexFunc([]rune(tag), func(r rune) bool { return r == ',' || r == ';' })
	if end < 0 {
		return tag
	}
	return tag[:end]
}

func TestDecode_names_metrics_and_targets_as_KEDA_does(t *testing.T) {
	for _, r := range records(t, "metric_names.json") {
		kind, built := r.kind()
		if !built {
			continue
		}
		t.Run(r.ID, func(t *testing.T) {
			c, err := kind.Decode(r.input())
			if err != nil {
				t.Fatal(err)
			}
			if kind.Resource {
				checkResource(t, c, r)
				return
			}
			m := c.Metrics[0]
			if got := trigger.MetricName(r.Input.Index, m.Name); got != r.Expected.Names[0] {
				t.Errorf("name %q, want %q", got, r.Expected.Names[0])
			}
			want := r.Expected.Targets[0].Value + r.Expected.Targets[0].AverageValue
			if got := fmt.Sprint(m.Target); got != want {
				t.Errorf("target %s, want %s", got, want)
			}
		})
	}
}

func checkResource(t *testing.T, c trigger.Config, r record) {
	t.Helper()
	want := r.Expected.Specs[0].ContainerResource
	asked, ok := c.Value().(interface{ ContainerName() string })
	if !ok || asked.ContainerName() != want.Container || c.Metrics[0].Target != want.Target.AverageUtilization {
		t.Errorf("%v with metrics %v, want container %s and %v", c.Value(), c.Metrics, want.Container, want.Target)
	}
}
