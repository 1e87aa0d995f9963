package main

import (
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// index is an image of every architecture, and beside each the list of what is
// in it: an artifact that refers to the image, which registries list as its
// referrer and container runtimes, which look for their own platform, pass by.
func (o order) index(i image, of []platform) (v1.ImageIndex, error) {
	var images, lists []mutate.IndexAddendum
	for _, p := range of {
		img, err := o.build(i, p)
		if err != nil {
			return nil, err
		}
		images = append(images, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.os, Architecture: p.arch}}})
		list, err := o.bill(i, p)
		if err != nil {
			return nil, err
		}
		artifact, err := attached(img, list)
		if err != nil {
			return nil, err
		}
		lists = append(lists, mutate.IndexAddendum{Add: artifact, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}, ArtifactType: spdxMedia}})
	}
	idx := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), append(images, lists...)...)
	annotated, ok := mutate.Annotations(idx, o.labels(i)).(v1.ImageIndex)
	if !ok {
		return nil, fmt.Errorf("index %s: annotations made no index of it", i.program)
	}
	return annotated, nil
}

// attached is an artifact with a document about an image. Its type is that of
// its config, as the OCI has it for registries that do not know artifactType.
func attached(img v1.Image, document []byte) (v1.Image, error) {
	subject, err := partial.Descriptor(img)
	if err != nil {
		return nil, err
	}
	artifact, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "unknown", Architecture: "unknown", RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		return nil, err
	}
	artifact = mutate.ConfigMediaType(mutate.MediaType(artifact, types.OCIManifestSchema1), spdxMedia)
	artifact, err = mutate.Append(artifact, mutate.Addendum{Layer: static.NewLayer(document, spdxMedia)})
	if err != nil {
		return nil, err
	}
	about, ok := mutate.Subject(artifact, v1.Descriptor{MediaType: subject.MediaType, Size: subject.Size, Digest: subject.Digest}).(v1.Image)
	if !ok {
		return nil, fmt.Errorf("artifact about %s: a subject made no image of it", subject.Digest)
	}
	return about, nil
}
