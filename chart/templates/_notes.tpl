{{/* A pod of its own runs the scan: in a pod of Rollgate it would take the memory of the gate. */}}
{{- define "rollgate.scanCommand" -}}
{{- $spec := dict "serviceAccountName" (include "rollgate.account" . | splitList ":" | last) }}
{{- with include "rollgate.imagePullSecrets" . | fromJsonArray }}
{{- $_ := set $spec "imagePullSecrets" . }}
{{- end }}
{{- $image := include "rollgate.image" . }}
{{- printf "kubectl --namespace %s run %s-scan --image=%s --restart=Never --rm --stdin --quiet --overrides='%s' -- scan --would-deny" .Release.Namespace (include "rollgate.name" .) $image (dict "spec" $spec | toJson) }}
{{- end }}
