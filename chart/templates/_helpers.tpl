{{/* The name of all objects. Every template begins with it, so it checks that the values fit together. */}}
{{- define "rollgate.name" -}}
{{- include "rollgate.check" . -}}
{{- $name := .Values.nameOverride | default "rollgate" -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "rollgate.chartLabels" -}}
{{ include "rollgate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "rollgate.labels" -}}
{{ include "rollgate.chartLabels" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "rollgate.selector" -}}
app.kubernetes.io/name: {{ .Values.nameOverride | default "rollgate" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "rollgate.serviceAccount" -}}
{{- /* The checks make sure that an account that is not created has a name. */}}
{{- .Values.serviceAccount.name | default (include "rollgate.name" .) }}
{{- end }}

{{- define "rollgate.account" -}}
system:serviceaccount:{{ .Release.Namespace }}:{{ include "rollgate.serviceAccount" . }}
{{- end }}

{{/* The mode of certificates, if it has what it needs. */}}
{{- define "rollgate.certificates" -}}
{{- $own := .Values.certificates }}
{{- if eq $own.mode "existing" }}
{{- if not $own.existingSecret }}
{{- fail "certificates.mode=existing: set certificates.existingSecret to the name of a Secret with tls.crt and tls.key" }}
{{- else if not $own.caBundle }}
{{- fail "certificates.mode=existing: set certificates.caBundle to the CA of certificates.existingSecret. The API server checks the certificate with it" }}
{{- end }}
{{- end }}
{{- if eq $own.mode "cert-manager" }}
{{- if not (.Capabilities.APIVersions.Has "cert-manager.io/v1") }}
{{- fail "certificates.mode=cert-manager: the cluster does not serve cert-manager.io/v1. Install cert-manager first, or set certificates.mode=self. For helm template, add --api-versions cert-manager.io/v1" }}
{{- end }}
{{- end }}
{{- $own.mode }}
{{- end }}

{{- define "rollgate.secret" -}}
{{- if eq .Values.certificates.mode "existing" }}{{ .Values.certificates.existingSecret }}{{ else }}{{ include "rollgate.name" . }}-tls{{ end }}
{{- end }}

{{/* The accounts that neither policy nor webhooks check: the one list behind both. */}}
{{- define "rollgate.exempt" -}}
{{- $system := list
  "system:serviceaccount:kube-system:generic-garbage-collector"
  "system:serviceaccount:kube-system:namespace-controller" }}
{{- $own := list (include "rollgate.account" .) }}
{{- concat $system $own .Values.exemptAccounts .Values.controllers.accounts | uniq | toJson }}
{{- end }}

{{/*
The accounts that the webhooks of a group leave out. While Rollgate is down, nobody can look for labelled controllers.
With failurePolicy Fail their writes would be rejected, and a running canary would stop. So the API server itself lets
the usual account pass, in the namespaces in which the label would be trusted anyway. Takes root and group.
*/}}
{{- define "rollgate.unchecked" -}}
{{- $accounts := include "rollgate.exempt" .root | fromJsonArray }}
{{- if and (eq (index .root.Values.webhooks.failurePolicy .group) "Fail") .root.Values.controllers.discover }}
{{- range .root.Values.controllers.namespaces }}
{{- $accounts = append $accounts (printf "system:serviceaccount:%s:argo-rollouts" .) }}
{{- end }}
{{- end }}
{{- $accounts | uniq | toJson }}
{{- end }}

{{/* A group with failurePolicy Fail whose kinds an Argo Rollouts controller writes; empty if there is none. */}}
{{- define "rollgate.failGroup" -}}
{{- $found := "" }}
{{- range list "argoproj" "istio" "gateway" "services" "workloads" "ingresses" "routers" }}
{{- if eq (index $.Values.webhooks.failurePolicy .) "Fail" }}
{{- $found = $found | default . }}
{{- end }}
{{- end }}
{{- $found }}
{{- end }}

{{/* The namespaces whose objects the API server never sends to Rollgate: the one list behind webhooks and policy. */}}
{{- define "rollgate.excludedNamespaces" -}}
{{- concat .Values.webhooks.excludedNamespaces (list .Release.Namespace) | uniq | toJson }}
{{- end }}

{{- define "rollgate.policy" -}}
{{- $accounts := dig "exemptions" "accounts" list .Values.policy }}
{{- $system := list "kube-system" "kube-public" "kube-node-lease" }}
{{- $namespaces := dig "exemptions" "namespaces" $system .Values.policy }}
{{- /* Namespaces that the webhooks leave out must be exempt in the policy too: nobody checks what is written there. */}}
{{- $excluded := include "rollgate.excludedNamespaces" . | fromJsonArray }}
{{- $controllers := pick .Values.controllers "accounts" "discover" "namespaces" }}
{{- with .Values.controllers.version }}
{{- $controllers = set $controllers "version" . }}
{{- end }}
{{- with .Values.controllers.gatewayPluginVersion }}
{{- $controllers = set $controllers "gatewayPluginVersion" . }}
{{- end }}
{{- $own := dict
  "exemptions" (dict
    "accounts" (concat $accounts .Values.exemptAccounts | uniq)
    "namespaces" (concat $namespaces $excluded | uniq))
  "controllers" $controllers
  "conversionNamespaces" (include "rollgate.conversionNamespaces" . | fromJsonArray) }}
{{- merge $own .Values.policy | toYaml }}
{{- end }}

{{/* Annotations of the webhook configurations. Without that of the chart the API server would not trust Rollgate. */}}
{{- define "rollgate.webhookAnnotations" -}}
{{- $own := dict }}
{{- if eq (include "rollgate.certificates" .) "cert-manager" }}
{{- $_ := set $own "cert-manager.io/inject-ca-from" (printf "%s/%s" .Release.Namespace (include "rollgate.name" .)) }}
{{- end }}
{{- merge $own .Values.webhooks.annotations | toYaml }}
{{- end }}

{{/* What all entries of a webhook configuration have in common. Takes root, path, group, changed (whether unchanged updates are skipped), condition (a further one, or nil). */}}
{{- define "rollgate.webhook" -}}
clientConfig:
  service:
    name: {{ include "rollgate.name" .root }}
    namespace: {{ .root.Release.Namespace }}
    path: {{ .path }}
    port: 443
  {{- if eq (include "rollgate.certificates" .root) "existing" }}
  caBundle: {{ .root.Values.certificates.caBundle | b64enc }}
  {{- end }}
admissionReviewVersions: [v1]
sideEffects: {{ ternary "NoneOnDryRun" "None" .root.Values.events.enabled }}
matchPolicy: Equivalent
timeoutSeconds: {{ .root.Values.webhooks.timeoutSeconds }}
failurePolicy: {{ index .root.Values.webhooks.failurePolicy .group }}
{{- /* The API server demands all conditions, so further ones never let in a namespace that is excluded. */}}
namespaceSelector:
  {{- with .root.Values.webhooks.namespaceSelector.matchLabels }}
  matchLabels: {{- toYaml . | nindent 4 }}
  {{- end }}
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: {{ include "rollgate.excludedNamespaces" .root }}
    {{- with .root.Values.webhooks.namespaceSelector.matchExpressions }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- with .root.Values.webhooks.objectSelector }}
objectSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if .root.Values.webhooks.matchConditions }}
matchConditions:
  - name: not-an-exempt-account
    expression: {{ printf "!(request.userInfo.username in %s)" (include "rollgate.unchecked" .) | quote }}
  {{- with .condition }}
  - name: {{ .name }}
    expression: {{ .expression | quote }}
  {{- end }}
  {{- if .changed }}
  - name: something-that-matters-changed
    expression: >-
      request.operation != 'UPDATE'
      || has(object.spec) != has(oldObject.spec) || (has(object.spec) && object.spec != oldObject.spec)
      || has(object.template) != has(oldObject.template) || (has(object.template) && object.template != oldObject.template)
      || has(object.metadata.labels) != has(oldObject.metadata.labels) || (has(object.metadata.labels) && object.metadata.labels != oldObject.metadata.labels)
      || (has(object.metadata.annotations) && object.metadata.annotations.exists(k, (k.startsWith('rollgate.io/') || k == 'argo-rollouts.argoproj.io/managed-by-rollouts')
          && !(has(oldObject.metadata.annotations) && k in oldObject.metadata.annotations && oldObject.metadata.annotations[k] == object.metadata.annotations[k])))
      || (has(oldObject.metadata.annotations) && oldObject.metadata.annotations.exists(k, (k.startsWith('rollgate.io/') || k == 'argo-rollouts.argoproj.io/managed-by-rollouts')
          && !(has(object.metadata.annotations) && k in object.metadata.annotations)))
  {{- end }}
{{- end }}
{{- end }}

{{/* The IP families of the Services. */}}
{{- define "rollgate.ipFamilies" -}}
{{- with .Values.service.ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .Values.service.ipFamilies }}
ipFamilies: {{ toJson . }}
{{- end }}
{{- end }}
