package eval

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/all"
	"sigs.k8s.io/yaml"
)

func (d *documents) addScaledObject(doc document, t typed) error {
	if want := v1alpha1.GroupVersion().String(); t.APIVersion != want {
		return doc.where.wrap(fmt.Errorf("apiVersion is %q; write %s", t.APIVersion, want))
	}
	so := new(v1alpha1.ScaledObject)
	if err := yaml.UnmarshalStrict(doc.text, so); err != nil {
		return doc.where.wrap(plain(err))
	}
	if errs := policy.ValidateScaledObject(so); len(errs) > 0 {
		return doc.where.wrap(errs.ToAggregate())
	}
	d.subjects = append(d.subjects, objectSubject(doc.where, so))
	return nil
}

func objectSubject(where place, so *v1alpha1.ScaledObject) *subject {
	s := newSubject(where, "ScaledObject", so.ObjectMeta)
	ref := so.Spec.ScaleTargetRef
	s.targetVersion, s.targetKind, s.targetName = cmp.Or(ref.APIVersion, "apps/v1"), cmp.Or(ref.Kind, "Deployment"), ref.Name
	if n := so.Spec.PollingInterval; n != nil {
		s.rhythm = time.Duration(*n) * time.Second
	} else {
		s.rhythm = 30 * time.Second
	}
	triggers := Triggers(so)
	s.triggers = map[string][]string{}
	for i := range triggers {
		for _, m := range triggers[i].Config.Metrics {
			s.triggers[trigger.MetricName(i, m.Name)] = callings(so, i)
		}
	}
	s.compile = func(d policy.Defaults) (policy.Compiled, error) { return policy.CompileScaledObject(so, triggers, d) }
	s.resume = func(at time.Time) engine.History { return policy.Resume(so, at) }
	return s
}

// Triggers decodes those of an object as admission does, in their order.
func Triggers(so *v1alpha1.ScaledObject) []policy.Trigger {
	out := make([]policy.Trigger, len(so.Spec.Triggers))
	for i := range out {
		out[i] = check(so, i)
	}
	return out
}

// check decodes one trigger as admission does: without the secrets and the
// environment of a cluster.
func check(so *v1alpha1.ScaledObject, i int) policy.Trigger {
	t := &so.Spec.Triggers[i]
	kind, ok := all.Find(t.Type)
	if !ok {
		return policy.Trigger{Fault: fmt.Sprintf("trigger %d (%s): this type is not built in", i, t.Type)}
	}
	c, err := kind.Decode(trigger.Input{
		Index: i, Name: t.Name, Namespace: so.Namespace, Object: so.Name,
		MetricType: string(t.MetricType), Metadata: t.Metadata, Partial: true,
	})
	if err != nil {
		return policy.Trigger{Fault: err.Error()}
	}
	return policy.Trigger{Config: c}
}

// callings are what an observation may call a trigger: by its name, its place,
// or its type where no other has it.
func callings(so *v1alpha1.ScaledObject, i int) []string {
	names := []string{strconv.Itoa(i)}
	if n := so.Spec.Triggers[i].Name; n != "" {
		names = append(names, n)
	}
	of := 0
	for j := range so.Spec.Triggers {
		if so.Spec.Triggers[j].Type == so.Spec.Triggers[i].Type {
			of++
		}
	}
	if of == 1 {
		names = append(names, so.Spec.Triggers[i].Type)
	}
	return names
}
