package keda

import "strings"

// replays finds how the records of a category are replayed.
func replays(category string) (replay, bool) {
	switch kind, what, _ := strings.Cut(strings.TrimPrefix(category, "extra/"), "/"); kind {
	case "scaledobject_executor":
		return executor(what)
	case "hpa":
		return replayBuild, true
	case "fallback":
		return replayFallback, true
	case "modifiers":
		return modifiers(what)
	case "handler":
		return handler(what)
	case "resolver":
		return resolver(what)
	case "webhook":
		return replayAdmission, true
	case "object_rules":
		return replayRule, true
	case "trigger_parse":
		return replayParse, true
	case "metric_names":
		return replayNames, true
	case "trigger_functions":
		return replayCall, true
	case "typed_config":
		return replayDeclared, true
	}
	return nil, false
}

func executor(what string) (replay, bool) {
	switch what {
	case "request_scale", "":
		return replayRequest, true
	case "triggers_activity":
		return replayActivity, true
	case "hpa_health":
		return replayHealth, true
	case "deactivation_target":
		return replayRest, true
	}
	return nil, false
}

func modifiers(what string) (replay, bool) {
	switch what {
	case "compile":
		return replayCompile, true
	case "evaluate", "formula":
		return replayFormula, true
	case "trigger_value_or_nil":
		return replayNil, true
	case "metric_trigger_pair":
		return replayPair, true
	case "metric_name_match":
		return replayMatch, true
	}
	return nil, false
}

func handler(what string) (replay, bool) {
	switch what {
	case "get_metrics_for_hpa":
		return replayAnswer, true
	case "scaled_object_state":
		return replayState, true
	case "apply_result_to_status":
		return replayStatus, true
	}
	return nil, false
}

func resolver(what string) (replay, bool) {
	switch what {
	case "auth_ref":
		return replayReference, true
	case "auth_file":
		return replayFile, true
	case "auth_secret":
		return replaySecret, true
	case "container_env":
		return replayEnvironment, true
	case "current_replicas":
		return replaySize, true
	}
	return nil, false
}
