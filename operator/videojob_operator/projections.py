"""From Kubernetes' Jobs and pods to the few fields that decisions need: nothing else of them is kept."""

import json
from datetime import UTC, datetime
from typing import NamedTuple

from videojob_contract.labels import LABEL_JOB_NAME, LABEL_POOL, LABEL_TEMPLATE
from videojob_contract.resources import API_VERSION
from videojob_operator.decide.naming import serial_of
from videojob_operator.decide.types import WorkerJob, WorkerPod
from videojob_operator.store import Raw


class ObjectKey(NamedTuple):
    """Names a Job or a pod."""

    namespace: str
    name: str


def parse_time(text: str | None) -> datetime | None:
    """Read a time as the API server writes it."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def owner_uid(raw: Raw, kind: str, api_version: str = API_VERSION) -> str | None:
    """UID of the owner of an object that is of this kind, or None."""
    owners = raw["metadata"].get("ownerReferences", ())
    found = (owner["uid"] for owner in owners if (owner["kind"], owner["apiVersion"]) == (kind, api_version))
    return next(found, None)


def project_job(raw: Raw) -> WorkerJob:
    """Return what matters of a worker Job."""
    metadata, status = raw["metadata"], raw.get("status", {})
    labels = metadata.get("labels", {})
    ends = [
        condition.get("lastTransitionTime")
        for condition in status.get("conditions", ())
        if condition["type"] in {"Complete", "Failed"} and condition["status"] == "True"
    ]
    return WorkerJob(
        name=metadata["name"],
        uid=metadata["uid"],
        pool=labels.get(LABEL_POOL, ""),
        serial=serial_of(metadata["name"]),
        template_hash=labels.get(LABEL_TEMPLATE, ""),
        owner_uid=owner_uid(raw, "VideoJob"),
        pool_uid=owner_uid(raw, "RenderPool"),
        created_at=parse_time(metadata["creationTimestamp"]) or datetime.now(UTC),
        deleting="deletionTimestamp" in metadata,
        active=status.get("active", 0),
        succeeded=status.get("succeeded", 0),
        failed=status.get("failed", 0),
        finished_at=parse_time(ends[0]) if ends else None,
    )


def project_pod(raw: Raw) -> WorkerPod:
    """Return what matters of a worker's pod: its one container's state, and why it was disturbed."""
    metadata, status = raw["metadata"], raw.get("status", {})
    conditions = {condition["type"]: condition for condition in status.get("conditions", ())}
    state: Raw = next(
        (container["state"] for container in status.get("containerStatuses", ()) if "state" in container), {}
    )
    ended = state.get("terminated") or {}
    waiting = state.get("waiting") or {}
    disruption = conditions.get("DisruptionTarget", {})
    disrupted = disruption.get("status") == "True"
    scheduled = conditions.get("PodScheduled", {})
    unschedulable = scheduled if scheduled.get("status") == "False" else {}
    explained = (
        (status.get("reason", ""), status.get("message", "")),
        (ended.get("reason", ""), ended.get("message", "") if ended.get("exitCode") else ""),
        (waiting.get("reason", ""), waiting.get("message", "")),
        (unschedulable.get("reason", ""), unschedulable.get("message", "")),
    )
    reason, message = next(((reason, message) for reason, message in explained if reason), ("", ""))
    return WorkerPod(
        name=metadata["name"],
        job=metadata.get("labels", {}).get(LABEL_JOB_NAME, ""),
        job_uid=owner_uid(raw, "Job", "batch/v1"),
        phase=status.get("phase", "Pending"),
        ready=conditions.get("Ready", {}).get("status") == "True",
        started_at=parse_time((state.get("running") or ended).get("startedAt")),
        exit_code=ended.get("exitCode"),
        reason=reason,
        disrupted=disruption.get("reason", "") if disrupted else "",
        message=disruption.get("message", message) if disrupted else message,
        deleting="deletionTimestamp" in metadata,
        termination_message=ended.get("message", ""),
        result_uid=_uid_in(ended.get("message", "")),
    )


def _uid_in(message: str) -> str | None:
    try:
        said = json.loads(message)["uid"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return said if isinstance(said, str) else None
