{{- define "careen.name" -}}
{{ default "careen" .Values.nameOverride }}
{{- end }}

{{- define "careen.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride }}
{{- else if contains "careen" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-careen" (.Release.Name | trunc 33 | trimSuffix "-") }}
{{- end }}
{{- end }}

{{/* What tells the operator's pods from all others. It never changes: a Deployment's selector cannot. */}}
{{- define "careen.selector" -}}
app.kubernetes.io/name: {{ include "careen.name" . }}
app.kubernetes.io/component: operator
{{- end }}

{{/* Labels of the pods and of all else. The chart's version is not among them: it alone is no reason for new pods. */}}
{{- define "careen.commonLabels" -}}
app.kubernetes.io/name: {{ include "careen.name" . }}
app.kubernetes.io/part-of: careen
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "careen.labels" -}}
{{ include "careen.commonLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "careen.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ default (include "careen.fullname" .) .Values.serviceAccount.name }}
{{- else }}{{ required "serviceAccount.name: name the account that is there, or let serviceAccount.create be true" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "careen.image" -}}
{{- if eq .Values.image.tag "latest" }}
{{- fail "image.tag: what is latest today is another image tomorrow; name a version, or leave it empty for that of the chart" }}
{{- end }}
{{- with .Values.image }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ with .digest }}@{{ . }}{{ end }}{{ end }}
{{- end }}
