{{/* What conversion writes: in all namespaces, or in each of conversion.namespaces. */}}
{{- define "rollgate.conversionRules" -}}
- apiGroups: [argoproj.io]
  resources: [rollouts]
  verbs: [create, patch, delete]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end }}

{{/* The namespaces in which Rollgate may convert; empty means all. The one list behind its rights and its policy. */}}
{{- define "rollgate.conversionNamespaces" -}}
{{- range .Values.conversion.namespaces }}
{{- if has . (include "rollgate.excludedNamespaces" $ | fromJsonArray) }}
{{- fail (printf "conversion.namespaces: nothing is converted in namespace %s, because webhooks.excludedNamespaces has it or Rollgate runs there; remove it from one of the lists" .) }}
{{- end }}
{{- end }}
{{- .Values.conversion.namespaces | default list | uniq | toJson }}
{{- end }}

{{/* Deployments in other namespaces that a Rollout runs, or that wait for one. Only an installation can look them up. */}}
{{- define "rollgate.uncoveredConversions" -}}
{{- $found := list }}
{{- $namespaces := include "rollgate.conversionNamespaces" . | fromJsonArray }}
{{- if $namespaces }}
{{- range (lookup "apps/v1" "Deployment" "" "").items }}
{{- $notes := .metadata.annotations | default dict }}
{{- $waits := and (hasKey $notes "rollgate.io/replicas") (eq (int .spec.replicas) 0) (ne (index $notes "rollgate.io/replicas") "0") }}
{{- if and (not (has .metadata.namespace $namespaces)) (or (hasKey $notes "rollgate.io/rollout-uid") $waits) }}
{{- $found = append $found (printf "%s/%s" .metadata.namespace .metadata.name) }}
{{- end }}
{{- end }}
{{- end }}
{{- $found | toJson }}
{{- end }}

{{/* The paragraph of NOTES.txt about them. Empty if there are none. */}}
{{- define "rollgate.uncoveredConversionsNote" -}}
{{- with include "rollgate.uncoveredConversions" . | fromJsonArray }}

WARNING: conversion.namespaces leaves out the namespaces of these converted Deployments: {{ join ", " . }}.
Their Rollouts continue to run, but Rollgate no longer passes on counts and profiles, and cannot convert back.
Add the namespaces to conversion.namespaces again. To remove them, convert these Deployments back first.
See which of them need something now, with the file of the policy:
  rollgate scan --policy rollgate.yaml
{{- end }}
{{- end }}
