{{/* The pods' account as the subject of a binding. */}}
{{- define "furl.subject" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "furl.account" . }}
    namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* (list name furl-x): the name of an object that deploy/ calls furl or furl-x. */}}
{{- define "furl.named" -}}
{{ index . 0 }}{{ trimPrefix "furl" (index . 1) }}
{{- end -}}

{{/* (list name rules): rules with the names of this release's objects. */}}
{{- define "furl.renamed" -}}
{{- $name := index . 0 -}}
{{- range index . 1 }}
{{- $names := list -}}
{{- range .resourceNames }}{{ $names = append $names (hasPrefix "furl" . | ternary (include "furl.named" (list $name .)) .) }}{{ end }}
- {{ ternary (merge (dict "resourceNames" $names) .) . (hasKey . "resourceNames") | toJson }}
{{- end }}
{{- end -}}

{{/* The right to scale: of everything, or of apps and the kinds of rbac.scaledRefKinds. */}}
{{- define "furl.scale" -}}
{{- $verbs := list "get" "update" -}}
{{- $all := false -}}
{{- range .Values.rbac.scaledRefKinds }}{{ if eq .kind "*" }}{{ $all = true }}{{ end }}{{ end -}}
{{- if and $all .Values.rbac.enabledCustomScaledRefKinds }}
- {{ dict "apiGroups" (list "*") "resources" (list "*/scale") "verbs" $verbs | toJson }}
{{- else }}
- {{ dict "apiGroups" (list "apps") "resources" (list "deployments/scale" "replicasets/scale" "statefulsets/scale") "verbs" $verbs | toJson }}
- {{ dict "apiGroups" (list "") "resources" (list "replicationcontrollers/scale") "verbs" $verbs | toJson }}
{{- if .Values.rbac.enabledCustomScaledRefKinds }}
{{- range .Values.rbac.scaledRefKinds }}
- {{ dict "apiGroups" (list .apiGroup) "resources" (list (printf "%ss/scale" (lower .kind))) "verbs" $verbs | toJson }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A Role with rules, and its binding to the pods' account. */}}
{{- define "furl.granted" }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  {{- include "furl.marks" (list .top dict) | nindent 2 }}
rules:
  {{- toYaml .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  namespace: {{ .namespace }}
  {{- include "furl.marks" (list .top dict) | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
{{ include "furl.subject" .top }}
{{- end -}}
