package plane

import (
	"runtime/debug"

	"k8s.io/apimachinery/pkg/version"
	basecompatibility "k8s.io/component-base/compatibility"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// builtFrom is the module that the plane is built from.
const builtFrom = "k8s.io/kubernetes"

// nameRelease makes the API server tell clients which release it is. Its own
// build says so with the linker's flags; ours, a module among others, reads it
// from what the linker notes of every module.
func nameRelease(c *apiserver.Config) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return
	}
	for _, m := range info.Deps {
		if m.Path != builtFrom {
			continue
		}
		r := release{EffectiveVersion: c.KubeAPIs.ControlPlane.Generic.EffectiveVersion, name: m.Version}
		c.KubeAPIs.ControlPlane.Generic.EffectiveVersion = r
		c.Aggregator.GenericConfig.EffectiveVersion = r
		c.ApiExtensions.GenericConfig.EffectiveVersion = r
	}
}

// release is an effective version that has a name, such as v1.37.2.
type release struct {
	basecompatibility.EffectiveVersion
	name string
}

// Info implements basecompatibility.EffectiveVersion.
func (r release) Info() *version.Info {
	info := r.EffectiveVersion.Info()
	if info != nil {
		info.GitVersion = r.name
	}
	return info
}
