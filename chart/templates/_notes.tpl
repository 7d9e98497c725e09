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
