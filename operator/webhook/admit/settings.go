package admit

import (
	"fmt"
	"reflect"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/trigger"
)

// judged are the triggers of one object, and those it had before.
type judged struct {
	namespace, object string
	triggers, stored  []v1alpha1.ScaleTriggers
	composed          bool
}

// wasThere says that a trigger stood in the stored object as it is.
func (j *judged) wasThere(t *v1alpha1.ScaleTriggers) bool {
	for i := range j.stored {
		if reflect.DeepEqual(&j.stored[i], t) {
			return true
		}
	}
	return false
}

// settings reads what each trigger says, as far as it can be known before its
// authentication and its workload's environment are read.
func (r *Rules) settings(a *Answer, j judged) {
	for i := range j.triggers {
		t := &j.triggers[i]
		kind, known := r.Kind(t.Type)
		if !known {
			a.warn(fmt.Sprintf("trigger %d (%s): no such type, so it is not read: %s", i, t.Type, r.meant(t.Type)))
			continue
		}
		c, err := kind.Decode(input(&j, i))
		switch {
		case err == nil:
			a.Warnings = append(a.Warnings, c.Warnings...)
		case r.LenientSettings || j.wasThere(t):
			a.warn(err.Error() + "; it is not read")
		default:
			a.object(Settings, err)
		}
		if err != nil { // which of its keys are unknown is told all the same
			a.Warnings = append(a.Warnings, kind.Strangers(input(&j, i))...)
		}
	}
}

// meant says which type was probably meant.
func (r *Rules) meant(name string) string {
	if near := trigger.Nearest(name, r.Names); near != "" {
		return "did you mean " + near + "?"
	}
	return "furl triggers lists those there are"
}

// input is what is known of a trigger at admission.
func input(j *judged, i int) trigger.Input {
	t := &j.triggers[i]
	in := trigger.Input{
		Index: i, Name: t.Name, Namespace: j.namespace, Object: j.object, MetricType: string(t.MetricType),
		Metadata: t.Metadata, Composed: j.composed, Partial: true,
	}
	if t.AuthenticationRef == nil {
		in.Auth = map[string]string{}
	}
	return in
}

// references warns of authentications that do not exist.
func (r *Rules) references(a *Answer, namespace string, triggers []v1alpha1.ScaleTriggers) {
	for i := range triggers {
		ref := triggers[i].AuthenticationRef
		if ref == nil {
			continue
		}
		kind, where := v1alpha1.KindTriggerAuthentication, namespace
		place := " in namespace " + namespace
		if ref.Kind == v1alpha1.KindClusterTriggerAuthentication {
			kind, where, place = ref.Kind, "", ""
		}
		if !r.Neighbours.HasAuthentication(kind, where, ref.Name) {
			a.warn(fmt.Sprintf("trigger %d (%s): %s %q does not exist%s; until it does, the trigger is not read", i, triggers[i].Type, kind, ref.Name, place))
		}
	}
}
