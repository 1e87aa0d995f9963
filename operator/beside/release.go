package beside

import "strconv"

// Feature is something that users of Furl may want and not every cluster has.
type Feature string

// The features, as users know them.
const (
	// Zero is an HPA with minReplicas 0, feature gate HPAScaleToZero.
	Zero Feature = "hpa-min-replicas-zero"
	// Tolerance is a tolerance in an HPA's behavior, feature gate HPAConfigurableTolerance.
	Tolerance Feature = "hpa-tolerance"
)

// Features are all of them.
func Features() []Feature { return []Feature{Zero, Tolerance} }

// Stage is how far a feature is in a release.
type Stage string

// The stages. Of these a cluster has beta and stable ones unless somebody
// switched them off, and alpha ones only where somebody switched them on.
const (
	None   Stage = "none"
	Alpha  Stage = "alpha"
	Beta   Stage = "beta"
	Stable Stage = "stable"
)

// Release is a minor version of Kubernetes 1.
type Release struct {
	Minor  int
	Stages map[Feature]Stage
}

// The releases that Furl supports.
const (
	Oldest = 32
	Newest = 37
)

// Releases are those that Furl supports, the oldest first. The stages are
// those of pkg/features/kube_features.go of Kubernetes.
func Releases() []Release {
	return []Release{
		{32, map[Feature]Stage{Zero: Alpha, Tolerance: None}},
		{33, map[Feature]Stage{Zero: Alpha, Tolerance: Alpha}},
		{34, map[Feature]Stage{Zero: Alpha, Tolerance: Alpha}},
		{35, map[Feature]Stage{Zero: Alpha, Tolerance: Beta}},
		{36, map[Feature]Stage{Zero: Alpha, Tolerance: Beta}},
		{37, map[Feature]Stage{Zero: Beta, Tolerance: Stable}},
	}
}

// Has tells whether a release has a feature when nobody changed its gates.
func (r Release) Has(f Feature) bool { return r.Stages[f] == Beta || r.Stages[f] == Stable }

// releaseOf finds the release of a minor version; the nearest, where it is not supported.
func releaseOf(minor int) Release {
	all := Releases()
	return all[min(max(minor, Oldest), Newest)-Oldest]
}

// minorOf reads a minor version such as 32 or, on managed clusters, 32+.
func minorOf(text string) (int, error) {
	end := 0
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	return strconv.Atoi(text[:end])
}
