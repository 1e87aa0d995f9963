package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/furl-dev/furl/engine"
)

// steady returns one decision that changes nothing on n pods, from the pods
// on: Group and Decide for one cpu utilization, without behavior as most HPAs
// are, each 10 s after the last.
func steady(tb testing.TB, n int) func() {
	tb.Helper()
	sig := engine.Signal{Name: "cpu", Label: "cpu", CPU: true, Target: engine.Target{Kind: engine.Utilization, Value: 50}}
	p := engine.Policy{
		Min: 1, Max: 2000, Signals: []engine.Signal{sig},
		Tolerance: engine.Tolerance{Up: 0.1, Down: 0.1}, Down: engine.Scaling{Window: 5 * time.Minute},
		Burst: engine.Burst{Factor: 2, Floor: 4, Period: 15 * time.Second},
		Grace: engine.Grace{CPUInitialization: 5 * time.Minute, InitialReadiness: 30 * time.Second},
	}
	pods := make([]engine.Pod, n)
	at := midnight
	for i := range pods {
		pods[i] = engine.Pod{
			Name: fmt.Sprint(i), Readiness: engine.Ready, ReadySince: at.Add(-time.Hour), Started: at.Add(-time.Hour), Begun: true,
			Request: 200, Measured: true, Value: 100, At: at, Window: 10 * time.Second,
		}
	}
	var h engine.History
	return func() {
		at = at.Add(10 * time.Second)
		o := engine.Observation{
			At: at, Replicas: engine.Replicas{Spec: int32(n), Status: int32(n)},
			Readings: []engine.Reading{{Signal: "cpu", Usage: engine.Group(pods, at, sig, p.Grace), At: at, ValidUntil: at.Add(time.Minute)}},
		}
		var d engine.Decision
		d, h = engine.Decide(p, o, h)
		if d.To != int32(n) || len(d.Steps) == 0 {
			tb.Fatal(d.To, d.Steps)
		}
	}
}

// BenchmarkSteady is one decision that changes nothing, from the pods on:
// Group and Decide for one cpu utilization, without behavior as most HPAs are.
func BenchmarkSteady(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("pods=%d", n), func(b *testing.B) {
			decide := steady(b, n)
			b.ReportAllocs()
			for b.Loop() {
				decide()
			}
		})
	}
}

// What is allocated for a decision is what a busy operator leaves to the
// garbage collector; it must not grow with the workload.
func TestDecideAllocatesAtMostTenTimes(t *testing.T) {
	for _, n := range []int{1, 100, 1000} {
		if allocs := testing.AllocsPerRun(100, steady(t, n)); allocs > 10 {
			t.Errorf("%g allocations for %d pods, want at most 10", allocs, n)
		}
	}
}
