package trigger

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
)

// reading is what makes two reads the same. It has values only, no pointer.
type reading struct {
	kind      string
	settings  [][2]string // name and text, in the order of the struct
	identity  Identity
	namespace Namespace
	metadata  map[string]string
	input     Input
}

// key hashes what is read and as whom. Targets and activations stay out, so
// that two workloads with different targets share one read of a queue; a
// target that shapes the reading itself says so in its tag.
func (d *decoding) key() string {
	p := d.kind.plan
	r := reading{kind: d.kind.Name}
	for i, s := range p.settings {
		if text := d.found[i].text; text != "" && (s.Role == "" || s.isShape) {
			r.settings = append(r.settings, [2]string{s.Name, text})
		}
	}
	if p.identity != nil {
		r.identity = d.in.Identity
	}
	if p.namespace != nil {
		r.namespace = Namespace(d.in.Namespace)
	}
	if d.kind.AnyKey {
		r.metadata = d.in.Metadata
	}
	if p.input != nil { // it may read anything of it
		r.input = d.in
	}
	// %#v quotes strings and sorts maps: two readings never print alike.
	sum := sha256.Sum256(fmt.Appendf(nil, "%#v", r))
	return d.kind.Name + ":" + hex.EncodeToString(sum[:])
}

func (in Input) clone() Input {
	in.Metadata, in.Auth, in.Env = maps.Clone(in.Metadata), maps.Clone(in.Auth), maps.Clone(in.Env)
	return in
}
