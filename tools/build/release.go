package main

import (
	"fmt"
	"regexp"
	"strings"
)

// release is how a program is built that others are given.
type release struct{ version, os, arch string }

// stamp is the variable that the linker writes the version to, if the program
// has it: Stamp of internal/version.
const stamp = "github.com/furl-dev/furl/internal/version.stamped"

// forPlatforms has every program built for every platform.
func forPlatforms(programs []program, version, platforms string) ([]program, error) {
	if !regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`).MatchString(version) {
		return nil, fmt.Errorf("version %q is not one of a release: write it as v1.2.3 or v1.2.3-rc.1", version)
	}
	names := strings.Split(platforms, ",")
	var all []program
	for _, name := range names {
		os, arch, ok := strings.Cut(name, "/")
		if !ok || os == "" || arch == "" {
			return nil, fmt.Errorf("platform %q is not OS/ARCHITECTURE, such as linux/arm64", name)
		}
		for _, p := range programs {
			if len(names) > 1 && !strings.Contains(p.out, "{platform}") {
				return nil, fmt.Errorf("output %q would be that of each platform: put {platform} into it", p.out)
			}
			p.out = strings.ReplaceAll(p.out, "{platform}", os+"_"+arch)
			if os == "windows" {
				p.out += ".exe"
			}
			p.release = &release{version, os, arch}
			all = append(all, p)
		}
	}
	return all, nil
}

// flags leave out what differs between machines: paths, and the state of git,
// which the version names. Without gRPC's page of traces, which nothing serves.
func (r *release) flags() []string {
	return []string{"-trimpath", "-buildvcs=false", "-tags=grpcnotrace", "-ldflags=-s -w -buildid= -X " + stamp + "=" + r.version}
}

// env says what else decides on the bytes of a program.
func (r *release) env() []string {
	return []string{"CGO_ENABLED=0", "GOOS=" + r.os, "GOARCH=" + r.arch, "GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOEXPERIMENT="}
}
