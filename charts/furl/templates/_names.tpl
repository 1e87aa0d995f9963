{{/* The name of all objects. */}}
{{- define "furl.name" -}}
{{- $chart := .Values.nameOverride | default .Chart.Name -}}
{{- $release := .Release.Name -}}
{{- if not (contains $chart $release) }}{{ $release = printf "%s-%s" $release $chart }}{{ end -}}
{{- .Values.fullnameOverride | default $release | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* The pods' account. */}}
{{- define "furl.account" -}}
{{- .Values.serviceAccount.operator.name | default (include "furl.name" .) -}}
{{- end -}}

{{/* What tells the pods of this release from others. */}}
{{- define "furl.selector" -}}
app.kubernetes.io/name: furl
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "furl.labels" -}}
{{ include "furl.selector" . }}
app.kubernetes.io/managed-by: {{ .Values.customManagedBy | default .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{- with .Values.additionalLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* labels and annotations of an object; (list . more) adds annotations. */}}
{{- define "furl.marks" -}}
{{- $top := index . 0 -}}
labels:
  {{- include "furl.labels" $top | nindent 2 }}
{{- with merge (dict) (index . 1 | default dict) $top.Values.additionalAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The image. */}}
{{- define "furl.image" -}}
{{- with .Values.global.image.registry | default .Values.image.registry }}{{ . }}/{{ end -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{/* The namespaces that Furl serves, as a JSON list in an object; none means all. */}}
{{- define "furl.namespaces" -}}
{{- $all := list -}}
{{- range splitList "," .Values.watchNamespace }}{{ with trim . }}{{ $all = append $all . }}{{ end }}{{ end -}}
{{- dict "list" ($all | uniq) | toJson -}}
{{- end -}}
