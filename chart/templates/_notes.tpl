{{/* A pod of its own runs the scan: in a pod of Rollgate it would take the memory of the gate. It reads the policy of the release. */}}
{{- define "rollgate.scanCommand" -}}
{{- $name := printf "%s-scan" (include "rollgate.name" .) }}
{{- /* kubectl gives the container the name of the pod. */}}
{{- $container := dict "name" $name "volumeMounts" (list (dict "name" "policy" "mountPath" "/policy")) }}
{{- with .Values.securityContext }}
{{- $_ := set $container "securityContext" . }}
{{- end }}
{{- $volume := dict "name" "policy" "configMap" (dict "name" (printf "%s-policy" (include "rollgate.name" .))) }}
{{- /* The account itself gives no pod a token. */}}
{{- $spec := dict "serviceAccountName" (include "rollgate.serviceAccount" .) "automountServiceAccountToken" true "containers" (list $container) "volumes" (list $volume) }}
{{- with .Values.podSecurityContext }}
{{- $_ := set $spec "securityContext" . }}
{{- end }}
{{- with include "rollgate.imagePullSecrets" . | fromJsonArray }}
{{- $_ := set $spec "imagePullSecrets" . }}
{{- end }}
{{- printf "kubectl --namespace %s run %s --image=%s --restart=Never --rm --stdin --quiet --override-type=strategic --overrides='%s' -- scan --would-deny --policy /policy/rollgate.yaml" .Release.Namespace $name (include "rollgate.image" .) (dict "spec" $spec | toJson) }}
{{- end }}

{{/* The accounts of labelled controllers that the webhooks of a group check: a JSON list. Takes root and group. */}}
{{- define "rollgate.checkedControllers" -}}
{{- $unchecked := include "rollgate.unchecked" . | fromJsonArray }}
{{- $found := list }}
{{- range dig "items" list (lookup "apps/v1" "Deployment" "" "") }}
{{- if eq (index (.metadata.labels | default dict) "app.kubernetes.io/name" | default "") "argo-rollouts" }}
{{- $account := printf "system:serviceaccount:%s:%s" .metadata.namespace (dig "serviceAccountName" "default" .spec.template.spec) }}
{{- if not (has $account $unchecked) }}
{{- $found = append $found $account }}
{{- end }}
{{- end }}
{{- end }}
{{- $found | uniq | toJson }}
{{- end }}

{{/* The paragraph of NOTES.txt about failurePolicy Fail. Empty without it. */}}
{{- define "rollgate.failNote" -}}
{{- with include "rollgate.failGroup" . }}
{{- $group := dict "root" $ "group" . }}
{{- if not $.Values.webhooks.matchConditions }}

WARNING: failurePolicy is Fail, and webhooks.matchConditions is false. So running canaries stop while Rollgate is down.
{{- else }}

While Rollgate is down, failurePolicy Fail stops no canary of controllers with these accounts:
{{- range include "rollgate.unchecked" $group | fromJsonArray }}
{{- if not (or (hasPrefix "system:serviceaccount:kube-system:" .) (eq . (include "rollgate.account" $)) (has . $.Values.exemptAccounts)) }}
  {{ . }}
{{- end }}
{{- end }}
If your controller has another account, add it to controllers.accounts.
{{- with include "rollgate.checkedControllers" $group | fromJsonArray }}

WARNING: These accounts look like Argo Rollouts controllers, and their canaries stop while Rollgate is down:
{{- range . }}
  {{ . }}
{{- end }}
Add those that are yours to controllers.accounts.
{{- end }}
{{- end }}
{{- end }}
{{- end }}
