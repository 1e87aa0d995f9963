{{/* The keys of KEDA's chart that the values set and that mean nothing here, as JSON {"lines": [...]}. */}}
{{- define "furl.without" -}}
{{- $lines := list -}}
{{- range $key, $reason := .Files.Get "files/keda-values.yaml" | fromYaml -}}
{{- $at := $.Values -}}
{{- range splitList "." $key -}}
{{- if kindIs "map" $at }}{{ $at = index $at . }}{{ else }}{{ $at = "" }}{{ end -}}
{{- end -}}
{{- if not (empty $at) }}{{ $lines = append $lines (printf "%s: %s" $key $reason) }}{{ end -}}
{{- end -}}
{{- dict "lines" $lines | toJson -}}
{{- end -}}
