{{/* Stops with a message if values do not fit together. What one value alone may be is in values.schema.json. */}}
{{- define "rollgate.check" -}}
{{- /* Helm removes the default of a key without a value. --reuse-values leaves out defaults that the earlier chart lacked. */}}
{{- range include "rollgate.neededKeys" . | fromYamlArray }}
{{- if kindIs "invalid" (index $.Values .) }}
{{- fail (printf "%s has no value: remove the empty key %q from your values. If you do not have it, use helm upgrade --reset-then-reuse-values instead of --reuse-values" . .) }}
{{- end }}
{{- end }}
{{- if regexMatch "[:@][^/]*$" .Values.image.repository }}
{{- fail (printf "image.repository: %q has a tag or a digest; write it to image.tag or image.digest instead" .Values.image.repository) }}
{{- end }}
{{- if not .Values.serviceAccount.create }}
{{- if not .Values.serviceAccount.name }}
{{- fail "serviceAccount: name the account of Rollgate, because serviceAccount.create is false" }}
{{- end }}
{{- end }}
{{- if eq .Values.serviceAccount.name "default" }}
{{- fail "serviceAccount.name: Rollgate needs an account that no other pods use, because rules never check it; \"default\" is that of all pods" }}
{{- end }}
{{- if eq (int .Values.ports.webhook) (int .Values.ports.health) }}
{{- fail (printf "ports: webhook and health are both %d; use two ports" (int .Values.ports.webhook)) }}
{{- end }}
{{- if and .Values.hostNetwork (has 10250 (list (int .Values.ports.webhook) (int .Values.ports.health))) }}
{{- fail "ports: with hostNetwork the kubelet already uses port 10250 of the node; use another one" }}
{{- end }}
{{- include "rollgate.checkInjection" . }}
{{- include "rollgate.checkEffects" . }}
{{- if and (include "rollgate.failGroup" .) (not .Values.controllers.accounts) (not (and .Values.controllers.discover .Values.controllers.namespaces)) }}
{{- fail (printf "webhooks.failurePolicy.%s: with Fail, the API server must know the account of the Argo Rollouts controller, or running canaries stop while Rollgate is down; add it to controllers.accounts" (include "rollgate.failGroup" .)) }}
{{- end }}
{{- /* Policy and webhooks must leave out the same namespaces, and the policy knows no labels of namespaces and objects. */}}
{{- if and .Values.conversion.enabled (or .Values.webhooks.namespaceSelector .Values.webhooks.objectSelector) }}
{{- fail "webhooks: namespaceSelector and objectSelector need conversion.enabled=false, because Rollgate would convert Deployments that the webhooks never see; to leave out namespaces, use webhooks.excludedNamespaces" }}
{{- end }}
{{- end }}

{{/* The values that templates need. Those inside of them are in values.schema.json, as required. */}}
{{- define "rollgate.neededKeys" -}}
- global
- commonLabels
- image
- imagePullSecrets
- serviceAccount
- replicas
- policy
- exemptAccounts
- controllers
- conversion
- events
- webhooks
- certificates
- ports
- service
- metrics
- maxInFlight
- istioKubeconfig
- cache
- podLabels
- startupProbe
- livenessProbe
- readinessProbe
- logLevel
- podDisruptionBudget
- networkPolicy
- serviceMonitor
- prometheusRule
- dashboard
- selfTest
{{- end }}

{{- define "rollgate.checkInjection" -}}
{{- $clashes := dict
  "self" "cert-manager and Rollgate would overwrite caBundle in turn"
  "cert-manager" "it competes with the annotation of the chart" }}
{{- range $key, $_ := .Values.webhooks.annotations }}
{{- with get $clashes $.Values.certificates.mode }}
{{- if hasPrefix "cert-manager.io/inject" $key }}
{{- fail (printf "webhooks.annotations: with %s, %s; remove it, or set certificates.mode=existing" $key .) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Values that have an effect only with another one. A default is that of values.yaml, if it is not empty. */}}
{{- define "rollgate.dependentValues" -}}
- { value: serviceAccount.annotations, needs: serviceAccount.create=true }
- { value: controllers.namespaces, needs: controllers.discover=true, default: [argo-rollouts] }
- { value: conversion.namespaces, needs: conversion.enabled=true }
- { value: certificates.certManager.issuerRef, needs: certificates.mode=cert-manager }
- { value: certificates.certManager.duration, needs: certificates.mode=cert-manager, default: 2160h }
- { value: certificates.certManager.renewBefore, needs: certificates.mode=cert-manager, default: 720h }
- { value: certificates.existingSecret, needs: certificates.mode=existing }
- { value: certificates.caBundle, needs: certificates.mode=existing }
- { value: metrics.service.annotations, needs: metrics.service.separate=true }
- { value: istioKubeconfig.key, needs: istioKubeconfig.secretName, default: kubeconfig }
- { value: networkPolicy.webhookFrom, needs: networkPolicy.enabled=true }
- { value: networkPolicy.metricsFrom, needs: networkPolicy.enabled=true }
- { value: networkPolicy.egressPorts, needs: networkPolicy.enabled=true, default: [443, 6443] }
- { value: networkPolicy.extraEgress, needs: networkPolicy.enabled=true }
- { value: serviceMonitor.interval, needs: serviceMonitor.enabled=true, default: 30s }
- { value: serviceMonitor.labels, needs: serviceMonitor.enabled=true }
- { value: prometheusRule.labels, needs: prometheusRule.enabled=true }
- { value: prometheusRule.runbookUrl, needs: prometheusRule.enabled=true, default: docs/runbooks }
- { value: dashboard.labels, needs: dashboard.enabled=true, default: { grafana_dashboard: "1" } }
- { value: dashboard.annotations, needs: dashboard.enabled=true }
- { value: selfTest.namespace, needs: selfTest.enabled=true }
{{- end }}

{{- define "rollgate.checkEffects" -}}
{{- range include "rollgate.dependentValues" . | fromYamlArray }}
{{- $needs := splitList "=" .needs }}
{{- $other := include "rollgate.valueAt" (list $.Values (first $needs)) }}
{{- if ternary (ne $other (last $needs)) (empty $other) (eq (len $needs) 2) }}
{{- $value := include "rollgate.valueAt" (list $.Values .value) }}
{{- $unset := list "" "[]" "{}" (ternary .default (toJson .default) (kindIs "string" .default)) }}
{{- if not (has $value $unset) }}
{{- fail (printf "%s has no effect without %s: set that too, or remove %s" .value .needs .value) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* A value by its path: a string as it is, anything else as JSON. Takes the values and the path. */}}
{{- define "rollgate.valueAt" -}}
{{- $found := index . 0 }}
{{- range splitList "." (index . 1) }}
{{- $found = get ($found | default dict) . }}
{{- end }}
{{- if not (kindIs "invalid" $found) }}{{ ternary $found (toJson $found) (kindIs "string" $found) }}{{ end }}
{{- end }}
