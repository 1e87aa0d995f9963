package oracle

import (
	"fmt"
	"testing"

	"github.com/furl-dev/furl/operator/beside"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/version"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/component-base/featuregate"
	"k8s.io/kubernetes/pkg/features"
)

// TestReleases_have_the_features_that_upstream_says compares the table of what each Kubernetes lacks, which the operator
// and docs/reference/support.md have, with what upstream's feature gates say about each release.
func TestReleases_have_the_features_that_upstream_says(t *testing.T) {
	gates := utilfeature.DefaultMutableFeatureGate.GetAllVersioned()
	named := map[beside.Feature]featuregate.Feature{
		beside.Zero: features.HPAScaleToZero, beside.Tolerance: features.HPAConfigurableTolerance,
	}
	for _, r := range beside.Releases() {
		want := map[beside.Feature]beside.Stage{}
		for _, f := range beside.Features() {
			want[f] = stage(gates[named[f]], version.MustParse(fmt.Sprintf("1.%d", r.Minor)))
		}
		if diff := cmp.Diff(want, r.Stages); diff != "" {
			t.Errorf("1.%d: %s", r.Minor, diff)
		}
	}
}

// stage is how far a feature was in a release: what its newest entry that is not newer says.
func stage(all featuregate.VersionedSpecs, at *version.Version) beside.Stage {
	is := beside.None
	for _, spec := range all {
		if spec.Version.GreaterThan(at) {
			continue
		}
		switch string(spec.PreRelease) {
		case string(featuregate.Alpha):
			is = beside.Alpha
		case string(featuregate.Beta):
			is = beside.Beta
		default: // generally available
			is = beside.Stable
		}
	}
	return is
}
