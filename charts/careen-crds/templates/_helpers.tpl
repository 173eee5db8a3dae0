{{/* The deletion of a CRD deletes all its objects: Helm keeps the CRDs when the release is removed. */}}
{{- define "careen-crds.annotations" -}}
helm.sh/resource-policy: keep
{{- end }}

{{- define "careen-crds.labels" -}}
app.kubernetes.io/name: careen
app.kubernetes.io/part-of: careen
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- end }}
