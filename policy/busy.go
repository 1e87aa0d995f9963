package policy

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/furl-dev/furl/api"
	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Busy is where a pod tells how much it has in hand: on a page of its own, or
// in one of its conditions. The zero value tells nothing.
type Busy struct {
	// Port and Path, with its query, are the page; Metric is the one on it, in
	// Prometheus' text format, whose series add up to what the pod has in hand.
	Port   uint16
	Path   string
	Metric string
	// Condition is the type of the pod's condition that is True while it works.
	Condition string
}

const (
	busyCondition = "condition/"
	busyExample   = "such as http://:9090/metrics#inference_in_flight or condition/Busy"
)

// ParseBusy reads the annotation furl.dev/busy. The address of a page has no
// host: it is the pod's own, so that nobody makes Furl ask strangers.
func ParseBusy(v string) (Busy, error) {
	if t, ok := strings.CutPrefix(v, busyCondition); ok {
		if faults := validation.IsQualifiedName(t); len(faults) > 0 {
			return Busy{}, fmt.Errorf("condition %q: %s; want the type of a pod's condition, %s", t, strings.Join(faults, ", "), busyExample)
		}
		return Busy{Condition: t}, nil
	}
	u, err := url.Parse(v)
	if err != nil {
		return Busy{}, errors.New("must be a URL without a host or the name of a condition, " + busyExample)
	}
	switch {
	case u.Scheme != "http":
		return Busy{}, errors.New("must begin with http:// or condition/, " + busyExample)
	case u.Hostname() != "" || u.User != nil:
		return Busy{}, errors.New("must not name a host or a user: each pod is asked at its own address, " + busyExample)
	case !model.LegacyValidation.IsValidMetricName(u.Fragment):
		return Busy{}, fmt.Errorf("must name a metric behind #, not %q, %s", u.Fragment, busyExample)
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil || port == 0 {
		return Busy{}, fmt.Errorf("must name a port of 1 to 65535, not %q, %s", u.Port(), busyExample)
	}
	return Busy{Port: uint16(port), Path: u.RequestURI(), Metric: u.Fragment}, nil
}

// busyOf is what valid annotations say.
func busyOf(all map[string]string) Busy {
	b, _ := ParseBusy(all[api.AnnotationBusy]) // validated before; none is the zero value
	return b
}
