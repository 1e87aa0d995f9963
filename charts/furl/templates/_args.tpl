{{/*
The flags of furl operator, as a JSON list: those that every pod needs, then what
the values say otherwise than furl does by itself.
*/}}
{{- define "furl.args" -}}
{{- $args := list "--namespace=$(POD_NAMESPACE)" "--secure-port=10250" "--cert-dir=/tmp" -}}
{{- $name := include "furl.name" . -}}
{{- $port := int .Values.prometheus.operator.port -}}
{{- $log := .Values.logging.operator -}}
{{- $level := regexMatch "^[0-9]+$" (toString $log.level) | ternary "debug" $log.level -}}{{/* KEDA's numbers */}}
{{- if ne $name "furl" }}{{ $args = append $args (printf "--name=%s" $name) }}{{ end -}}
{{- if not .Values.webhooks.enabled }}{{ $args = append $args "--webhook-bind-address=" }}{{ end -}}
{{- if ne $port 8080 }}{{ $args = append $args (printf "--metrics-bind-address=:%d" $port) }}{{ end -}}
{{- if ne .Values.hpaController "auto" }}{{ $args = append $args (printf "--hpa-controller=%s" .Values.hpaController) }}{{ end -}}
{{- if ne .Values.scaledObjects "on" }}{{ $args = append $args (printf "--scaled-objects=%s" .Values.scaledObjects) }}{{ end -}}
{{- if ne .Values.actuation "direct" }}{{ $args = append $args (printf "--actuation=%s" .Values.actuation) }}{{ end -}}
{{- if ne .Values.resourceMetrics.source "self" }}{{ $args = append $args (printf "--resource-metrics=%s" .Values.resourceMetrics.source) }}{{ end -}}
{{- if ne $level "info" }}{{ $args = append $args (printf "--log-level=%s" $level) }}{{ end -}}
{{- if eq $log.format "json" }}{{ $args = append $args "--log-format=json" }}{{ end -}}
{{- with (include "furl.namespaces" . | fromJson).list }}{{ $args = append $args (printf "--watch-namespace=%s" (join "," .)) }}{{ end -}}
{{- if .Values.permissions.operator.restrict.secret }}{{ $args = append $args "--restrict-secret-access" }}{{ end -}}
{{- if eq .Values.service.minTlsVersion "TLS13" }}{{ $args = append $args "--tls-min-version=VersionTLS13" }}{{ end -}}
{{- range $flag, $value := .Values.extraArgs.furl }}{{ $args = append $args (printf "--%s=%v" $flag $value) }}{{ end -}}
{{- toJson $args -}}
{{- end -}}
