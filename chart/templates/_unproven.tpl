{{/*
The Deployments that have the annotation rollgate.io/replicas and no Rollout, and whose annotations are not from the
conversion policy that is in the cluster now: a JSON list of NAMESPACE/NAME. Empty without a cluster (helm template).
*/}}
{{- define "rollgate.unproven" -}}
{{- $name := printf "%s-conversion" (include "rollgate.name" .) }}
{{- $uids := list }}
{{- range $kind := list "ValidatingAdmissionPolicy" "ValidatingAdmissionPolicyBinding" }}
{{- $uids = append $uids (dig "metadata" "uid" "" (lookup "admissionregistration.k8s.io/v1" $kind "" $name)) }}
{{- end }}
{{- $found := list }}
{{- range $deployment := dig "items" list (lookup "apps/v1" "Deployment" "" "") }}
{{- $annotations := default dict (dig "metadata" "annotations" dict $deployment) }}
{{- $profile := dig "rollgate.io/convert" "off" $annotations }}
{{- if and (ne $profile "off") (hasKey $annotations "rollgate.io/replicas") (not (hasKey $annotations "rollgate.io/rollout-uid")) }}
{{- if ne (dig "rollgate.io/conversion-policy" "" $annotations) (join "/" $uids) }}
{{- $found = append $found (printf "%s/%s" $deployment.metadata.namespace $deployment.metadata.name) }}
{{- end }}
{{- end }}
{{- end }}
{{- $found | toJson }}
{{- end }}
