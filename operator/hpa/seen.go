package hpa

import (
	"time"

	"github.com/furl-dev/furl/kube"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// Seen is an HPA as the watch keeps it: without its field managers, of which
// only who wrote the status is left.
type Seen struct {
	Object *autoscalingv2.HorizontalPodAutoscaler
	// Upstream is when kube-controller-manager last changed the status; zero for never.
	Upstream time.Time
	// Ours says that Furl wrote the status, Made that it wrote the rest.
	Ours, Made bool
}

// upstreamManager is the field manager of upstream's controller: the first
// part of its user agent.
const upstreamManager = "kube-controller-manager"

// Cut keeps of an HPA what a controller needs. It may modify h.
func Cut(h *autoscalingv2.HorizontalPodAutoscaler) Seen {
	s := Seen{}
	for i := range h.ManagedFields {
		f := &h.ManagedFields[i]
		if f.Subresource != "status" {
			s.Made = s.Made || f.Subresource == "" && f.Manager == kube.FieldManager
			continue
		}
		switch f.Manager {
		case upstreamManager:
			if f.Time != nil && f.Time.After(s.Upstream) {
				s.Upstream = f.Time.Time
			} else if s.Upstream.IsZero() {
				s.Upstream = time.Unix(0, 0)
			}
		case kube.FieldManager:
			s.Ours = true
		}
	}
	s.Object = cutObject(h)
	return s
}

// cutObject drops what the API server alone keeps: a status written without
// field managers leaves them as they are. All other metadata stays, for a
// status is written as a whole object. It may modify h.
func cutObject(h *autoscalingv2.HorizontalPodAutoscaler) *autoscalingv2.HorizontalPodAutoscaler {
	h.ManagedFields = nil
	return h
}
