{{/* What the names of the release's objects begin with. */}}
{{- define "videojob.fullname" -}}
{{ .Values.fullnameOverride | default .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* Name, namespace, labels and annotations of an object. Call with (dict "root" $ "component" "redis" "name" "a"), and
     "namespace" where it is another than the release's, "cluster" true where there is none, "annotations" and "labels" of its own. */}}
{{- define "videojob.metadata" -}}
name: {{ .name }}
{{- if not .cluster }}
namespace: {{ .namespace | default .root.Release.Namespace }}
{{- end }}
labels: {{- include "videojob.labels" . | nindent 2 }}
{{- with merge (deepCopy (.annotations | default dict)) .root.Values.commonAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Labels of everything in the release. */}}
{{- define "videojob.labels" -}}
{{- $chart := dict
    "app.kubernetes.io/version" .root.Chart.AppVersion
    "app.kubernetes.io/part-of" "videojob"
    "app.kubernetes.io/managed-by" .root.Release.Service
    "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version) }}
{{- merge (include "videojob.selector" . | fromYaml) (.labels | default dict) .root.Values.commonLabels $chart | toYaml }}
{{- end }}

{{/* The labels that select a component's pods; they may never change. */}}
{{- define "videojob.selector" -}}
app.kubernetes.io/name: {{ .root.Values.nameOverride | default .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of a component's pods. Call with "labels", those of its values. */}}
{{- define "videojob.podLabels" -}}
{{- merge (include "videojob.selector" . | fromYaml) .labels .root.Values.commonLabels (dict "app.kubernetes.io/part-of" "videojob") | toYaml }}
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

{{/* What a pod's spec has from a component's values as it is, and the images' secrets. Call with (dict "root" $ "values" …). */}}
{{- define "videojob.podSettings" -}}
{{- $values := .values }}
{{ dict "securityContext" $values.podSecurityContext | toYaml }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $field := list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" "runtimeClassName" "hostAliases" "dnsConfig" }}
{{- with index $values $field }}
{{ dict $field . | toYaml }}
{{- end }}
{{- end }}
{{- end }}

{{/* The operator's ServiceAccount. */}}
{{- define "videojob.serviceAccount" -}}
{{ .Values.operator.serviceAccount.name | default (printf "%s-operator" (include "videojob.fullname" .)) }}
{{- end }}

{{/* Redis as operator and workers reach it: by its full name, because workers may be in other namespaces. */}}
{{- define "videojob.redisUrl" -}}
{{- if .Values.redis.embedded.enabled -}}
redis{{ if .Values.redis.embedded.tls.enabled }}s{{ end }}://{{ include "videojob.fullname" . }}-redis.{{ .Release.Namespace }}.svc:6379/0
{{- else -}}
{{ .Values.redis.external.url }}
{{- end }}
{{- end }}

{{/* Name of the Secret with the certificate of the embedded Redis. */}}
{{- define "videojob.redisTls" -}}
{{ .Values.redis.embedded.tls.existingSecret | default (printf "%s-redis-tls" (include "videojob.fullname" .)) }}
{{- end }}

{{/* Name of the Secret whose ca.crt has signed Redis' certificate; empty for authorities that the images know. */}}
{{- define "videojob.redisCa" -}}
{{- if not .Values.redis.embedded.enabled }}{{ .Values.redis.external.caSecret }}
{{- else if .Values.redis.embedded.tls.enabled }}{{ include "videojob.redisTls" . }}
{{- end }}
{{- end }}

{{/* Environment of a program that reaches Redis: where that is, and whom to believe. */}}
{{- define "videojob.redisEnvironment" -}}
- {name: VIDEOJOB_REDIS_URL, value: {{ include "videojob.redisUrl" . | quote }}}
{{- with include "videojob.redisCa" . }}
- name: VIDEOJOB_REDIS_CA
  valueFrom: {secretKeyRef: {name: {{ . }}, key: ca.crt}}
{{- end }}
{{- with .Values.redis.external.sentinelSecret }}
- name: VIDEOJOB_REDIS_SENTINEL_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ . }}, key: password}}
{{- end }}
{{- end }}

{{/* What a NetworkPolicy lets reach Redis. An external one is wherever it is, as a policy knows no names. */}}
{{- define "videojob.redisEgress" -}}
{{- $redis := .Values.redis }}
{{- if $redis.embedded.enabled -}}
- to:
    - namespaceSelector:
        matchLabels: {kubernetes.io/metadata.name: {{ .Release.Namespace }}}
      podSelector:
        matchLabels: {{- include "videojob.selector" (dict "root" $ "component" "redis") | nindent 10 }}
  ports:
    - {protocol: TCP, port: 6379}
{{- else -}}
{{- $url := $redis.external.url }}
{{- $sentinels := contains "+sentinel:" $url }}
{{- $ports := ternary (list ($redis.external.serverPort | int | toString)) list $sentinels }}
{{- range regexReplaceAll "^[a-z+]+://([^/]+).*$" $url "${1}" | splitList "," }}
{{- $ports = append $ports (regexFind ":[0-9]+$" . | trimPrefix ":" | default (ternary "26379" "6379" $sentinels)) }}
{{- end }}
- ports:
    {{- range $ports | uniq }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}
{{- end }}

{{/* What tells this cluster's queues in Redis from another's. Empty: the operator finds it, if it may. Where it has rights in
     some namespaces alone, that is for people to say, save for a Redis that serves nobody else. */}}
{{- define "videojob.cluster" -}}
{{- $alone := and (not (empty .Values.watchNamespaces)) .Values.redis.embedded.enabled }}
{{- .Values.redis.cluster | default (ternary "own" "" $alone) }}
{{- end }}

{{/* Whether the gateway asks workers by way of Redis: there it needs a user of its own. */}}
{{- define "videojob.gatewayAsks" -}}
{{- if and .Values.gateway.enabled (or .Values.redis.embedded.enabled .Values.redis.auth.gateway.existingSecret) }}true{{ end }}
{{- end }}

{{/* Name of the Secret of a Redis user. Call with (dict "root" $ "user" "worker"). */}}
{{- define "videojob.redisSecret" -}}
{{- (index .root.Values.redis.auth .user).existingSecret | default (printf "%s-redis-%s" (include "videojob.fullname" .root) .user) }}
{{- end }}

{{/* Name of the claim of the volume `media`. */}}
{{- define "videojob.mediaClaim" -}}
{{ .Values.media.existingClaim | default (printf "%s-media" (include "videojob.fullname" .)) }}
{{- end }}

{{/* The spec of a RenderPool, with what the chart adds to it. Call with (dict "root" $ "pool" …). */}}
{{- define "videojob.poolSpec" -}}
{{- $values := .root.Values }}
{{- $spec := deepCopy (.pool.spec | default dict) }}
{{- $here := eq (.pool.namespace | default .root.Release.Namespace) .root.Release.Namespace }}
{{- if and $values.media.enabled $here (dig "media" true .pool) }}
{{- $claim := dict "claimName" (include "videojob.mediaClaim" .root) }}
{{- $_ := set $spec "volumes" (prepend ($spec.volumes | default list) (dict "name" "media" "source" (dict "persistentVolumeClaim" $claim))) }}
{{- $spec = merge $spec (dict "storage" (dict "outputPrefix" "volume://media/out")) }}
{{- end }}
{{- with $values.image.pullSecrets }}
{{- $spec = merge $spec (dict "worker" (dict "imagePullSecrets" .)) }}
{{- end }}
{{- toYaml $spec }}
{{- end }}

{{/* A pod of a hook: the operator's image, place and security, with one program. Call with (dict "root" $ "component" "definitions"
     "arguments" (list "videojob_operator.hooks.definitions")). */}}
{{- define "videojob.hookPodSpec" -}}
{{- $operator := .root.Values.operator -}}
restartPolicy: Never
serviceAccountName: {{ include "videojob.fullname" .root }}-{{ .component }}
{{- include "videojob.podSettings" (dict "root" .root "values" $operator) }}
containers:
  - name: {{ .component }}
    image: {{ include "videojob.image" (dict "root" .root "image" $operator.image) | quote }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    securityContext: {{- toYaml $operator.securityContext | nindent 6 }}
    command: [python, -m]
    args: {{- toYaml .arguments | nindent 6 }}
    resources: {{- toYaml $operator.resources | nindent 6 }}
{{- end }}
