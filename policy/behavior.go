package policy

import (
	"time"

	"github.com/furl-dev/furl/engine"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// addBehavior compiles how fast the size may move. Without behavior upstream
// has another algorithm: one window and a limit for each step up.
func (c *Compiled) addBehavior(b *autoscalingv2.HorizontalPodAutoscalerBehavior, d Defaults) {
	p := &c.Policy
	p.Tolerance = engine.Tolerance{Up: d.Tolerance, Down: d.Tolerance}
	if b == nil {
		p.Down.Window = d.DownscaleStabilization
		p.Burst = engine.Burst{Factor: d.BurstFactor, Floor: d.BurstFloor, Period: d.BurstPeriod}
		return
	}
	p.Up = scaling(b.ScaleUp, 0)
	// Upstream writes the flag into a field that counts whole seconds.
	p.Down = scaling(b.ScaleDown, d.DownscaleStabilization.Truncate(time.Second))
	p.Tolerance.Up = tolerance(b.ScaleUp, d.Tolerance)
	p.Tolerance.Down = tolerance(b.ScaleDown, d.Tolerance)
}

func tolerance(r *autoscalingv2.HPAScalingRules, otherwise float64) float64 {
	if r.Tolerance == nil {
		return otherwise
	}
	return r.Tolerance.AsApproximateFloat64()
}

func scaling(r *autoscalingv2.HPAScalingRules, window time.Duration) engine.Scaling {
	if s := r.StabilizationWindowSeconds; s != nil {
		window = seconds(*s)
	}
	s := engine.Scaling{Window: window, Select: selection(*r.SelectPolicy)}
	for _, p := range r.Policies {
		s.Limits = append(s.Limits, engine.Limit{
			Percent: p.Type == autoscalingv2.PercentScalingPolicy,
			Value:   p.Value,
			Period:  seconds(p.PeriodSeconds),
		})
	}
	return s
}

func selection(s autoscalingv2.ScalingPolicySelect) engine.Select {
	switch s {
	case autoscalingv2.MinChangePolicySelect:
		return engine.SelectMin
	case autoscalingv2.DisabledPolicySelect:
		return engine.SelectDisabled
	case autoscalingv2.MaxChangePolicySelect:
		return engine.SelectMax
	default: // validated before
		return engine.SelectMax
	}
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }
