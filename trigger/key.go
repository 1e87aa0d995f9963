package trigger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
)

// reading is what makes two reads the same.
type reading struct {
	Kind      string
	Settings  [][2]string // name and text, in the order of the struct
	Identity  *Identity   `json:",omitempty"`
	Namespace string      `json:",omitempty"`
	Input     *Input      `json:",omitempty"`
}

// key hashes what is read and as whom. Targets and activations stay out, so
// that two workloads with different targets share one read of a queue; a
// target that shapes the reading itself says so in its tag.
func (d *decoding) key() string {
	p := d.kind.plan
	r := reading{Kind: d.kind.Name}
	for i, s := range p.settings {
		if text := d.found[i].text; text != "" && (s.Role == "" || s.isShape) {
			r.Settings = append(r.Settings, [2]string{s.Name, text})
		}
	}
	if p.identity != nil {
		r.Identity = &d.in.Identity
	}
	if p.namespace != nil {
		r.Namespace = d.in.Namespace
	}
	if p.input != nil { // it may read anything of it
		r.Input = &d.in
	}
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings, integers and maps of strings
	}
	sum := sha256.Sum256(text)
	return d.kind.Name + ":" + hex.EncodeToString(sum[:])
}

func (in Input) clone() Input {
	in.Metadata, in.Auth, in.Env = maps.Clone(in.Metadata), maps.Clone(in.Auth), maps.Clone(in.Env)
	return in
}
