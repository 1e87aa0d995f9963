package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
)

// TestAuto_never_has_two_writers runs furl operator --hpa-controller=auto where
// upstream's HPA controller is off, is switched on later, and is on from the
// start. Who wrote a size is the API server's word.
func TestAuto_never_has_two_writers(t *testing.T) {
	t.Parallel() // mostly waits
	log, audit := logSizes(t)
	l := labtest.Start(t, labtest.Options{SimNodes: 1, Operator: true, Args: append(audit,
		"--operator-arg=--metric-resolution=2s", "--operator-arg=--hpa-controller=off", "--operator-arg=--leader-elect=false",
		"--operator-arg=--scaled-objects=off",
	)})
	auto := []string{
		"--resource-metrics=api", "--hpa-controller=auto", "--hpa-unserved-after=3s", "--leader-elect=false", "--scaled-objects=off",
	}

	// Off: nobody sets a condition, so Furl takes the HPA.
	first := startOperator(t, l, "first", auto...)
	first.says(time.Minute, "watches are synced")
	l.Apply(fmt.Sprintf(workload, 0))
	awaitEvent(t, l, "web-0", "TakenOver", "No controller has set a condition for 3s")
	awaitSize(t, l, 3)
	log.only("with upstream off", byFurl)

	// Switched on later: it shows itself by a status, and Furl leaves all HPAs alone.
	stop := switchOnUpstream(t, l)
	uses(l, "150m") // three are the most, so that only the status has something new
	first.says(2*time.Minute, "standing down for all hpas")
	awaitEvent(t, l, "web-0", "StandingDown", "leaves all HPAs alone")
	log.only("while the two meet", nobody)
	uses(l, "10m")
	awaitSize(t, l, 1)
	rests(t, l, 1)
	log.only("with upstream switched on later", upstream)

	// On from the start: its status is there, and Furl takes nothing.
	first.kill()
	second := startOperator(t, l, "second", auto...)
	second.says(time.Minute, "watches are synced")
	uses(l, "200m")
	awaitSize(t, l, 3)
	rests(t, l, 3)
	log.only("with upstream on", upstream)
	stop()
}

// rests looks on for a while: the size must stay.
func rests(t *testing.T, l *labtest.Lab, want int32) {
	t.Helper()
	end := time.Now().Add(quiet)
	holdsUntil(t, l, want, quiet+time.Minute, func() bool { return time.Now().After(end) })
}
