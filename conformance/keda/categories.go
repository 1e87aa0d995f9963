package keda

import "strings"

// replays finds how the records of a category are replayed.
func replays(category string) (replay, bool) {
	switch kind, what, _ := strings.Cut(strings.TrimPrefix(category, "extra/"), "/"); kind {
	case "scaledobject_executor":
		return executor(what)
	case "fallback":
		return replayFallback, true
	}
	return nil, false
}

func executor(what string) (replay, bool) {
	switch what {
	case "request_scale", "":
		return replayRequest, true
	case "triggers_activity":
		return replayActivity, true
	case "deactivation_target":
		return replayRest, true
	}
	return nil, false
}
