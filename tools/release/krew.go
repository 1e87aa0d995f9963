package main

import (
	"io"

	"sigs.k8s.io/yaml"
)

// plugin is what krew, the index of kubectl's plugins, is told of one.
type plugin struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   metadata `json:"metadata"`
	Spec       spec     `json:"spec"`
}

type metadata struct {
	Name string `json:"name"`
}

type spec struct {
	Version          string      `json:"version"`
	Homepage         string      `json:"homepage"`
	ShortDescription string      `json:"shortDescription"`
	Description      string      `json:"description"`
	Caveats          string      `json:"caveats"`
	Platforms        []installed `json:"platforms"`
}

// installed is the plugin on one platform.
type installed struct {
	Selector selector `json:"selector"`
	URI      string   `json:"uri"`
	SHA256   string   `json:"sha256"`
	Bin      string   `json:"bin"`
	Files    []moved  `json:"files"`
}

type selector struct {
	MatchLabels map[string]string `json:"matchLabels"`
}

type moved struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// krew writes the description of the plugin for its index.
func (o order) krew(archives []archived) error {
	p := plugin{
		APIVersion: "krew.googlecontainertools.github.com/v1alpha2", Kind: "Plugin", Metadata: metadata{"furl"},
		Spec: spec{
			Version: o.version, Homepage: home,
			ShortDescription: "Says why workloads have the sizes they have",
			Description: `Furl does all of Kubernetes pod autoscaling in one program. This plugin asks it:
why a workload has its size (explain), what is wrong with a cluster (doctor),
what would be decided on what was observed (eval, needs no cluster). It also
installs Furl, freezes all writes, and takes over HPAs.
`,
			Caveats: `To complete lines of kubectl furl, put kubectl_complete-furl, which is beside
the plugin's program, into your PATH.
`,
		},
	}
	for _, a := range archives {
		sum, err := o.sum(a.name)
		if err != nil {
			return err
		}
		p.Spec.Platforms = append(p.Spec.Platforms, where(o, a, sum))
	}
	raw, err := yaml.Marshal(p)
	if err != nil {
		return err
	}
	return o.write("krew_furl.yaml", func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
}

func where(o order, a archived, sum string) installed {
	i := installed{
		Selector: selector{map[string]string{"os": a.os, "arch": a.arch}},
		URI:      home + "/releases/download/" + o.version + "/" + a.name, SHA256: sum, Bin: "furl",
		Files: []moved{{"furl", "."}, {"kubectl_complete-furl", "."}, {"LICENSE", "."}},
	}
	if a.os == "windows" {
		i.Bin, i.Files = "furl.exe", []moved{{"furl.exe", "."}, {"LICENSE", "."}}
	}
	return i
}
