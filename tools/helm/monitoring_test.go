package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// monitored is the object of a kind in a release whose values say so, where the
// cluster has the kinds of the Prometheus operator; nil where there is none.
func monitored(t *testing.T, kind, set string) *unstructured.Unstructured {
	t.Helper()
	for _, o := range rendered(t, "furl charts/furl --namespace furl-system --api-versions monitoring.coreos.com/v1/PrometheusRule --set '"+set+"'") {
		if o.GetKind() == kind {
			return o
		}
	}
	return nil
}

func TestChart_ships_the_alerts_of_deploy(t *testing.T) {
	rulesOf := func(o map[string]any, path ...string) []any {
		t.Helper()
		groups, _, err := unstructured.NestedSlice(o, path...)
		if err != nil || len(groups) != 1 {
			t.Fatalf("%d groups (%v), want one", len(groups), err)
		}
		group, _ := groups[0].(map[string]any)
		rules, _ := group["rules"].([]any)
		return rules
	}
	file, err := documents[map[string]any](filepath.Join(root, "deploy", "observability", "alerts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	own := rulesOf(file[0], "groups")
	const on, mine = "prometheus.operator.prometheusRules.enabled=true", ",prometheus.operator.prometheusRules.alerts[0].alert=Mine,prometheus.operator.prometheusRules.alerts[0].expr=up"
	added := map[string]any{"alert": "Mine", "expr": "up"}
	for set, want := range map[string][]any{
		on:        own,
		on + mine: append(slices.Clip(own), added),
		on + mine + ",prometheus.operator.prometheusRules.furl=false": {added},
	} {
		o := monitored(t, "PrometheusRule", set)
		if o == nil {
			t.Fatalf("--set %s renders no PrometheusRule", set)
		}
		if diff := cmp.Diff(want, rulesOf(o.Object, "spec", "groups")); diff != "" {
			t.Errorf("--set %s (-want +got):\n%s", set, diff)
		}
	}
	for _, set := range []string{"image.tag=x", on + ",prometheus.operator.prometheusRules.furl=false"} {
		if o := monitored(t, "PrometheusRule", set); o != nil {
			t.Errorf("--set %s renders a PrometheusRule without being asked, or without rules", set)
		}
	}
}

func TestChart_ships_the_dashboard_of_deploy(t *testing.T) {
	o := monitored(t, "ConfigMap", "prometheus.operator.dashboard.enabled=true,prometheus.operator.dashboard.namespace=grafana")
	if o == nil {
		t.Fatal("no ConfigMap is rendered")
	}
	if o.GetNamespace() != "grafana" || o.GetLabels()["grafana_dashboard"] != "1" {
		t.Errorf("ConfigMap in %s with labels %v: Grafana's sidecar does not find it", o.GetNamespace(), o.GetLabels())
	}
	data, _, err := unstructured.NestedStringMap(o.Object, "data")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(root, "deploy", "observability", "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(data["furl.json"]), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the dashboard of the chart (+) is not that of deploy (-):\n%s", diff)
	}
	if monitored(t, "ConfigMap", "image.tag=x") != nil {
		t.Error("a dashboard is rendered without being asked")
	}
}
