package policy

import (
	"fmt"
	"strconv"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/engine"
)

// flagged reads a yes-or-no annotation as KEDA does: one that is there and does
// not say false says yes.
func flagged(annotations map[string]string, name string) bool {
	v, ok := annotations[name]
	if !ok {
		return false
	}
	yes, err := strconv.ParseBool(v)
	return err != nil || yes
}

// pause reads the annotations that stop scaling altogether. A size to pause at
// that is no number pauses where the workload is, with a warning: whoever
// writes it wants scaling to stop.
func (c *Compiled) pause(annotations map[string]string) engine.Pause {
	v, ok := annotations[v1alpha1.AnnotationPausedReplicas]
	if !ok {
		return engine.Pause{On: flagged(annotations, v1alpha1.AnnotationPaused)}
	}
	n, err := PausedReplicas(v)
	if err != nil {
		c.Warnings = append(c.Warnings, fmt.Sprintf("metadata.annotations: %s %v; paused at the size it has", v1alpha1.AnnotationPausedReplicas, err))
		return engine.Pause{On: true}
	}
	return engine.Pause{On: true, At: true, Replicas: n}
}

// PausedReplicas reads the value of the annotation autoscaling.keda.sh/paused-replicas.
func PausedReplicas(v string) (int32, error) {
	n, err := strconv.ParseInt(v, 10, 32)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q: want a number of replicas, such as 0", v)
	}
	return int32(n), nil
}
