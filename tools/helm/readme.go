package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

const intro = `<!-- Made from values.yaml and files/keda-values.yaml by tools/helm: run make generate. -->
# Furl's Helm chart

All of Kubernetes pod autoscaling in one program, from the YAML of HPA and KEDA: one Deployment in place of KEDA's three.

` + "```" + `
helm install furl charts/furl --namespace furl-system --create-namespace \
  --set image.registry=REGISTRY --set image.tag=TAG
` + "```" + `

A values file of KEDA's chart works as it is. [docs/guide/helm.md](../../docs/guide/helm.md) says how to install, upgrade and remove the chart,
[docs/guide/moving-from-keda.md](../../docs/guide/moving-from-keda.md) how to move from KEDA's release and back. Kubernetes 1.32 and later; Helm 3 and 4.

## Values

| Key | Default | What |
|---|---|---|
`

const ignored = `
## Values of KEDA's chart without effect

These are accepted, so that a values file of KEDA's can stay as it is; the notes of a release name those that it sets. Any other key is refused.

| Key | Why |
|---|---|
`

// readme is the chart's README.
func readme(values *value, extra []without) []byte {
	var b bytes.Buffer
	b.WriteString(intro)
	rows(&b, values, "")
	b.WriteString(ignored)
	for _, w := range extra {
		fmt.Fprintf(&b, "| `%s` | %s |\n", w.key, w.reason)
	}
	return b.Bytes()
}

func rows(b *bytes.Buffer, v *value, path string) {
	for _, key := range v.keys {
		at := strings.TrimPrefix(path+"."+key.name, ".")
		if key.keys != nil {
			rows(b, key, at)
			continue
		}
		fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", at, standard(key), strings.ReplaceAll(key.doc, "|", `\|`))
	}
}

// standard is the value of a key where nobody says otherwise, as JSON.
func standard(v *value) string {
	var plain any
	if err := v.standard.Decode(&plain); err != nil {
		return v.standard.Value
	}
	raw, err := json.Marshal(plain)
	if err != nil {
		return v.standard.Value
	}
	return string(raw)
}
