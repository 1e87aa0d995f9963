package doctor

import (
	"fmt"
	"strings"

	decisions "github.com/furl-dev/furl/api/decisions/v1alpha1"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
)

const ruleHeld = "held"

// hold is how a rule that keeps a size is told: the word users know it by, what
// follows, and what would change it.
type hold struct {
	word     string
	severity Severity
	do       string
}

// holdOf tells how a rule holds a size back; rules that only measure do not.
func holdOf(rule engine.Rule) (hold, bool) {
	switch rule {
	case engine.RuleTolerance:
		return hold{"tolerance", Note, "The load is near enough to the target. For a finer hand set spec.behavior.scaleUp.tolerance, or a target nearer to what you want."}, true
	case engine.RuleStabilise:
		return hold{"stabilization", Note, "A change must have been wanted for a while. To follow sooner set spec.behavior.scaleDown.stabilizationWindowSeconds."}, true
	case engine.RuleRate:
		return hold{"policy", Note, "The behavior bounds the change per period. To go faster change spec.behavior.scaleUp.policies, or scaleDown."}, true
	case engine.RuleBurst:
		return hold{"policy", Note, "Without a behavior growth is bounded to twice the size, or four, in 15 s. To go faster set spec.behavior.scaleUp."}, true
	case engine.RuleClamp, engine.RuleBounds:
		return hold{"max", Warning, "More is wanted than may be had: raise maxReplicas (maxReplicaCount of a ScaledObject), if the cluster and the budget bear it."}, true
	case engine.RuleActivate:
		return hold{"cooldown", Note, "The last work is not long enough ago. To go to zero sooner set spec.cooldownPeriod."}, true
	case engine.RulePause:
		return hold{"pause", Warning, "Somebody paused it: remove the annotation."}, true
	case engine.RuleAsleep:
		return hold{"zero", Note, "An HPA wakes no workload that somebody else put to zero: scale it to one by hand."}, true
	case engine.RuleFallback, engine.RuleFormula, engine.RuleMeasure, engine.RuleFill,
		engine.RuleHold, engine.RulePick, engine.RuleFloor:
	}
	return hold{}, false
}

// didHold tells whether a rule that may hold a size back did so in this step.
func didHold(rule engine.Rule, step *decisions.Step) bool {
	if rule == engine.RuleClamp || rule == engine.RuleBounds {
		return step.After < step.Before // else at the minimum, or back within the bounds
	}
	return rule != engine.RuleActivate || strings.Contains(step.Sentence, "cool")
}

// held says which rule of the decision keeps a workload from the size that its
// signals ask for.
func held(s *Snapshot) []Finding {
	var out []Finding
	for i := range s.Decisions {
		d := &s.Decisions[i]
		if d.Latest.Outcome == string(loop.Unseen) {
			out = append(out, unseen(s, d))
			continue
		}
		if step, h, ok := holding(&d.Latest); ok {
			out = append(out, heldBy(s, d, step, h))
		}
	}
	return out
}

// holding is the last step that holds the size back. What would hold one replica
// for a while longer matters less than the cooldown: that alone lets it go to zero.
func holding(r *decisions.Record) (*decisions.Step, hold, bool) {
	var step *decisions.Step
	var h hold
	for i := len(r.Steps) - 1; i >= 0; i-- {
		rule, err := engine.ParseRule(r.Steps[i].Rule)
		if err != nil {
			continue // of a newer operator
		}
		of, ok := holdOf(rule)
		if !ok || !didHold(rule, &r.Steps[i]) {
			continue
		}
		if step == nil || rule == engine.RuleActivate && step.After <= 1 {
			step, h = &r.Steps[i], of
		}
	}
	return step, h, step != nil
}

func heldBy(s *Snapshot, d *decisions.Decision, step *decisions.Step, h hold) Finding {
	ref := decided(d)
	f := Finding{
		Rule: ruleHeld, Severity: h.severity, Object: ref.object(), Namespace: d.Namespace, about: s.aroundAutoscaler(ref),
		Sentence: fmt.Sprintf("%d replicas are held by %s: %s", d.Latest.From, h.word, step.Sentence),
		Do:       []string{h.do, fmt.Sprintf("furl explain %s -n %s", explained(ref), d.Namespace)},
	}
	if h.word == "pause" {
		f.Do[0] = fmt.Sprintf("Somebody paused it: kubectl annotate %s -n %s %s- %s- %s- %s-", named(ref), d.Namespace,
			v1alpha1.AnnotationPaused, v1alpha1.AnnotationPausedReplicas, v1alpha1.AnnotationPausedScaleIn, v1alpha1.AnnotationPausedScaleOut)
	}
	f.Evidence = append(f.Evidence, fmt.Sprintf("decisions %s/%s, rule %s: %s", d.Namespace, d.Name, step.Rule, step.Sentence))
	for i := range d.Latest.Signals {
		if n := d.Latest.Signals[i].Replicas; n != nil {
			f.Evidence = append(f.Evidence, fmt.Sprintf("signal %s alone asks for %d", d.Latest.Signals[i].Name, *n))
		}
	}
	return f
}

func unseen(s *Snapshot, d *decisions.Decision) Finding {
	ref := decided(d)
	return Finding{
		Rule: "target", Severity: Error, Object: ref.object(), Namespace: d.Namespace, about: s.aroundAutoscaler(ref),
		Sentence: "the size of its target cannot be read, so nothing is decided",
		Evidence: []string{"decisions " + d.Namespace + "/" + d.Name + ": " + oneLine(d.Latest.Error)},
		Do: []string{
			"Correct scaleTargetRef, or create what it names; Furl needs get and update of its scale subresource.",
			fmt.Sprintf("kubectl describe %s -n %s", named(ref), d.Namespace),
		},
	}
}

// decided is the object that a decision is about.
func decided(d *decisions.Decision) Ref {
	kind, name, _ := strings.Cut(d.Object, "/")
	if kind == "scaledobject" {
		kind = kindScaledObject
	}
	return Ref{kind, d.Namespace, name}
}

func explained(r Ref) string {
	if r.Kind == kindScaledObject {
		return "scaledobject/" + r.Name
	}
	return r.object()
}

// aroundAutoscaler is what a finding about an autoscaler touches.
func (s *Snapshot) aroundAutoscaler(ref Ref) []Ref {
	for _, a := range s.autoscalers() {
		if a.ref == ref {
			return s.around(a.target)
		}
	}
	return []Ref{ref}
}
