"""The Kubernetes Job of one worker: what a RenderPool and the operator's settings make of it. Pure.

The pod meets the *restricted* Pod Security Standard, and more: a read-only root, no service account token, no
service environment. Everything a worker writes goes to two volumes with a size limit.
"""

import hashlib
import json
from typing import Any

from videojob_contract.labels import (
    ANNOTATION_ASSIGNMENT,
    LABEL_JOB_NAME,
    LABEL_POOL,
    LABEL_ROLE,
    LABEL_TEMPLATE,
    LABEL_UID,
    LABEL_VIDEOJOB,
    MANAGED_BY,
    MANAGED_BY_VALUE,
    ROLE_WORKER,
)
from videojob_contract.resources import API_VERSION, RenderPoolSpec
from videojob_operator.config import Settings

Manifest = dict[str, Any]

USER_ID = 65532
"""The images' user, and the group that owns volumes."""
OBJECTS = "/objects"
"""Where the credentials of object stores are, a folder for each, named for it."""
CACHE = "/cache"
"""Where downloaded sources are kept, if the pool has a volume for them."""
_ASSIGNMENT = "/assignment"
TMP_SIZE = "64Mi"
# Rendering takes what cores it gets, and a limit on CPU would only slow it: hence none. Memory is limited,
# because a decoder that runs wild should cost this pod and not the node.
DEFAULT_RESOURCES: Manifest = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}

DO_NOT_EVICT = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true"}
"""Asks autoscalers to leave a node until the render on it is done. From its birth and not from its claim, for to change
a pod's annotations is a right to change its image too; idle workers beyond minIdle go by themselves."""


def pod_template(namespace: str, pool: str, spec: RenderPoolSpec, settings: Settings, *, redis_secret: str) -> Manifest:
    """Return the pod template of this pool's workers, without the labels that depend on it.

    `redis_secret` names the Secret with which they log in to Redis; empty for none.
    """
    worker = spec.worker
    volumes = [{"name": f"volume-{volume.name}", **volume.source} for volume in spec.volumes]
    secrets = {store.name: store.secret_ref.name for store in spec.storage.objects if store.secret_ref is not None}
    mounts = [
        {
            "name": f"volume-{volume.name}",
            "mountPath": f"/volumes/{volume.name}",
            "readOnly": volume.read_only,
        }
        for volume in spec.volumes
    ]
    container: Manifest = {
        "name": "worker",
        "image": worker.image or settings.worker_image,
        "imagePullPolicy": settings.worker_image_pull_policy,
        "command": ["videojob-worker"],
        "env": [*(worker.env or ()), *_environment(namespace, pool, settings, redis_secret), *_cache_size(spec)],
        "resources": worker.resources or DEFAULT_RESOURCES,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "scratch", "mountPath": "/scratch"},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of this pod alone
            *mounts,
            # The kubelet lets this pool's workers see no other's folder, whatever they are made to do.
            *([{"name": "cache", "mountPath": CACHE, "subPath": f"{namespace}/{pool}"}] if spec.storage.cache else []),
            *({"name": f"objects-{store}", "mountPath": f"{OBJECTS}/{store}", "readOnly": True} for store in secrets),
        ],
    }
    pod: Manifest = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": settings.worker_grace_s,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER_ID,
            "runAsGroup": USER_ID,
            # Makes any claim writable for the worker, and does not walk a large one that already is.
            "fsGroup": USER_ID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "scratch", "emptyDir": {"sizeLimit": worker.scratch_size}},
            {"name": "tmp", "emptyDir": {"sizeLimit": TMP_SIZE}},
            *volumes,
            *([{"name": "cache", **spec.storage.cache.source}] if spec.storage.cache else []),
            # Files, and no variables: they follow a change of the Secret, and are nobody's to inherit.
            *(
                {"name": f"objects-{store}", "secret": {"secretName": secret, "defaultMode": 0o440, "optional": False}}
                for store, secret in secrets.items()
            ),
        ],
    }
    overrides = {
        "nodeSelector": worker.node_selector,
        "tolerations": worker.tolerations,
        "affinity": worker.affinity,
        "priorityClassName": worker.priority_class_name,
        "imagePullSecrets": worker.image_pull_secrets,
        "serviceAccountName": worker.service_account_name,
        "runtimeClassName": worker.runtime_class_name,
        "topologySpreadConstraints": worker.topology_spread_constraints,
    }
    pod |= {key: value for key, value in overrides.items() if value}
    labels = {**(worker.labels or {}), **_labels(pool)}
    metadata = {"labels": labels, "annotations": {**DO_NOT_EVICT, **(worker.annotations or {})}}
    return {"metadata": metadata, "spec": pod}


def template_hash(template: Manifest) -> str:
    """Return a short name of a template's content: Jobs of another are outdated."""
    return hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]


