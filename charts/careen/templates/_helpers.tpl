{{- define "careen.name" -}}
{{ default "careen" .Values.nameOverride }}
{{- end }}

{{- define "careen.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride }}
{{- else if contains "careen" .Release.Name }}{{ regexReplaceAll "[-.]+$" (trunc 40 .Release.Name) "" }}
{{- else }}{{ printf "%s-careen" (regexReplaceAll "[-.]+$" (trunc 33 .Release.Name) "") }}
{{- end }}
{{- end }}

{{/* The name of a Service is a DNS label that begins with a letter; the names of our other objects may have dots. */}}
{{- define "careen.metricsService" -}}
{{- $name := include "careen.fullname" . | replace "." "-" }}
{{- if not (regexMatch "^[a-z]" $name) }}careen-{{ end }}{{ $name }}-metrics
{{- end }}

{{/* The selector of the operator's pods. It never changes: the selector of a Deployment is immutable. */}}
{{- define "careen.selector" -}}
app.kubernetes.io/name: {{ include "careen.name" . | quote }}
app.kubernetes.io/component: operator
{{- end }}

{{/* The labels of all objects and pods. They do not have the chart's version: it alone must not replace the pods. */}}
{{- define "careen.commonLabels" -}}
app.kubernetes.io/name: {{ include "careen.name" . | quote }}
app.kubernetes.io/part-of: careen
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "careen.labels" -}}
{{ include "careen.commonLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- end }}

{{- define "careen.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ default (include "careen.fullname" .) .Values.serviceAccount.name }}
{{- else }}{{ required "serviceAccount.name: name an existing service account, or set serviceAccount.create to true" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "careen.image" -}}
{{- if eq .Values.image.tag "latest" }}
{{- fail "image.tag: latest is not a fixed version; name a version, or leave it empty for the version of the chart" }}
{{- end }}
{{- with .Values.image }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ with .digest }}@{{ . }}{{ end }}{{ end }}
{{- end }}
