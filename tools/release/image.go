package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// user is the one of the securityContext in deploy/40-operator.yaml.
	user  = "65532"
	home  = "https://github.com/furl-dev/furl"
	owner = "The Furl authors"
	// label begins the names of the labels that the OCI defines.
	label = "org.opencontainers.image."
)

// image is one that a cluster pulls: a program and what it needs of a system.
type image struct {
	program    string
	repository string // as the manifests name it
	about      string
	ports      []string
}

// images are Furl's own and those of the walkthrough's workloads.
func images() []image {
	return []image{
		{"furl", "furl", "All of Kubernetes pod autoscaling in one program", []string{"10250/tcp", "9443/tcp", "8080/tcp"}},
		{"hpa-example", "ghcr.io/furl-dev/hpa-example", "The web server of the HPA walkthrough, burning CPU", []string{"80/tcp"}},
		{"sqs-consumer", "ghcr.io/furl-dev/sqs-consumer", "The worker of the KEDA walkthrough: prompts from SQS to a model", []string{"9090/tcp"}},
		{"prompt-generator", "ghcr.io/furl-dev/prompt-generator", "The load of the KEDA walkthrough: prompts to SQS", nil},
	}
}

// labels say what is in an image, by the names that the OCI defines.
func (o order) labels(i image) map[string]string {
	all := map[string]string{
		label + "title":         i.program,
		label + "description":   i.about,
		label + "version":       o.number(),
		label + "source":        home,
		label + "url":           home,
		label + "documentation": home + "/blob/main/docs/guide/install.md",
		label + "licenses":      "Apache-2.0",
		label + "vendor":        owner,
	}
	if o.revision != "" {
		all[label+"revision"] = o.revision
	}
	return all
}

// base is the first layer, which all images share: authorities, names for the
// user, and a folder for temporary files.
func base() (v1.Layer, error) {
	return layer([]file{
		folder("etc/", 0o755),
		text("etc/group", 0o644, []byte("root:x:0:\nnonroot:x:"+user+":\n")),
		text("etc/passwd", 0o644, []byte("root:x:0:0:root:/:/sbin/nologin\nnonroot:x:"+user+":"+user+":nonroot:/:/sbin/nologin\n")),
		folder("etc/ssl/", 0o755),
		folder("etc/ssl/certs/", 0o755),
		text("etc/ssl/certs/ca-certificates.crt", 0o644, certificates()),
		folder("tmp/", 0o1777),
	})
}

func layer(files []file) (v1.Layer, error) {
	var b bytes.Buffer
	if err := writeTar(&b, files); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

// build puts an image for one architecture together, from nothing.
func (o order) build(i image, p platform) (v1.Image, error) {
	first, err := base()
	if err != nil {
		return nil, err
	}
	second, err := layer([]file{onDisk(i.program, o.program(p, i.program), 0o755)})
	if err != nil {
		return nil, err
	}
	scratch := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.ConfigFile(scratch, o.config(i, p))
	if err != nil {
		return nil, err
	}
	img, err = mutate.Append(img,
		mutate.Addendum{Layer: first, History: step("authorities of Mozilla, user " + user)},
		mutate.Addendum{Layer: second, History: step(i.program + " " + o.version)},
	)
	if err != nil {
		return nil, err
	}
	annotated, ok := mutate.Annotations(img, o.labels(i)).(v1.Image)
	if !ok {
		return nil, fmt.Errorf("image %s: annotations made no image of it", i.program)
	}
	return annotated, nil
}

func step(about string) v1.History {
	return v1.History{Created: v1.Time{Time: epoch()}, CreatedBy: "make image", Comment: about}
}

func (o order) config(i image, p platform) *v1.ConfigFile {
	ports := map[string]struct{}{}
	for _, port := range i.ports {
		ports[port] = struct{}{}
	}
	return &v1.ConfigFile{
		OS: p.os, Architecture: p.arch, Author: owner, Created: v1.Time{Time: epoch()},
		RootFS: v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User: user + ":" + user, Entrypoint: []string{"/" + i.program}, WorkingDir: "/",
			Env: []string{"PATH=/"}, ExposedPorts: ports, Labels: maps.Clone(o.labels(i)),
		},
	}
}