def worker_job(
    namespace: str, pool: str, pool_uid: str, name: str, *, template: Manifest, settings: Settings
) -> Manifest:
    """Return the manifest of the worker Job `name`, owned by its pool until a VideoJob adopts it."""
    labels = {**_labels(pool), LABEL_TEMPLATE: template_hash(template)}
    metadata = {**template["metadata"], "labels": {**template["metadata"]["labels"], **labels}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels,
            "ownerReferences": [owner_reference("RenderPool", pool, pool_uid)],
        },
        "spec": {
            "backoffLimit": 0,
            "podReplacementPolicy": "Failed",
            "ttlSecondsAfterFinished": settings.worker_job_ttl_s,
            "template": {**template, "metadata": metadata},
        },
    }


def carrying_job(
    namespace: str,
    pool: str,
    name: str,
    *,
    videojob: str,
    uid: str,
    payload: str,
    template: Manifest,
    settings: Settings,
) -> Manifest:
    """Return the manifest of the worker Job `name` that carries an attempt, and is its VideoJob's from its birth.

    The assignment is an annotation, which the pod has as a file: so it is there if the Job is.
    """
    job = worker_job(namespace, pool, "", name, template=template, settings=settings)
    owned = adoption(videojob, uid)["metadata"]
    job["metadata"] |= {**owned, "labels": {**job["metadata"]["labels"], **owned["labels"]}}
    pod, spec = job["spec"]["template"], template["spec"]
    [worker] = spec["containers"]
    carrying = {
        **worker,
        "env": [*worker["env"], {"name": "VIDEOJOB_ASSIGNMENT", "value": f"{_ASSIGNMENT}/assignment"}],
        "volumeMounts": [*worker["volumeMounts"], {"name": "assignment", "mountPath": _ASSIGNMENT, "readOnly": True}],
    }
    source = {"apiVersion": "v1", "fieldPath": f"metadata.annotations['{ANNOTATION_ASSIGNMENT}']"}
    volume = {"name": "assignment", "downwardAPI": {"items": [{"path": "assignment", "fieldRef": source}]}}
    annotations = {**pod["metadata"]["annotations"], ANNOTATION_ASSIGNMENT: payload}
    job["spec"]["template"] = {
        "metadata": {**pod["metadata"], "annotations": annotations},
        "spec": {**spec, "containers": [carrying], "volumes": [*spec["volumes"], volume]},
    }
    return job


def adoption(name: str, uid: str) -> Manifest:
    """Return the patch that makes a VideoJob the owner of its worker's Job, instead of the pool."""
    return {
        "metadata": {
            "labels": {LABEL_VIDEOJOB: name, LABEL_UID: uid},
            "ownerReferences": [owner_reference("VideoJob", name, uid)],
        }
    }


def owner_reference(kind: str, name: str, uid: str) -> Manifest:
    """Return a controller reference to one of our resources."""
    return {"apiVersion": API_VERSION, "kind": kind, "name": name, "uid": uid, "controller": True}


def _labels(pool: str) -> dict[str, str]:
    return {LABEL_POOL: pool, LABEL_ROLE: ROLE_WORKER, MANAGED_BY: MANAGED_BY_VALUE}


def _cache_size(spec: RenderPoolSpec) -> list[Manifest]:
    cache = spec.storage.cache
    return [{"name": "VIDEOJOB_CACHE_BYTES", "value": str(cache.max_bytes)}] if cache else []


def _environment(namespace: str, pool: str, settings: Settings, redis_secret: str) -> list[Manifest]:
    def value(name: str, text: str) -> Manifest:
        return {"name": name, "value": text}

    def own(name: str, path: str) -> Manifest:
        return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}

    def limit(name: str, resource: str) -> Manifest:
        return {
            "name": name,
            "valueFrom": {"resourceFieldRef": {"containerName": "worker", "resource": resource, "divisor": "1"}},
        }

    def secret(name: str, key: str) -> Manifest:
        return {
            "name": name,
            "valueFrom": {"secretKeyRef": {"name": redis_secret, "key": key}},
        }

    keys = {"VIDEOJOB_REDIS_USER": "username", "VIDEOJOB_REDIS_PASSWORD": "password"}
    if settings.redis_sentinel_password:
        keys |= {"VIDEOJOB_REDIS_SENTINEL_PASSWORD": "sentinelPassword"}
    credentials = [secret(name, key) for name, key in keys.items()] if redis_secret else []
    return [
        value("VIDEOJOB_CLUSTER", settings.cluster),
        value("VIDEOJOB_NAMESPACE", namespace),
        value("VIDEOJOB_POOL", pool),
        own("VIDEOJOB_WORKER", "metadata.name"),
        own("VIDEOJOB_JOB", f"metadata.labels['{LABEL_JOB_NAME}']"),
        value("VIDEOJOB_REDIS_URL", settings.redis_url_for_workers),
        *([value("VIDEOJOB_REDIS_CA", settings.redis_ca)] if settings.redis_ca else []),
        *credentials,
        value("VIDEOJOB_SCRATCH", "/scratch"),
        value("VIDEOJOB_VOLUMES", "/volumes"),
        value("VIDEOJOB_OBJECTS", OBJECTS),
        limit("VIDEOJOB_CPU_LIMIT", "limits.cpu"),
        limit("VIDEOJOB_MEMORY_LIMIT_BYTES", "limits.memory"),
    ]
