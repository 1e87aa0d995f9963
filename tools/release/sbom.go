package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

// spdxMedia is the media type of a list of what is in a program.
const spdxMedia = "application/spdx+json"

// document is an SPDX 2.3 document.
type document struct {
	SPDXVersion       string         `json:"spdxVersion"`
	DataLicense       string         `json:"dataLicense"`
	SPDXID            string         `json:"SPDXID"`
	Name              string         `json:"name"`
	DocumentNamespace string         `json:"documentNamespace"`
	CreationInfo      creation       `json:"creationInfo"`
	Packages          []spdxPackage  `json:"packages"`
	Relationships     []relationship `json:"relationships"`
}

type creation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	SPDXID           string     `json:"SPDXID"`
	Name             string     `json:"name"`
	VersionInfo      string     `json:"versionInfo"`
	DownloadLocation string     `json:"downloadLocation"`
	FilesAnalyzed    bool       `json:"filesAnalyzed"`
	LicenseConcluded string     `json:"licenseConcluded"`
	LicenseDeclared  string     `json:"licenseDeclared"`
	CopyrightText    string     `json:"copyrightText"`
	Checksums        []checksum `json:"checksums,omitempty"`
	ExternalRefs     []external `json:"externalRefs,omitempty"`
	Purpose          string     `json:"primaryPackagePurpose,omitempty"`
}

type checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type external struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type relationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

const noAssertion = "NOASSERTION"

// bill lists what is in the image of a program: its modules, as the linker noted
// them in it, Go's library, and the certificates.
func (o order) bill(i image, p platform) ([]byte, error) {
	return o.list(i.program, p, module("golang.org/x/crypto/x509roots/fallback", o.fallback()))
}

// list lists what is in a program, and what else lies beside it.
func (o order) list(name string, p platform, beside ...spdxPackage) ([]byte, error) {
	path := o.program(p, name)
	built, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("what is in %s: %w", path, err)
	}
	raw, err := os.ReadFile(path) //nolint:gosec // what was built
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(raw)
	main := spdxPackage{
		SPDXID: "SPDXRef-program", Name: name, VersionInfo: o.version, DownloadLocation: "git+" + home + "@" + o.version,
		LicenseConcluded: "Apache-2.0", LicenseDeclared: "Apache-2.0", CopyrightText: "Copyright 2026 " + owner, Purpose: "APPLICATION",
		Checksums:    []checksum{{"SHA256", hex.EncodeToString(sum[:])}},
		ExternalRefs: purl(built.Main.Path, o.version),
	}
	d := document{
		SPDXVersion: "SPDX-2.3", DataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT", Name: name + " " + o.version + " " + p.String(),
		DocumentNamespace: home + "/spdx/" + name + "/" + o.version + "/" + p.String() + "/" + hex.EncodeToString(sum[:8]),
		CreationInfo:      creation{epoch().Format("2006-01-02T15:04:05Z"), []string{"Organization: " + owner, "Tool: furl-release"}},
		Packages:          []spdxPackage{main},
		Relationships:     []relationship{{"SPDXRef-DOCUMENT", "DESCRIBES", main.SPDXID}},
	}
	d.contain(module("std", &debug.Module{Path: "std", Version: strings.TrimPrefix(built.GoVersion, "go")}))
	for _, dep := range built.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		d.contain(module(dep.Path, dep))
	}
	for _, b := range beside {
		d.contain(b)
	}
	return json.MarshalIndent(d, "", "  ")
}

func (d *document) contain(p spdxPackage) {
	if slices.ContainsFunc(d.Packages, func(other spdxPackage) bool { return other.SPDXID == p.SPDXID }) {
		return // the program has a module that lies beside it too
	}
	d.Packages = append(d.Packages, p)
	d.Relationships = append(d.Relationships, relationship{"SPDXRef-program", "DEPENDS_ON", p.SPDXID})
}

func module(path string, m *debug.Module) spdxPackage {
	p := spdxPackage{
		SPDXID: "SPDXRef-" + spdxName(path), Name: path, VersionInfo: m.Version, DownloadLocation: noAssertion,
		LicenseConcluded: noAssertion, LicenseDeclared: noAssertion, CopyrightText: noAssertion, Purpose: "LIBRARY",
		ExternalRefs: purl(path, m.Version),
	}
	// go.sum's sum of a module is one of the sums of its files; SPDX has no name
	// for it but that of its algorithm.
	if raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(raw) == sha256.Size {
		p.Checksums = []checksum{{"SHA256", hex.EncodeToString(raw)}}
	}
	return p
}

func purl(path, version string) []external {
	escaped := strings.ReplaceAll(url.PathEscape(path), "%2F", "/")
	return []external{{"PACKAGE-MANAGER", "purl", "pkg:golang/" + escaped + "@" + url.PathEscape(version)}}
}

// spdxName has only what an SPDX identifier may have.
func spdxName(path string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' {
			return r
		}
		return '-'
	}, path)
}

// fallback is the module of the certificates, as this program was built with it.
func (o order) fallback() *debug.Module {
	const path = "golang.org/x/crypto/x509roots/fallback"
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, m := range b.Deps {
			if m.Path == path {
				return m
			}
		}
	}
	return &debug.Module{Path: path, Version: noAssertion}
}
