"""Labels and annotations: how it finds its Jobs and pods again, and how people select them.

A worker Job carries `POOL`, `ROLE`, `TEMPLATE` and `MANAGED_BY` from its birth, and its pod template the
same. When a worker claims a VideoJob, its Job is adopted: it gets `VIDEOJOB`, `VIDEOJOB_UID` and an owner
reference.
"""

GROUP = "videojob.dev"
"""The API group, which prefixes every label and annotation of ours."""

LABEL_POOL = f"{GROUP}/pool"
"""Name of the RenderPool."""

LABEL_ROLE = f"{GROUP}/role"
"""What the object is; `ROLE_WORKER` is the one value."""

ROLE_WORKER = "worker"
"""Value of `LABEL_ROLE` on worker Jobs and their pods."""

LABEL_VIDEOJOB = f"{GROUP}/videojob"
"""Name of the VideoJob that the worker renders; set when its Job is adopted."""

LABEL_UID = f"{GROUP}/videojob-uid"
"""UID of that VideoJob, because a name can be used again."""

LABEL_TEMPLATE = f"{GROUP}/template"
"""Hash of the pod template that the Job was made from, so that outdated idle workers can be told."""

MANAGED_BY = "app.kubernetes.io/managed-by"
"""Kubernetes' recommended label for the program that manages an object."""

MANAGED_BY_VALUE = "videojob-operator"
"""Value of `MANAGED_BY` on everything that the operator makes."""

ANNOTATION_RESTORED = f"{GROUP}/restored"
"""On a VideoJob that came out of a backup: it is not rendered while it has this."""

ANNOTATION_ASSIGNMENT = f"{GROUP}/assignment"
"""On the pods of a Job that carries an attempt: its assignment, as Redis would have it."""

ANNOTATION_SUBMISSION = f"{GROUP}/submission"
"""On a VideoJob that the gateway made: digests of the Idempotency-Key and of the body that it was asked for with."""

ANNOTATION_TRACEPARENT = f"{GROUP}/traceparent"
"""On a VideoJob: the span of who made it, as `traceparent` of W3C Trace Context; its own are part of that trace."""

LABEL_SCHEDULE = f"{GROUP}/schedule"
"""Name of the VideoSchedule that a VideoJob was made by."""

ANNOTATION_SCHEDULED_AT = f"{GROUP}/scheduled-at"
"""The time that it was made for."""

LABEL_HOOK = f"{GROUP}/hook"
"""Name of the VideoHook that a VideoJob was made by."""

DAYS_CONFIGMAP = "videojob-days"
"""ConfigMap of a namespace in which its pools count what each user had of a day."""

LABEL_JOB_NAME = "batch.kubernetes.io/job-name"
"""Set by the Job controller on pods: the Job that a pod belongs to."""
