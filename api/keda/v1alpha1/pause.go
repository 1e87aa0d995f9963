package v1alpha1

import (
	"fmt"
	"strconv"
)

// HasPauseAnnotation reports whether an annotation that can pause the object is there, whatever its value.
func (o *ScaledObject) HasPauseAnnotation() bool {
	_, plain := o.Annotations[AnnotationPaused]
	_, sized := o.Annotations[AnnotationPausedReplicas]
	return plain || sized
}

// IsPaused reports whether an annotation freezes the size.
func (o *ScaledObject) IsPaused() bool {
	if _, sized := o.Annotations[AnnotationPausedReplicas]; sized {
		return true
	}
	return isSet(o.Annotations, AnnotationPaused)
}

// PausedReplicas returns the size to pause at, nil to pause at the size there is.
func (o *ScaledObject) PausedReplicas() (*int32, error) {
	value, sized := o.Annotations[AnnotationPausedReplicas]
	if !sized {
		return nil, nil
	}
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("annotation %s %q: give a number of replicas", AnnotationPausedReplicas, value)
	}
	size := int32(n)
	return &size, nil
}

// IsScaleInPaused reports whether an annotation keeps the size from shrinking.
func (o *ScaledObject) IsScaleInPaused() bool { return isSet(o.Annotations, AnnotationPausedScaleIn) }

// IsScaleOutPaused reports whether an annotation keeps the size from growing.
func (o *ScaledObject) IsScaleOutPaused() bool { return isSet(o.Annotations, AnnotationPausedScaleOut) }

// IsForcedActive reports whether an annotation makes the object active.
func (o *ScaledObject) IsForcedActive() bool { return isSet(o.Annotations, AnnotationForceActivation) }

// IsPaused reports whether an annotation keeps Jobs from being started.
func (j *ScaledJob) IsPaused() bool { return isSet(j.Annotations, AnnotationPaused) }

// isSet reports whether an annotation is there and not false. What is no
// boolean counts as true: who wrote "yes" meant it.
func isSet(annotations map[string]string, name string) bool {
	value, found := annotations[name]
	if !found {
		return false
	}
	set, err := strconv.ParseBool(value)
	return err != nil || set
}
