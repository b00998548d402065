{{/* All that the operator may do. Each verb has a use; what has none is not here: it cannot change or delete
     Secrets, read any but one and those of urlsecrets.yaml, nor touch the spec of a VideoJob or a RenderPool. */}}
{{- define "videojob.rules" -}}
# Watched; made by a VideoSchedule; and a finished VideoJob is deleted when its time is over.
- apiGroups: [videojob.dev]
  resources: [videojobs]
  verbs: [get, list, watch, create, delete]
- apiGroups: [videojob.dev]
  resources: [renderpools, videoschedules, videotemplates]
  verbs: [get, list, watch]
- apiGroups: [videojob.dev]
  resources: [videojobs/status, renderpools/status, videoschedules/status]
  verbs: [patch]
# Workers: started, adopted by the VideoJob that they render (patch), removed when they are done or cancelled.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
# A worker's end is seen on its pod, a second or more before it is on its Job. Pods are made in dry runs alone, which say
# why one was refused; who may create Jobs may have any pod made.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, create]
# With what a pool's workers log in to Redis; it goes with its pool.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create]
# What messages to webhooks are signed with.
- apiGroups: [""]
  resources: [secrets]
  resourceNames: [videojob-webhooks]
  verbs: [get]
# What a pool's users had of a day, where it has a daily limit.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create]
- apiGroups: [""]
  resources: [configmaps]
  resourceNames: [videojob-days]
  verbs: [get, patch]
# What `kubectl describe videojob` shows; and read to tell why a worker does not start.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, list]
# Which operator serves a RenderPool, where there are two.
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, create, patch]
{{- end }}
