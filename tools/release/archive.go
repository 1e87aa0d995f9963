package main

import (
	"archive/zip"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// completer is what kubectl starts to complete a line of the plugin: the plugin itself.
const completer = "#!/bin/sh\n# kubectl looks for this beside the plugin, in PATH, to complete `kubectl furl`.\nexec kubectl-furl __complete \"$@\"\n"

// archived is an archive of furl for one platform.
type archived struct {
	platform
	name string
}

// archives packs furl for each platform, with the list of what is in it beside.
func (o order) archives() ([]archived, error) {
	all, err := o.platforms("furl")
	if err != nil {
		return nil, err
	}
	var made []archived
	for _, p := range all {
		a, err := o.archive(p)
		if err != nil {
			return nil, fmt.Errorf("archive for %s: %w", p, err)
		}
		made = append(made, a)
	}
	return made, nil
}

func (o order) archive(p platform) (archived, error) {
	stem := "furl_" + o.number() + "_" + p.String()
	list, err := o.list("furl", p)
	if err != nil {
		return archived{}, err
	}
	err = o.write(stem+".spdx.json", func(w io.Writer) error {
		_, err := w.Write(list)
		return err
	})
	if err != nil {
		return archived{}, err
	}
	files := []file{
		onDisk("LICENSE", filepath.Join(o.root, "LICENSE"), 0o644),
		onDisk("NOTICE", filepath.Join(o.root, "NOTICE"), 0o644),
	}
	if p.os == "windows" {
		files = append(files, onDisk("furl.exe", o.program(p, "furl"), 0o755))
		return archived{p, stem + ".zip"}, o.write(stem+".zip", func(w io.Writer) error { return writeZip(w, files) })
	}
	files = append(files, onDisk("furl", o.program(p, "furl"), 0o755), text("kubectl_complete-furl", 0o755, []byte(completer)))
	return archived{p, stem + ".tar.gz"}, o.write(stem+".tar.gz", func(w io.Writer) error { return writeTarball(w, files) })
}

// writeTarball writes a tar that is compressed, with no name nor time in its head.
func writeTarball(w io.Writer, files []file) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := writeTar(z, files); err != nil {
		return err
	}
	return z.Close()
}

func writeZip(w io.Writer, files []file) error {
	z := zip.NewWriter(w)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		h.SetMode(os.FileMode(f.mode)) //nolint:gosec // one of ours
		entry, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		r, _, err := f.open()
		if err != nil {
			return err
		}
		_, err = io.Copy(entry, r)
		r.Close() //nolint:errcheck,gosec // only read
		if err != nil {
			return err
		}
	}
	return z.Close()
}

// sums writes the checksum of each file of the release, as sha256sum -c reads them.
func (o order) sums() error {
	entries, err := os.ReadDir(o.out)
	if err != nil {
		return err
	}
	var lines []string
	for _, e := range entries {
		sum, err := o.sum(e.Name())
		if err != nil {
			return err
		}
		lines = append(lines, sum+"  "+e.Name()+"\n")
	}
	slices.Sort(lines)
	return o.write("SHA256SUMS", func(w io.Writer) error {
		_, err := io.WriteString(w, strings.Join(lines, ""))
		return err
	})
}

// sum is the checksum of a file of the release.
func (o order) sum(name string) (string, error) {
	f, err := os.Open(filepath.Join(o.out, name)) //nolint:gosec // of the release
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
