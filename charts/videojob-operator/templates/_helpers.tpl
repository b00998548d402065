{{/* Labels of everything in the release. Call with (dict "root" $ "component" "redis"). */}}
{{- define "videojob.labels" -}}
{{ include "videojob.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: videojob
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* The labels that select a component's pods; they may never change. */}}
{{- define "videojob.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Reference of one of our images. Call with (dict "root" $ "image" .Values.operator.image). */}}
{{- define "videojob.image" -}}
{{- $registry := .root.Values.image.registry | default .root.Values.global.imageRegistry | trimSuffix "/" -}}
{{- if $registry }}{{ $registry }}/{{ end -}}
{{ .image.name }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- with .image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* Reference of the image of Redis: global.imageRegistry takes the place of its registry. */}}
{{- define "videojob.redisImage" -}}
{{- $image := .Values.redis.embedded.image -}}
{{- $repository := $image.repository -}}
{{- with .Values.global.imageRegistry | trimSuffix "/" -}}
{{- $repository = printf "%s/%s" . (regexReplaceAll "^(localhost|[^/]*[.:][^/]*)/" $repository "") -}}
{{- end -}}
{{ $repository }}:{{ $image.tag }}{{ with $image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/* What the restricted Pod Security Standard asks of a pod. Call with a user id. */}}
{{- define "videojob.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* What it asks of a container. */}}
{{- define "videojob.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Where to run, from a component's values. */}}
{{- define "videojob.scheduling" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- end }}

{{/* Redis as operator and workers reach it: by its full name, because workers may be in other namespaces. */}}
{{- define "videojob.redisUrl" -}}
{{- if .Values.redis.embedded.enabled -}}
redis://{{ .Release.Name }}-redis.{{ .Release.Namespace }}.svc:6379/0
{{- else -}}
{{ .Values.redis.external.url }}
{{- end }}
{{- end }}

{{/* What tells this cluster's queues in Redis from another's. Empty: the operator finds it, if it may. Where it has rights in
     some namespaces alone, that is for people to say, save for a Redis that serves nobody else. */}}
{{- define "videojob.cluster" -}}
{{- $alone := and (not (empty .Values.watchNamespaces)) .Values.redis.embedded.enabled }}
{{- .Values.redis.cluster | default (ternary "own" "" $alone) }}
{{- end }}

{{/* Name of the Secret of a Redis user. Call with (dict "root" $ "user" "worker"). */}}
{{- define "videojob.redisSecret" -}}
{{- (index .root.Values.redis.auth .user).existingSecret | default (printf "%s-redis-%s" .root.Release.Name .user) }}
{{- end }}

{{/* Fails for a field that the RenderPool's definition has not: the API server would drop it in silence. Call with
     (dict "value" $spec "schema" $schema "path" "spec"). */}}
{{- define "videojob.knownFields" -}}
{{- $schema := .schema }}
{{- $path := .path }}
{{- if and (kindIs "map" .value) (hasKey $schema "properties") }}
{{- range $name, $value := .value }}
{{- if not (hasKey $schema.properties $name) }}
{{- fail (printf "\n\n%s.%s: a RenderPool has no such field; there are %s." $path $name (keys $schema.properties | sortAlpha | join ", ")) }}
{{- end }}
{{- include "videojob.knownFields" (dict "value" $value "schema" (get $schema.properties $name) "path" (printf "%s.%s" $path $name)) }}
{{- end }}
{{- else if and (kindIs "slice" .value) (hasKey $schema "items") }}
{{- range $index, $value := .value }}
{{- include "videojob.knownFields" (dict "value" $value "schema" $schema.items "path" (printf "%s[%d]" $path $index)) }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Where the pool's outputs go, as extraSpec says it last; empty where nothing does.
*/}}
{{- define "videojob.outputPrefix" -}}
{{- $said := dig "storage" "outputPrefix" "" .Values.pool.extraSpec | default .Values.pool.outputPrefix }}
{{- $said | default (ternary "volume://media/out" "" .Values.media.enabled) }}
{{- end }}

{{/* Name of the claim of the volume `media`. */}}
{{- define "videojob.mediaClaim" -}}
{{ .Values.media.existingClaim | default (printf "%s-media" .Release.Name) }}
{{- end }}
