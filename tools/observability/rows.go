package main

// row is a heading and the panels below it.
type row struct {
	title  string
	height int
	panels []panel
}

// of is a metric of the chosen installations.
func of(metric string) string { return metric + `{job=~"$job"}` }

// with is a metric of the chosen installations that a label has a value of.
func with(metric, matcher string) string { return metric + `{job=~"$job",` + matcher + `}` }

// objects is a metric of the objects in the chosen namespaces, whichever name
// their namespace's label has got, and whose matcher fits.
func objects(metric, matcher string) string {
	return chosen(func(namespace string) string { return with(metric, namespace+matcher) })
}

// rates is the rate of such a metric.
func rates(metric, matcher string) string {
	return chosen(func(namespace string) string { return rate(with(metric, namespace+matcher)) })
}

func chosen(of func(namespace string) string) string {
	return ofObjects("(" + of(exportedNamespace+`=~"$namespace"`) + " or " + of(exportedNamespace+`="",namespace=~"$namespace"`) + ")")
}

func rate(series string) string { return "rate(" + series + "[$__rate_interval])" }

// rows are the panels, from the question asked first to the one asked last.
func rows() []row {
	return []row{overview(), decisions(), workloads(), sources(), pods(), cluster(), process()}
}

func overview() row {
	named := `,name=~"$name"`
	return row{"Is all well?", statHeight, []panel{
		stat("Leaders", "Processes that decide: one for each installation.", "none", "sum("+of("furl_leading")+")", below("red"), from(1, "green")),
		stat("Objects decided on", "HPAs and ScaledObjects that Furl decides on.", "none", "count("+objects("furl_replicas", named)+") or vector(0)", below("blue")),
		stat("Without a signal", "Objects that lack the value of a trigger or a metric: they do not shrink.", "none",
			"count("+objects("furl_signals_missing", named)+") or vector(0)", below("green"), from(1, "red")),
		stat("At their maximum", "Objects that want more replicas than they may have.", "none",
			"count("+objects("furl_replicas_above_maximum", named)+") or vector(0)", below("green"), from(1, "orange")),
		stat("Frozen", "Orders in force that no size be written (furl freeze).", "none",
			"count(count by (scope, namespace) ("+ofObjects(of("furl_frozen"))+")) or vector(0)", below("green"), from(1, "orange")),
		stat("Certificate ends in", "Of those that Furl serves with, the one that ends first.", "s",
			"min("+of("furl_certificate_expiry_timestamp_seconds")+" - time())", below("red"), from(7*24*3600, "green")),
	}}
}

// percentile is what the given part of the observations stays below.
func percentile(part, buckets string) string {
	return "histogram_quantile(" + part + ", sum by (le) (" + buckets + "))"
}

func decisions() row {
	reaction := rate(of("furl_wake_to_scale_seconds_bucket"))
	return row{"Decisions", plotHeight, []panel{
		plot("Decisions by outcome", "unchanged: the size was right; scaled: a new one was written; observed, frozen: one was wanted and not written; failed: the API server did not take it; unseen: the workload's size could not be read.",
			"ops", "sum by (kind, outcome) ("+rate(of("furl_decisions_total"))+")", "{{kind}} {{outcome}}"),
		plot("Changes by the rule that made them", "The last rule that changed the size. furl explain tells all of them for one object.",
			"ops", "sum by (rule) ("+rate(with("furl_decisions_total", `outcome="scaled"`))+")", "{{rule}}"),
		plot("From news to the Scale request", "From a new sample, pod or spec in memory to the request.", "s",
			percentile("0.5", reaction), "half", percentile("0.95", reaction), "95 %"),
		plot("Decisions overdue", "For how long the decision that waits longest has been due.", "s",
			"max by (kind) ("+of("furl_decision_overdue_seconds")+")", "{{kind}}"),
		plot("HPA reconciliations", "As kube-controller-manager counts them.", "ops",
			"sum by (action, error) ("+rate(of("horizontal_pod_autoscaler_controller_reconciliations_total"))+")", "{{action}} {{error}}"),
		plot("Statuses written", "", "ops", "sum by (kind, result) ("+rate(of("furl_status_writes_total"))+")", "{{kind}} {{result}}"),
	}}
}

