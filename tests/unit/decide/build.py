"""Short ways to write observations."""

from datetime import UTC, datetime, timedelta
from typing import Any

from videojob_contract.assignment import Progress, Result
from videojob_contract.queue.types import EntryState, PoolSnapshot, QueueEntry, WorkerInfo, WorkerState
from videojob_contract.resources.renderpool import RenderPoolSpec, RenderPoolStatus
from videojob_contract.resources.status import Stage, VideoJobStatus
from videojob_operator.decide.specs import accept_videojob
from videojob_operator.decide.types import (
    Decision,
    EmitEvent,
    Observation,
    PoolDecision,
    PoolObservation,
    WorkerJob,
    WorkerPod,
)
from videojob_operator.decide.videojob import decide_videojob

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
UID = "3f0c"
WORKER, JOB = "default-1-abcde", "default-1"
SPEC: dict[str, Any] = {"clips": [{"color": "#203040", "duration": "1s"}]}
POOL_SPEC: dict[str, Any] = {
    "volumes": [{"name": "media", "source": {"persistentVolumeClaim": {"claimName": "media"}}}],
    "storage": {"outputPrefix": "volume://media/out"},
}


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def pool_spec(**fields: Any) -> RenderPoolSpec:
    return RenderPoolSpec.model_validate(POOL_SPEC | fields)


def raw(spec: dict[str, Any] | None = None, status: Any = None, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "videojob.dev/v1alpha1",
        "kind": "VideoJob",
        "metadata": {"namespace": "team", "name": "holiday", "uid": UID, "generation": 1} | metadata,
        "spec": SPEC | (spec or {}),
        "status": status.to_dict() if isinstance(status, VideoJobStatus) else status or {},
    }


def observe(spec: dict[str, Any] | None = None, status: Any = None, **fields: Any) -> Observation:
    """Return an observation of a job whose pool and queue are there, with nothing in the queue."""
    metadata = fields.pop("metadata", {})
    given = raw(spec, status, **metadata)
    defaults: dict[str, Any] = {"now": NOW, "pool": pool_spec(), "queue_known": True}
    return Observation(raw=given, accepted=accept_videojob(given), **(defaults | fields))


def decide(*args: Any, **fields: Any) -> Decision:
    return decide_videojob(observe(*args, **fields))


def status_of(decision: Decision) -> VideoJobStatus:
    assert decision.status is not None
    return decision.status


def entry(state: EntryState, **fields: Any) -> QueueEntry:
    defaults: dict[str, Any] = {"attempt": 1, "queue": "default", "queued_at": after(-20)}
    if state is EntryState.QUEUED:
        defaults |= {"position": 0}
    if state in {EntryState.CLAIMED, EntryState.FINISHED}:
        defaults |= {"claimed_at": after(-10), "worker": WORKER, "job": JOB, "token": "t"}
    if state is EntryState.CLAIMED:
        defaults |= {"lease_expires_at": after(10)}
    return QueueEntry(UID, state, **(defaults | fields))


def finished(kind: str = "succeeded", *, attempt: int = 1, **fields: Any) -> QueueEntry:
    return entry(EntryState.FINISHED, attempt=attempt, result=result(kind, attempt=attempt, **fields))


def result(kind: str = "succeeded", **fields: Any) -> Result:
    return Result.model_validate({"uid": UID, "attempt": 1, "result": kind} | fields)


def progress(percent: float, stage: Stage = Stage.RENDERING, **fields: Any) -> Progress:
    return Progress(stage=stage, percent=percent, **fields)


def queued(**fields: Any) -> VideoJobStatus:
    """Return the status of a job that waits for its first attempt."""
    first = status_of(decide())
    return first.model_copy(update=fields)


def running(**fields: Any) -> VideoJobStatus:
    """Return the status of a job whose first attempt runs since ten seconds."""
    started = status_of(decide(status=queued(), entry=entry(EntryState.CLAIMED), worker_job=worker_job()))
    return started.model_copy(update=fields)


def worker_job(serial: int = 1, **fields: Any) -> WorkerJob:
    name = f"default-{serial}"
    defaults: dict[str, Any] = {
        "name": name,
        "uid": f"job-{serial}",
        "pool": "default",
        "serial": serial,
        "template_hash": "new",
        "owner_uid": None,
        "created_at": after(-30),
        "active": 1,
    }
    return WorkerJob(**(defaults | fields))


def ended_job(serial: int = 1, *, failed: bool = False, at: float = -1, **fields: Any) -> WorkerJob:
    counts = {"failed": int(failed), "succeeded": int(not failed), "active": 0, "finished_at": after(at)}
    return worker_job(serial, **(counts | fields))


def worker_pod(serial: int = 1, **fields: Any) -> WorkerPod:
    defaults: dict[str, Any] = {
        "name": f"default-{serial}-abcde",
        "job": f"default-{serial}",
        "phase": "Running",
        "ready": True,
        "started_at": after(-25),
    }
    return WorkerPod(**(defaults | fields))


def ended_pod(serial: int = 1, exit_code: int | None = 137, **fields: Any) -> WorkerPod:
    return worker_pod(serial, **({"phase": "Failed", "ready": False, "exit_code": exit_code} | fields))


def worker(serial: int, state: WorkerState, *, since: float = -5) -> WorkerInfo:
    uid = UID if state is WorkerState.BUSY else None
    return WorkerInfo(f"default-{serial}-abcde", f"default-{serial}", state, after(since), NOW, uid)


def snapshot(*workers: WorkerInfo, queued: int = 0) -> PoolSnapshot:
    return PoolSnapshot(NOW, {"default": queued}, {}, 0, workers)


def observe_pool(*jobs: WorkerJob, **fields: Any) -> PoolObservation:
    spec = fields.pop("spec", {})
    defaults: dict[str, Any] = {
        "name": "default",
        "generation": 1,
        "status": RenderPoolStatus(),
        "now": NOW,
        "template_hash": "new",
        "snapshot": snapshot(),
    }
    pods = {pod.job: pod for pod in fields.pop("pods", ())}
    return PoolObservation(spec=pool_spec(**spec), jobs=jobs, pods=pods, **(defaults | fields))


def events(decision: Decision | PoolDecision) -> list[tuple[str, str]]:
    told = decision.events if isinstance(decision, PoolDecision) else decision.after
    return [(event.type, event.reason) for event in told if isinstance(event, EmitEvent)]
