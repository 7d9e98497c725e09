{{/* The namespace of the Rollout that `helm test` sends; empty if there is no test. */}}
{{- define "rollgate.selfTestNamespace" -}}
{{- if .Values.selfTest.enabled }}
{{- $namespace := .Values.selfTest.namespace | default "default" }}
{{- if not (has $namespace (include "rollgate.excludedNamespaces" . | fromJsonArray)) }}
{{- $namespace }}
{{- else if .Values.selfTest.namespace }}
{{- fail (printf "selfTest.namespace: the API server never asks Rollgate about namespace %s, because webhooks.excludedNamespaces has it or Rollgate runs there; set another one" $namespace) }}
{{- end }}
{{- end }}
{{- end }}
