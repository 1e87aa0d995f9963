package main

import "fmt"

// dashboard is what Grafana reads of one; the rest is as it makes it.
type dashboard struct {
	Title         string     `json:"title"`
	UID           string     `json:"uid"`
	Description   string     `json:"description"`
	Tags          []string   `json:"tags"`
	SchemaVersion int        `json:"schemaVersion"`
	Editable      bool       `json:"editable"`
	Refresh       string     `json:"refresh"`
	Time          span       `json:"time"`
	GraphTooltip  int        `json:"graphTooltip"` // 1: one crosshair through all panels
	Templating    templating `json:"templating"`
	Panels        []panel    `json:"panels"`
}

type span struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type templating struct {
	List []variable `json:"list"`
}

// variable is a choice at the top of the page.
type variable struct {
	Name       string  `json:"name"`
	Label      string  `json:"label"`
	Type       string  `json:"type"`
	Query      string  `json:"query"`
	Datasource *source `json:"datasource,omitempty"`
	Regex      string  `json:"regex,omitempty"`
	Multi      bool    `json:"multi,omitempty"`
	IncludeAll bool    `json:"includeAll,omitempty"`
	AllValue   string  `json:"allValue,omitempty"`
	Refresh    int     `json:"refresh,omitempty"` // 2: whenever the time changes
}

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// panel is one picture, or the heading of a row of them.
type panel struct {
	ID          int      `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Type        string   `json:"type"`
	Datasource  *source  `json:"datasource,omitempty"`
	GridPos     place    `json:"gridPos"`
	Targets     []target `json:"targets,omitempty"`
	FieldConfig *fields  `json:"fieldConfig,omitempty"`
}

type place struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

type target struct {
	RefID        string  `json:"refId"`
	Expr         string  `json:"expr"`
	LegendFormat string  `json:"legendFormat,omitempty"`
	Instant      bool    `json:"instant,omitempty"`
	Datasource   *source `json:"datasource"`
}

type fields struct {
	Defaults  defaults `json:"defaults"`
	Overrides []any    `json:"overrides"`
}

type defaults struct {
	Unit       string      `json:"unit,omitempty"`
	Min        *int        `json:"min,omitempty"`
	Thresholds *thresholds `json:"thresholds,omitempty"`
}

type thresholds struct {
	Mode  string `json:"mode"`
	Steps []step `json:"steps"`
}

type step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

// The width of Grafana's grid, and the height of what stands in it.
const (
	gridWidth  = 24
	statHeight = 4
	plotHeight = 8
)

func prometheus() *source { return &source{Type: "prometheus", UID: "${datasource}"} }

// newDashboard lays the rows out one below the other.
func newDashboard() dashboard {
	d := dashboard{
		Title: "Furl", UID: "furl", Tags: []string{"furl", "autoscaling"},
		Description:   "Pod autoscaling by Furl: who decides, what was decided and why, what the decisions rest on.",
		SchemaVersion: 39, Editable: true, Refresh: "30s", Time: span{From: "now-3h", To: "now"}, GraphTooltip: 1,
		Templating: templating{List: variables()},
	}
	y := 0
	for _, r := range rows() {
		d.add(panel{Title: r.title, Type: "row", GridPos: place{H: 1, W: gridWidth, Y: y}})
		y++
		x := 0
		for _, p := range r.panels {
			if x+p.GridPos.W > gridWidth {
				x, y = 0, y+r.height
			}
			p.GridPos = place{H: r.height, W: p.GridPos.W, X: x, Y: y}
			d.add(p)
			x += p.GridPos.W
		}
		y += r.height
	}
	return d
}

func (d *dashboard) add(p panel) {
	p.ID = len(d.Panels) + 1
	d.Panels = append(d.Panels, p)
}

// variables are the choices: where the metrics are, which installation of Furl,
// and the objects of which namespaces.
func variables() []variable {
	query := func(name, label, q, regex string) variable {
		return variable{
			Name: name, Label: label, Type: "query", Query: q, Regex: regex, Datasource: prometheus(),
			Multi: true, IncludeAll: true, AllValue: ".+", Refresh: 2,
		}
	}
	return []variable{
		{Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus"},
		query("job", "Job", "label_values(furl_leading, job)", ""),
		query("namespace", "Namespace", `query_result(count by (namespace) (`+ofObjects("furl_replicas")+`))`, `/namespace="([^"]+)"/`),
		query("name", "Object", "label_values(furl_replicas, name)", ""),
	}
}

// plot is a panel over time. Queries come in pairs with what a line is called.
func plot(title, description, unit string, queries ...string) panel {
	zero := 0
	p := panel{
		Title: title, Description: description, Type: "timeseries", Datasource: prometheus(), GridPos: place{W: gridWidth / 3},
		FieldConfig: &fields{Defaults: defaults{Unit: unit, Min: &zero}, Overrides: []any{}},
	}
	for i := 0; i+1 < len(queries); i += 2 {
		p.Targets = append(p.Targets, target{RefID: refID(i / 2), Expr: queries[i], LegendFormat: queries[i+1], Datasource: prometheus()})
	}
	return p
}

// stat is a panel with one number, which is red from a threshold on.
func stat(title, description, unit, query string, colours ...step) panel {
	p := panel{
		Title: title, Description: description, Type: "stat", Datasource: prometheus(), GridPos: place{W: gridWidth / 6},
		Targets: []target{{RefID: refID(0), Expr: query, Instant: true, Datasource: prometheus()}},
	}
	p.FieldConfig = &fields{Defaults: defaults{Unit: unit, Thresholds: &thresholds{Mode: "absolute", Steps: colours}}, Overrides: []any{}}
	return p
}

func refID(i int) string { return fmt.Sprintf("%c", 'A'+i) }

// below is the colour of all values up to the next step, from the colour from a value on.
func below(colour string) step { return step{Color: colour} }

func from(value float64, colour string) step { return step{Color: colour, Value: &value} }
