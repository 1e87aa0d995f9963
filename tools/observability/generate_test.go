package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
)

func TestFiles_are_as_they_are_generated(t *testing.T) {
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(root, "deploy", "observability", name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("deploy/observability/%s is not what make generate writes:\n%.2000s", name, diff)
		}
	}
}

func TestCheck_refuses_what_the_operator_does_not_have(t *testing.T) {
	known, err := readMetrics(filepath.Join(root, "docs", "reference", "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ query, says string }{
		{`sum by (kind) (rate(furl_decisions_total{job="furl"}[$__rate_interval]))`, ""},
		{`histogram_quantile(0.5, sum by (le) (rate(furl_wake_to_scale_seconds_bucket[5m])))`, ""},
		{`keda_scaler_active{scaledObject="a",exported_namespace="b"}`, ""},
		{`sum(furl_decision_total)`, "no metric furl_decision_total"},
		{`rate(furl_decisions_bucket[5m])`, "no metric furl_decisions_bucket"},
		{`furl_decisions_total{rules="pick"}`, "no label rules"},
		{`sum by (object) (furl_replicas)`, "no label object to group by"},
		{`sum by (le) (furl_replicas)`, "no label le to group by"},
		{`sum(furl_replicas`, "unclosed left parenthesis"},
	} {
		err := known.check(tc.query)
		if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v, want %q", tc.query, err, tc.says)
		}
	}
}

func TestAlerts_lead_to_a_heading_of_their_page(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "guide", "observability.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range alerts() {
		_, anchor, _ := strings.Cut(a.Annotations["runbook_url"], "observability.md#")
		heading := regexp.MustCompile(`(?m)^### ` + a.Alert + `$`)
		if !strings.EqualFold(anchor, a.Alert) || !heading.Match(page) {
			t.Errorf("alert %s leads to %q, and docs/guide/observability.md has no heading ### %s", a.Alert, anchor, a.Alert)
		}
		if _, err := model.ParseDuration(a.For); err != nil {
			t.Errorf("alert %s: %v", a.Alert, err)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^### (Furl\w+)$`).FindAllSubmatch(page, -1) {
		if !slices.ContainsFunc(alerts(), func(a alert) bool { return a.Alert == string(m[1]) }) {
			t.Errorf("docs/guide/observability.md tells of the alert %s, which there is not", m[1])
		}
	}
}

func TestDashboard_is_laid_out_without_gaps_and_overlaps(t *testing.T) {
	d := newDashboard()
	taken := map[[2]int]string{}
	for i, p := range d.Panels {
		if p.ID != i+1 || p.Title == "" || p.GridPos.X+p.GridPos.W > gridWidth {
			t.Errorf("panel %d: id %d, title %q, at %+v", i, p.ID, p.Title, p.GridPos)
		}
		if (p.Type == "row") != (len(p.Targets) == 0) {
			t.Errorf("panel %q is a %s with %d queries", p.Title, p.Type, len(p.Targets))
		}
		for y := range p.GridPos.H {
			for x := range p.GridPos.W {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other, is := taken[at]; is {
					t.Fatalf("%q stands on %q", p.Title, other)
				}
				taken[at] = p.Title
			}
		}
	}
	height := 0
	for at := range taken {
		height = max(height, at[1]+1)
	}
	if len(taken) != height*gridWidth {
		t.Errorf("%d of %d places are taken", len(taken), height*gridWidth)
	}
}

func TestDashboard_uses_the_variables_that_it_has(t *testing.T) {
	d := newDashboard()
	names := make([]string, 0, len(d.Templating.List))
	var used []string
	for _, v := range d.Templating.List {
		names = append(names, v.Name)
	}
	for _, p := range d.Panels {
		for _, q := range p.Targets {
			for _, m := range regexp.MustCompile(`\$([a-z]\w+)`).FindAllStringSubmatch(q.Expr, -1) {
				used = append(used, m[1])
			}
			if q.Datasource.UID != "${datasource}" {
				t.Errorf("%q asks %s", p.Title, q.Datasource.UID)
			}
		}
	}
	slices.Sort(used)
	used = slices.Compact(used)
	if diff := cmp.Diff([]string{"job", "name", "namespace"}, used); diff != "" {
		t.Error(diff)
	}
	for _, v := range append(used, "datasource") {
		if !slices.Contains(names, v) {
			t.Errorf("there is no variable %s", v)
		}
	}
}
