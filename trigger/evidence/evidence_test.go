package evidence_test

import (
	"slices"
	"testing"

	"github.com/furl-dev/furl/trigger/evidence"
)

func TestBest_is_the_first_of_what_was_shown(t *testing.T) {
	if got := evidence.Best("no such trigger"); got != evidence.None {
		t.Errorf("got %q of what nobody has shown", got)
	}
	for _, kind := range []string{"aws-sqs-queue", "cron", "prometheus"} {
		all := evidence.Of(kind)
		last := 0
		for _, p := range all {
			at := slices.Index(evidence.Levels(), p.Level)
			if at < last {
				t.Errorf("%s: %v is not sorted, or has a level that does not exist", kind, all)
			}
			last = at
		}
		if len(all) > 0 && evidence.Best(kind) != all[0].Level {
			t.Errorf("%s: best is %q of %v", kind, evidence.Best(kind), all)
		}
	}
}
