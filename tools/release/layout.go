package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/match"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// images writes every image in each form that something loads, pushes them
// where that was asked for, and returns the files among the forms.
func (o order) images(ctx context.Context) ([]string, error) {
	dir := filepath.Join(o.out, "images")
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	o.out = dir
	var files []string
	for _, i := range images() {
		made, err := o.image(ctx, i)
		if err != nil {
			return nil, fmt.Errorf("image %s: %w", i.program, err)
		}
		files = append(files, made...)
	}
	return files, nil
}

func (o order) image(ctx context.Context, i image) ([]string, error) {
	all, err := o.platforms(i.program)
	if err != nil {
		return nil, err
	}
	idx, err := o.index(i, architectures(all))
	if err != nil {
		return nil, err
	}
	ref, err := o.reference(i)
	if err != nil {
		return nil, err
	}
	files, err := o.forms(i, ref, idx)
	if err != nil || !o.push {
		return files, err
	}
	return files, o.pushed(ctx, ref, idx)
}

// reference is the full name of an image, with its tag.
func (o order) reference(i image) (name.Tag, error) {
	repository := i.repository
	if o.registry != "" {
		repository = o.registry + "/" + i.program
	}
	ref, err := name.NewTag(repository + ":" + o.number())
	if err != nil {
		return name.Tag{}, fmt.Errorf("name %s:%s: %w", repository, o.number(), err)
	}
	return ref, nil
}

// forms writes an image as a folder that skopeo and crane copy from, as that
// folder in one file, and for each architecture as a file for docker load and
// ctr images import, with the list of what is in it beside.
func (o order) forms(i image, ref name.Tag, idx v1.ImageIndex) ([]string, error) {
	folder := filepath.Join(o.out, i.program)
	if err := writeLayout(folder, ref, idx); err != nil {
		return nil, err
	}
	digest, err := idx.Digest()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(o.screen, "             %s  %s@%s\n", o.short(folder), ref, digest)
	whole := i.program + "_" + o.number() + "_oci.tar"
	if err := o.write(whole, packed(folder, nil)); err != nil {
		return nil, err
	}
	names := []string{whole}
	manifest, err := idx.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, d := range manifest.Manifests {
		if d.Platform.OS != "linux" {
			continue
		}
		made, err := o.single(i, ref, idx, d)
		if err != nil {
			return nil, err
		}
		names = append(names, made...)
	}
	for n := range names {
		names[n] = filepath.Join(o.out, names[n])
	}
	return names, nil
}

// single writes the image of one architecture, and the list of what is in it.
func (o order) single(i image, ref name.Tag, idx v1.ImageIndex, d v1.Descriptor) ([]string, error) {
	img, err := idx.Image(d.Digest)
	if err != nil {
		return nil, err
	}
	one := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex),
		mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: d.Platform, Annotations: named(ref)}})
	folder := filepath.Join(o.out, "."+i.program+"_"+d.Platform.Architecture)
	defer os.RemoveAll(folder) //nolint:errcheck // a stray folder does no harm
	if _, err := layout.Write(folder, one); err != nil {
		return nil, err
	}
	loads, err := forDocker(img, ref)
	if err != nil {
		return nil, err
	}
	stem := i.program + "_" + o.number() + "_linux_" + d.Platform.Architecture
	if err := o.write(stem+".tar", packed(folder, loads)); err != nil {
		return nil, err
	}
	list, err := o.bill(i, platform{d.Platform.OS, d.Platform.Architecture})
	if err != nil {
		return nil, err
	}
	err = o.write(stem+".image.spdx.json", func(w io.Writer) error {
		_, err := w.Write(list)
		return err
	})
	return []string{stem + ".tar", stem + ".image.spdx.json"}, err
}

// named are the annotations by which tools find the name of an image in a
// layout. Nodes look an image of Docker Hub's up as docker.io.
func named(ref name.Tag) map[string]string {
	full := ref.Name()
	if rest, is := strings.CutPrefix(full, name.DefaultRegistry+"/"); is {
		full = "docker.io/" + rest
	}
	return map[string]string{label + "ref.name": ref.TagStr(), "io.containerd.image.name": full}
}

func writeLayout(folder string, ref name.Tag, idx v1.ImageIndex) error {
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		return err
	}
	return path.ReplaceIndex(idx, match.Name(ref.TagStr()), layout.WithAnnotations(named(ref)))
}

// forDocker is the file that a docker which reads no OCI layouts looks for.
func forDocker(img v1.Image, ref name.Tag) ([]byte, error) {
	manifest, err := partial.Manifest(img)
	if err != nil {
		return nil, err
	}
	blob := func(d v1.Descriptor) string { return "blobs/" + d.Digest.Algorithm + "/" + d.Digest.Hex }
	load := struct {
		Config   string
		RepoTags []string
		Layers   []string
	}{Config: blob(manifest.Config), RepoTags: []string{ref.String()}}
	for _, l := range manifest.Layers {
		load.Layers = append(load.Layers, blob(l))
	}
	return json.Marshal([]any{load})
}

// packed is a layout as one file; loads is its manifest.json, if it has one.
func packed(folder string, loads []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		files, err := below(folder, "")
		if err != nil {
			return err
		}
		if loads != nil {
			files = append(files, text("manifest.json", 0o644, loads))
		}
		return writeTar(w, files)
	}
}
