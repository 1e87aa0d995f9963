package trigger

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// elsewhere has keys that belong to every trigger: they stand beside its
// metadata, or had a meaning once.
func elsewhere(key string) string {
	switch key {
	case "metricName":
		return "metricName is not read: a metric's name follows from what is measured"
	case "metricType", "name", "authenticationRef", "useCachedMetrics":
		return fmt.Sprintf("%s in the metadata is not read: it stands beside metadata, not in it", key)
	}
	return ""
}

// Strangers warns of keys of the metadata that no setting reads; [Kind.Decode]
// does so itself where the settings can be used.
func (k Kind) Strangers(in Input) []string { return k.strangers(in) }

// strangers warns of keys of the metadata that no setting reads.
func (k Kind) strangers(in Input) []string {
	if k.AnyKey {
		return nil
	}
	var out []string
	for _, key := range slices.Sorted(maps.Keys(in.Metadata)) {
		if why := k.stranger(key); why != "" {
			out = append(out, label(in.Index, k.Name)+": "+why)
		}
	}
	return out
}

// stranger is why nothing reads a key; empty where something does.
func (k Kind) stranger(key string) string {
	base, isEnv := strings.CutSuffix(key, fromEnvSuffix)
	for _, s := range k.plan.settings {
		switch {
		case slices.Contains(s.names(), key) && slices.Contains(s.From, fromMeta):
			return ""
		case slices.Contains(s.names(), key):
			return fmt.Sprintf("%s in the metadata is not read: want it %s", key, strings.Join(where(s), " or "))
		case isEnv && slices.Contains(s.names(), base) && slices.Contains(s.From, fromEnv):
			return ""
		case isEnv && slices.Contains(s.names(), base):
			return fmt.Sprintf("%s is not read: want %s %s", key, base, strings.Join(where(s), " or "))
		}
	}
	if why := elsewhere(key); why != "" {
		return why
	}
	if near := Nearest(key, k.keys()); near != "" {
		return fmt.Sprintf("%s is no setting and is not read: did you mean %s?", key, near)
	}
	return fmt.Sprintf("%s is no setting and is not read", key)
}

// where names the places of a setting for a sentence.
func where(s *setting) []string {
	out := make([]string, 0, len(s.From))
	for _, place := range s.From {
		switch place {
		case fromMeta:
			out = append(out, "in the metadata")
		case fromAuth:
			out = append(out, "in the authentication")
		case fromEnv:
			out = append(out, "by "+s.Name+fromEnvSuffix)
		}
	}
	return out
}

// keys are all that may stand in the metadata.
func (k Kind) keys() []string {
	var out []string
	for _, s := range k.plan.settings {
		for _, name := range s.names() {
			if slices.Contains(s.From, fromMeta) {
				out = append(out, name)
			}
			if slices.Contains(s.From, fromEnv) {
				out = append(out, name+fromEnvSuffix)
			}
		}
	}
	return out
}

// Nearest is the name that a user probably meant: at most a third of its
// letters are wrong, and two may always be. It is empty where none is near.
func Nearest(word string, names []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, name := range names {
		if n := distance(strings.ToLower(word), strings.ToLower(name)); n < least && n < len(name) {
			best, least = name, n
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour (optimal string alignment).
func distance(a, b string) int {
	if max(len(a), len(b)) > longestShown {
		return longestShown // nobody mistypes that
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			n := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				n = min(n, rows[i-2][j-2]+1)
			}
			rows[i][j] = n
		}
	}
	return rows[len(a)][len(b)]
}
