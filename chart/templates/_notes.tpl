{{/* A pod of its own runs the scan: in a pod of Rollgate it would take the memory of the gate. */}}
{{- define "rollgate.scanCommand" -}}
{{- /* The account itself gives no pod a token. */}}
{{- $spec := dict "serviceAccountName" (include "rollgate.serviceAccount" .) "automountServiceAccountToken" true }}
{{- with include "rollgate.imagePullSecrets" . | fromJsonArray }}
{{- $_ := set $spec "imagePullSecrets" . }}
{{- end }}
{{- $image := include "rollgate.image" . }}
{{- printf "kubectl --namespace %s run %s-scan --image=%s --restart=Never --rm --stdin --quiet --overrides='%s' -- scan --would-deny" .Release.Namespace (include "rollgate.name" .) $image (dict "spec" $spec | toJson) }}
{{- end }}
