{{/* The image: a digest takes precedence over the tag, and the registry of global over that of the image. */}}
{{- define "rollgate.image" -}}
{{- with .Values.global.imageRegistry | default .Values.image.registry }}{{ trimSuffix "/" . }}/{{ end }}{{ .Values.image.repository }}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* The Secrets for pulling it, of global and of this chart: a JSON list of {name}. */}}
{{- define "rollgate.imagePullSecrets" -}}
{{- $secrets := list }}
{{- range concat (.Values.global.imagePullSecrets | default list) .Values.imagePullSecrets }}
{{- $secrets = append $secrets (ternary (dict "name" .) . (kindIs "string" .)) }}
{{- end }}
{{- $secrets | uniq | toJson }}
{{- end }}

{{/* Labels of the pods: podLabels take precedence over commonLabels. */}}
{{- define "rollgate.podLabels" -}}
{{ include "rollgate.chartLabels" . }}
{{- with merge (dict) .Values.podLabels .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The spread of the pods: by default over nodes and zones, if possible. */}}
{{- define "rollgate.topologySpreadConstraints" -}}
{{- $constraints := list }}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
{{- $constraints = append $constraints (dict "maxSkew" 1 "topologyKey" . "whenUnsatisfiable" "ScheduleAnyway") }}
{{- end }}
{{- $pods := dict "labelSelector" (dict "matchLabels" (include "rollgate.selector" . | fromYaml)) }}
{{- $spread := list }}
{{- range .Values.topologySpreadConstraints | default $constraints }}
{{- $spread = append $spread (merge (dict) . (ternary dict $pods (hasKey . "labelSelector"))) }}
{{- end }}
{{- $spread | toYaml }}
{{- end }}
