// Command protoc turns .proto files into Go, in the folder it is run in, with
// nothing but Go modules: the compiler is a library, the plugins are Go programs.
//
// Usage: protoc -plugin MODULE/PROGRAM@VERSION [-plugin ...] FILE.proto ...
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

func main() {
	var plugins []string
	dir := flag.String("dir", ".", "folder of the files, read and written")
	flag.Func("plugin", "PACKAGE@VERSION of a plugin; may be repeated", func(s string) error {
		plugins = append(plugins, s)
		return nil
	})
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := generate(ctx, *dir, flag.Args(), plugins)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "protoc:", err)
		os.Exit(1)
	}
}

// generate compiles the files and writes what each plugin makes of them.
func generate(ctx context.Context, dir string, files, plugins []string) error {
	if len(files) == 0 || len(plugins) == 0 {
		return errors.New("name at least one -plugin and one file")
	}
	request, err := compile(ctx, dir, files)
	if err != nil {
		return err
	}
	for _, plugin := range plugins {
		made, err := run(ctx, plugin, request)
		if err != nil {
			return fmt.Errorf("%s: %w", plugin, err)
		}
		for _, f := range made {
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(f.GetName())), []byte(f.GetContent()), 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}

// compile is what a plugin is asked: the files, after all that they import.
func compile(ctx context.Context, dir string, files []string) (*pluginpb.CodeGeneratorRequest, error) {
	c := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{dir}}),
		SourceInfoMode: protocompile.SourceInfoStandard, // comments go into the Go files
	}
	compiled, err := c.Compile(ctx, files...)
	if err != nil {
		return nil, err
	}
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: files, Parameter: new("paths=source_relative")}
	seen := make(map[string]bool)
	for _, f := range compiled {
		request.ProtoFile = appendFile(request.GetProtoFile(), f, seen)
	}
	return request, nil
}

func appendFile(dst []*descriptorpb.FileDescriptorProto, f protoreflect.FileDescriptor, seen map[string]bool) []*descriptorpb.FileDescriptorProto {
	if seen[f.Path()] {
		return dst
	}
	seen[f.Path()] = true
	for i := range f.Imports().Len() {
		dst = appendFile(dst, f.Imports().Get(i).FileDescriptor, seen)
	}
	if result, ok := f.(linker.Result); ok {
		return append(dst, result.FileDescriptorProto())
	}
	return append(dst, protoutil.ProtoFromFileDescriptor(f))
}

// run hands the request to one plugin.
func run(ctx context.Context, plugin string, request *pluginpb.CodeGeneratorRequest) ([]*pluginpb.CodeGeneratorResponse_File, error) {
	in, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "run", plugin) //nolint:gosec // the plugins stand in go:generate lines of this repository
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal(out, response); err != nil {
		return nil, err
	}
	if why := response.GetError(); why != "" {
		return nil, errors.New(why)
	}
	return response.GetFile(), nil
}
