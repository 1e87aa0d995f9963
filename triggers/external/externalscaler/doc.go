// Package externalscaler is the contract between Furl and a scaler that
// somebody else runs: what such a server implements, in any language.
package externalscaler

//go:generate go run -C ../../../tools ./protoc -dir ../triggers/external/externalscaler -plugin google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.11 -plugin google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2 externalscaler.proto
