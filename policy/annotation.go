package policy

import (
	"time"

	"github.com/furl-dev/furl/api"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The bounds of furl.dev/cadence: less is every sample anyway, more would
// outlive the longest stabilization window.
const (
	minCadence = time.Second
	maxCadence = time.Hour
)

// ValidateAnnotations returns what Furl cannot read of an HPA's annotations.
func ValidateAnnotations(all map[string]string) field.ErrorList {
	_, _, errs := annotations(all)
	return errs
}

// annotations reads Furl's own settings. A misspelt mode is an error: taken for
// none, it would write where the user asked to watch.
func annotations(all map[string]string) (Mode, time.Duration, field.ErrorList) {
	var (
		mode    Mode
		cadence time.Duration
		errs    field.ErrorList
		path    = field.NewPath("metadata", "annotations")
	)
	switch v, ok := all[api.AnnotationMode]; {
	case !ok:
	case v == api.ModeObserve:
		mode = Observe
	default:
		errs = append(errs, field.NotSupported(path.Key(api.AnnotationMode), v, []string{api.ModeObserve}))
	}
	if v, ok := all[api.AnnotationCadence]; ok {
		d, err := time.ParseDuration(v)
		if err != nil || d < minCadence || d > maxCadence {
			errs = append(errs, field.Invalid(path.Key(api.AnnotationCadence), v, "must be a duration of 1s to 1h, such as 15s"))
		}
		cadence = d
	}
	if v, ok := all[api.AnnotationBusy]; ok {
		if _, err := ParseBusy(v); err != nil {
			errs = append(errs, field.Invalid(path.Key(api.AnnotationBusy), v, err.Error()))
		}
	}
	return mode, cadence, errs
}
