package main

import "strings"

// alert is one rule of Prometheus.
type alert struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// runbooks is the page with a heading for each alert.
const runbooks = "https://github.com/furl-dev/furl/blob/main/docs/guide/observability.md#"

// How soon somebody should look.
const (
	critical = "critical" // nothing is scaled: at once
	warning  = "warning"  // something is not scaled as it should be: today
)

func newAlert(name, severity, lasts, expr, summary, description string) alert {
	return alert{
		Alert: name, Expr: expr, For: lasts,
		Labels: map[string]string{"severity": severity},
		Annotations: map[string]string{
			"summary": summary, "description": description, "runbook_url": runbooks + strings.ToLower(name),
		},
	}
}

// ofObjects is a query whose label namespace is that of the objects it is about,
// also where Prometheus has renamed it because the target has one.
func ofObjects(query string) string {
	return `label_replace(` + query + `, "namespace", "$1", "` + exportedNamespace + `", "(.+)")`
}

// share is how much of a counter's growth has what the selector says, by installation.
func share(counter, selector string) string {
	return "sum by (job, namespace) (rate(" + counter + "{" + selector + "}[10m])) / sum by (job, namespace) (rate(" + counter + "[10m]))"
}

// alerts are what is worth somebody's time. Each says for how long something must
// be so: what comes and goes by itself wakes nobody.
func alerts() []alert {
	return []alert{
		// A lease of a leader that died runs out within seconds.
		newAlert("FurlNobodyLeads", critical, "2m",
			"sum by (job, namespace) (furl_leading) == 0 or absent(furl_leading)",
			"No Furl decides: nothing is scaled",
			"No process of Furl has been the one that decides for two minutes. Workloads keep the size they have."),
		// The longest that a turn waits for others is the timeout of a request, 10 s, a few times.
		newAlert("FurlDecisionsStandStill", critical, "3m",
			"max by (job, namespace, kind) (furl_decision_overdue_seconds) > 120",
			"Decisions on {{ $labels.kind }} objects stand still",
			"A decision on a {{ $labels.kind }} object has been due for {{ $value | humanizeDuration }} and was not made."),
		// Writes that fail are tried again within a minute.
		newAlert("FurlScaleWritesFail", warning, "15m",
			`sum by (job, namespace, kind) (increase(furl_decisions_total{outcome="failed"}[10m])) > 0`,
			"Sizes of {{ $labels.kind }} objects cannot be written",
			"New sizes were decided on and the API server did not take them, for a quarter of an hour on end."),
		// A new pod has no CPU rate for its first scrapes, a source may be away for a moment.
		newAlert("FurlSignalMissing", warning, "10m",
			"max by (kind, namespace, name) ("+ofObjects("furl_signals_missing")+") > 0",
			"{{ $labels.kind }} {{ $labels.namespace }}/{{ $labels.name }} is scaled without {{ $value }} of its signals",
			"A trigger or a metric has had no value for ten minutes: a source that fails, refuses access or is gone. The workload does not shrink meanwhile; with no signal left its size holds."),
		newAlert("FurlAtMaximum", warning, "30m",
			"max by (kind, namespace, name) ("+ofObjects("furl_replicas_above_maximum")+") > 0",
			"{{ $labels.kind }} {{ $labels.namespace }}/{{ $labels.name }} wants {{ $value }} replicas more than its maximum",
			"For half an hour more replicas have been wanted than the maximum allows: whoever waits for the workload waits longer."),
		// A freeze is an order of somebody; one that outlasts a shift was forgotten.
		newAlert("FurlFrozen", warning, "8h",
			"max by (scope, namespace) ("+ofObjects("furl_frozen")+") == 1",
			`Sizes are frozen{{ if eq $labels.scope "namespace" }} in {{ $labels.namespace }}{{ end }} for 8 hours`,
			"furl freeze stops all writes of sizes, and nobody has ended it."),
		// Furl renews with a third of the life left, cert-manager too.
		newAlert("FurlCertificateEnds", warning, "15m",
			"min by (job, namespace, serves) ((furl_certificate_expiry_timestamp_seconds - time())"+
				" / (furl_certificate_expiry_timestamp_seconds - furl_certificate_start_timestamp_seconds)) < 0.2",
			"The certificate of Furl's {{ $labels.serves }} was not renewed",
			"{{ $value | humanizePercentage }} of its life is left. When it ends the API server trusts Furl no more: no check at admission, no kubectl top, no external metrics for HPAs."),
		// Some nodes are always about to go or to come.
		newAlert("FurlScrapesFail", warning, "15m",
			share("furl_scrapes_total", `result!="success"`)+" > 0.2",
			"{{ $value | humanizePercentage }} of the kubelets cannot be read",
			"CPU and memory of the pods there get no new values. Workloads that are scaled by them do not shrink, and do not grow either with no pod left that is measured."),
		newAlert("FurlAPIRequestsFail", warning, "15m",
			share("rest_client_requests_total", `code=~"5..|429|<error>"`)+" > 0.1",
			"{{ $value | humanizePercentage }} of Furl's requests to the API server fail",
			"The API server is overloaded, away, or lets Furl wait (429). Furl decides on what it knows and tries again; sizes and statuses are written late."),
		newAlert("FurlStandsDown", warning, "10m",
			"max by (job, namespace) (furl_hpa_standing_down) == 1",
			"Furl leaves all HPAs to kube-controller-manager",
			"kube-controller-manager wrote the status of an HPA that Furl held: its HPA controller is at work too. Furl scales no HPA so that no two do."),
	}
}
