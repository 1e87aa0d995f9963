package main

import (
	"bytes"
	"encoding/pem"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// certificates are the authorities that Mozilla trusts, as the file that Go
// programs look for. They come from a Go module and not from this machine, so
// that every machine builds the same image; they are a file and not in the
// program, so that whoever has authorities of his own can mount others over it.
//
// An authority that is trusted only for what it signed before some day is left
// out: a file of certificates cannot say that.
func certificates() []byte {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer takes everything
		}
	}
	return b.Bytes()
}