func workloads() row {
	named, scaled := `,name=~"$name"`, `,scaledObject=~"$name"`
	byObject := func(series string) string { return "max by (kind, namespace, name) (" + series + ")" }
	byTrigger := func(series string) string { return "max by (namespace, scaledObject, metric) (" + series + ")" }
	const object, trigger = "{{kind}} {{namespace}}/{{name}}", "{{namespace}}/{{scaledObject}} {{metric}}"
	return row{"Objects", plotHeight, []panel{
		plot("Replicas", "The size last decided.", "none", byObject(objects("furl_replicas", named)), object),
		plot("Wanted beyond the maximum", "", "none", byObject(objects("furl_replicas_above_maximum", named)), object),
		plot("Signals without a value", "A signal without a value never shrinks a workload.", "none", byObject(objects("furl_signals_missing", named)), object),
		plot("Values of triggers", "The last value of each trigger of a ScaledObject.", "short", byTrigger(objects("keda_scaler_metrics_value", scaled)), trigger),
		plot("Triggers that are active", "1 while there is work.", "none", byTrigger(objects("keda_scaler_active", scaled)), trigger),
		plot("Triggers that fail", "Reads that failed.", "ops",
			"sum by (namespace, scaledObject, metric) ("+rates("keda_scaler_detail_errors_total", scaled)+")", trigger),
	}}
}

func sources() row {
	return row{"Sources that triggers read", plotHeight, []panel{
		plot("Reads by result", "", "ops", "sum by (type, result) ("+rate(of("furl_trigger_reads_total"))+")", "{{type}} {{result}}"),
		plot("Time of a read, 95 %", "", "s", "histogram_quantile(0.95, sum by (le, type) ("+rate(of("furl_trigger_read_duration_seconds_bucket"))+"))", "{{type}}"),
		plot("Sources", "Triggers that read the same thing share one.", "none",
			"max("+of("furl_trigger_sources")+")", "sources", "max("+of("furl_trigger_reads_under_way")+")", "reads under way"),
	}}
}

func pods() row {
	return row{"CPU and memory of pods", plotHeight, []panel{
		plot("Scrapes of kubelets by result", "", "ops", "sum by (result) ("+rate(of("furl_scrapes_total"))+")", "{{result}}"),
		plot("Age of the samples", "A kubelet measures each ten seconds.", "s",
			"max("+of("furl_node_sample_age_mean_seconds")+")", "mean", "max("+of("furl_node_sample_age_max_seconds")+")", "oldest"),
		plot("What is held", "", "none",
			"max("+of("furl_scrape_pods")+")", "pods with samples", "max("+of("furl_nodes_without_samples")+")", "nodes without samples"),
	}}
}

func cluster() row {
	return row{"The API server", plotHeight, []panel{
		plot("Requests by answer", "<error>: there was none.", "reqps", "sum by (code) ("+rate(of("rest_client_requests_total"))+")", "{{code}}"),
		plot("Events that were lost", "", "ops", "sum by (why) ("+rate(of("furl_events_lost_total"))+")", "{{why}}"),
		plot("Objects judged at admission", "", "ops", "sum by (kind, outcome) ("+rate(of("furl_webhook_reviews_total"))+")", "{{kind}} {{outcome}}"),
	}}
}

func process() row {
	return row{"The process", plotHeight, []panel{
		plot("CPU", "Cores.", "none", "sum by (instance) ("+rate(of("process_cpu_seconds_total"))+")", "{{instance}}"),
		plot("Memory", "", "bytes", "sum by (instance) ("+of("process_resident_memory_bytes")+")", "{{instance}}"),
		plot("Goroutines", "", "none", "sum by (instance) ("+of("go_goroutines")+")", "{{instance}}"),
	}}
}
