package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
)

// manifests writes what furl install brings, for who applies it himself.
func (o order) manifests(ctx context.Context) error {
	ref, err := o.reference(images()[0])
	if err != nil {
		return err
	}
	path := o.program(platform{runtime.GOOS, runtime.GOARCH}, "furl")
	var words bytes.Buffer
	cmd := exec.CommandContext(ctx, path, "install", "--dry-run=client", "-o", "yaml", "--image", ref.String()) //nolint:gosec // the program that was built
	cmd.Stderr = &words
	objects, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("manifests: %s install: %w\n%s", path, err, words.String())
	}
	return o.write("furl_"+o.number()+"_install.yaml", func(w io.Writer) error {
		_, err := w.Write(objects)
		return err
	})
}
