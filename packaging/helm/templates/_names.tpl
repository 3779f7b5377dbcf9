{{- define "sessera.name" -}}
{{- if eq .Release.Name .Chart.Name -}}
{{ .Chart.Name }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "sessera.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sessera.labels" -}}
{{ include "sessera.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* What the chart itself has to say in the configuration counts more than what is given. */}}
{{- define "sessera.configuration" -}}
{{- $public := dict "host" "0.0.0.0" "port" 4433 "base_url" .Values.baseUrl "trusted_proxies" .Values.trustedProxies -}}
{{- $admin := dict "host" "0.0.0.0" "port" 4434 -}}
{{- $gateway := dict "enabled" .Values.gateway.enabled -}}
{{- if .Values.gateway.enabled -}}
{{- $gateway = dict "enabled" true "host" "0.0.0.0" "port" 4435 "trusted_proxies" .Values.gateway.trustedProxies -}}
{{- end -}}
{{- $timeouts := dict "drain" (printf "%ds" (int .Values.drainSeconds)) "grace" (printf "%ds" (int .Values.graceSeconds)) -}}
{{- $serve := dict "public" $public "admin" $admin "gateway" $gateway "timeouts" $timeouts -}}
{{- mergeOverwrite (deepCopy .Values.configuration) (dict "serve" $serve) | toYaml -}}
{{- end -}}
