{{/* Stops with a message if values do not fit together. What one value alone may be is in values.schema.json. */}}
{{- define "rollgate.check" -}}
{{- /* With --reuse-values, Helm leaves out the defaults of values that the earlier chart did not have. */}}
{{- if not (hasKey .Values "serviceAccount") }}
{{- fail "these are the values of an earlier version of the chart: use helm upgrade --reset-then-reuse-values instead of --reuse-values" }}
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
{{- if eq .Values.certificates.mode "self" }}
{{- range $key, $_ := .Values.webhooks.annotations }}
{{- if hasPrefix "cert-manager.io/inject" $key }}
{{- fail (printf "webhooks.annotations: with %s, cert-manager and Rollgate would overwrite caBundle in turn; remove it, or set certificates.mode=existing" $key) }}
{{- end }}
{{- end }}
{{- end }}
{{- /* Policy and webhooks must leave out the same namespaces, and the policy knows no labels of namespaces and objects. */}}
{{- if and .Values.conversion.enabled (or .Values.webhooks.namespaceSelector .Values.webhooks.objectSelector) }}
{{- fail "webhooks: namespaceSelector and objectSelector need conversion.enabled=false, because Rollgate would convert Deployments that the webhooks never see; to leave out namespaces, use webhooks.excludedNamespaces" }}
{{- end }}
{{- end }}
