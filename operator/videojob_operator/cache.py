"""What the watches have shown, and indexes over it: where reconciles look instead of asking the API server.

It is kept small. Of Jobs and pods only projections stay, of a finished VideoJob only the fields of its
record: 10,000 of them cost a few MB.

Objects come from watches, from lists and from answers to our own writes, so an older one can come after a
newer one:
resource versions of one resource are numbers that grow (KEP-5504), and an older one is dropped.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from videojob_contract.labels import LABEL_POOL
from videojob_contract.queue.types import PoolKey
from videojob_contract.resources import RenderPoolSpec
from videojob_contract.resources.status import Phase
from videojob_operator.decide.pool import accept_pool
from videojob_operator.decide.types import Accepted, Memory, PoolMemory, Refusal, WorkerJob, WorkerPod
from videojob_operator.projections import parse_time, project_job, project_pod

Raw = Mapping[str, Any]


class VideoJobKey(NamedTuple):
    """Names one VideoJob."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class ObjectKey(NamedTuple):
    """Names a Job or a pod."""

    namespace: str
    name: str


@dataclass(slots=True)
class VideoJobRecord:
    """What is known of one VideoJob."""

    key: VideoJobKey
    uid: str
    version: int
    generation: int
    pool: PoolKey
    phase: Phase
    job: str | None
    """Name of its current worker Job."""
    finished_at: datetime | None
    ttl: str | None
    """`spec.ttlAfterFinished`."""
    raw: Raw | None
    """The object; None once it is finished."""
    accepted: tuple[int, Accepted] | None = None
    """What its spec was found to be, and of which generation."""
    memory: Memory = field(default_factory=Memory)

    @property
    def object(self) -> Raw:
        """The object, or of a finished one as much as is still of use."""
        if self.raw is not None:
            return self.raw
        spec = {"pool": self.pool.name, "ttlAfterFinished": self.ttl}
        status: dict[str, Any] = {"phase": self.phase.value}
        if self.finished_at:
            status["finishedAt"] = self.finished_at.isoformat()
        if self.job:
            status["job"] = {"name": self.job}
        metadata = {
            "namespace": self.key.namespace,
            "name": self.key.name,
            "uid": self.uid,
            "generation": self.generation,
        }
        return {
            "metadata": metadata,
            "spec": {k: v for k, v in spec.items() if v is not None},
            "status": status,
        }


@dataclass(slots=True)
class PoolRecord:
    """What is known of one RenderPool."""

    key: PoolKey
    uid: str
    version: int
    generation: int
    spec: RenderPoolSpec | None
    """Its spec; None when it cannot be used."""
    refusal: Refusal | None
    """Why it cannot be used."""
    status: Raw
    memory: PoolMemory = field(default_factory=PoolMemory)


class Cache:
    """Observed objects and their indexes.

    A `put` returns whether it changed anything, a `remove` whether it was there.
    """

    def __init__(self) -> None:
        self.videojobs: dict[VideoJobKey, VideoJobRecord] = {}
        self.pools: dict[PoolKey, PoolRecord] = {}
        self.stale_entries: dict[VideoJobKey, set[tuple[PoolKey, str]]] = {}
        """Pools and uids that VideoJobs had before they were deleted or moved: their queues are to forget
        them."""
        self._jobs: dict[ObjectKey, tuple[int, WorkerJob]] = {}
        self._pods: dict[ObjectKey, tuple[int, WorkerPod]] = {}
        self._by_uid: dict[str, VideoJobKey] = {}
        self._of_pool: defaultdict[PoolKey, dict[VideoJobKey, None]] = defaultdict(dict)
        self._running: defaultdict[PoolKey, dict[VideoJobKey, str | None]] = defaultdict(dict)
        self._phases: defaultdict[PoolKey, Counter[Phase]] = defaultdict(Counter)
        self._jobs_of_pool: defaultdict[PoolKey, dict[str, None]] = defaultdict(dict)
        self._by_job: dict[ObjectKey, VideoJobKey] = {}
        self._pod_of_job: dict[ObjectKey, ObjectKey] = {}

    # --- VideoJobs

    def put_videojob(self, raw: Raw) -> bool:
        """Take a VideoJob in."""
        metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status", {})
        key = VideoJobKey(metadata["namespace"], metadata["name"])
        version = int(metadata["resourceVersion"])
        old = self.videojobs.get(key)
        if old and old.version >= version:
            return False
        if old:
            self._unindex(old)
            if (old.uid, old.pool) != (metadata["uid"], PoolKey(key.namespace, spec.get("pool", "default"))):
                self._leave_stale_entry(old)
        same = old if old and old.uid == metadata["uid"] else None
        phase = Phase(status.get("phase", Phase.PENDING))
        record = VideoJobRecord(
            key=key,
            uid=metadata["uid"],
            version=version,
            generation=metadata["generation"],
            pool=PoolKey(key.namespace, spec.get("pool", "default")),
            phase=phase,
            job=status.get("job", {}).get("name"),
            finished_at=parse_time(status.get("finishedAt")),
            ttl=spec.get("ttlAfterFinished"),
            raw=None if phase.is_final else _without_managed_fields(raw),
            accepted=same.accepted if same and not phase.is_final else None,
            memory=same.memory if same and not phase.is_final else Memory(),
        )
        self.videojobs[key] = record
        self._by_uid[record.uid] = key
        self._of_pool[record.pool][key] = None
        self._phases[record.pool][phase] += 1
        if phase is Phase.RUNNING:
            self._running[record.pool][key] = record.job
            if record.job:
                self._by_job[ObjectKey(key.namespace, record.job)] = key
        return True

    def refresh_videojob(self, raw: Raw) -> None:
        """Take in the answer to a write of ours, unless the VideoJob went away while that was under way."""
        metadata = raw["metadata"]
        record = self.videojobs.get(VideoJobKey(metadata["namespace"], metadata["name"]))
        if record and record.uid == metadata["uid"]:
            self.put_videojob(raw)

    def remove_videojob(self, key: VideoJobKey, uid: str | None = None) -> bool:
        """Drop a VideoJob, unless another of that name took its place."""
        record = self.videojobs.get(key)
        if record is None or (uid is not None and record.uid != uid):
            return False
        self._unindex(record)
        self._leave_stale_entry(record)
        del self.videojobs[key]
        return True

    def videojob_of(self, uid: str) -> VideoJobKey | None:
        """Which VideoJob has this uid."""
        return self._by_uid.get(uid)

    def videojobs_of(self, pool: PoolKey) -> list[VideoJobKey]:
        """Every VideoJob that names this pool."""
        return list(self._of_pool.get(pool, ()))

    def running_jobs(self, pool: PoolKey) -> frozenset[str]:
        """Names of the worker Jobs that Running VideoJobs have as theirs."""
        return frozenset(job for job in self._running.get(pool, {}).values() if job)

    def videojob_running_on(self, namespace: str, job: str) -> VideoJobKey | None:
        """Which Running VideoJob has this worker Job as its own, adopted or not yet."""
        return self._by_job.get(ObjectKey(namespace, job))

    @property
    def running(self) -> int:
        """Number of VideoJobs that run."""
        return sum(len(keys) for keys in self._running.values())

    def phases(self, pool: PoolKey) -> dict[str, int]:
        """How many VideoJobs of a pool are in each phase."""
        counts = self._phases.get(pool, Counter())
        return {phase.value: counts[phase] for phase in Phase}

    def stale_entries_of(self, pool: PoolKey) -> list[VideoJobKey]:
        """Names of the VideoJobs that this pool's queues are to forget."""
        return [key for key, entries in self.stale_entries.items() if any(entry[0] == pool for entry in entries)]

    def _leave_stale_entry(self, record: VideoJobRecord) -> None:
        self.stale_entries.setdefault(record.key, set()).add((record.pool, record.uid))

    def _unindex(self, record: VideoJobRecord) -> None:
        self._by_uid.pop(record.uid, None)
        self._of_pool[record.pool].pop(record.key, None)
        if self._running[record.pool].pop(record.key, None):
            self._by_job.pop(ObjectKey(record.key.namespace, record.job or ""), None)
        self._phases[record.pool][record.phase] -= 1

    # --- RenderPools

    def put_pool(self, raw: Raw) -> bool:
        """Take a RenderPool in."""
        metadata = raw["metadata"]
        key = PoolKey(metadata["namespace"], metadata["name"])
        version = int(metadata["resourceVersion"])
        old = self.pools.get(key)
        if old and old.version >= version:
            return False
        same = old if old and old.uid == metadata["uid"] else None
        if same and same.generation == metadata["generation"]:
            spec, refusal = same.spec, same.refusal
        else:
            spec, refusal = accept_pool(raw)
        self.pools[key] = PoolRecord(
            key=key,
            uid=metadata["uid"],
            version=version,
            generation=metadata["generation"],
            spec=spec,
            refusal=refusal,
            status=raw.get("status", {}),
            memory=same.memory if same else PoolMemory(),
        )
        return True

    def refresh_pool(self, raw: Raw) -> None:
        """Take in the answer to a write of ours, unless the pool went away while that was under way."""
        metadata = raw["metadata"]
        record = self.pools.get(PoolKey(metadata["namespace"], metadata["name"]))
        if record and record.uid == metadata["uid"]:
            self.put_pool(raw)

    def remove_pool(self, key: PoolKey, uid: str | None = None) -> bool:
        """Drop a RenderPool, unless another of that name took its place."""
        record = self.pools.get(key)
        if record is None or (uid is not None and record.uid != uid):
            return False
        del self.pools[key]
        return True

    # --- worker Jobs and pods

    def put_job(self, raw: Raw) -> bool:
        """Take a worker Job in."""
        key, version = _identify(raw)
        old = self._jobs.get(key)
        if old and old[0] >= version:
            return False
        projected = project_job(raw)
        self._jobs[key] = (version, projected)
        self._jobs_of_pool[PoolKey(key.namespace, projected.pool)][projected.name] = None
        return old is None or old[1] != projected

    def refresh_job(self, raw: Raw) -> None:
        """Take in the answer to a write of ours, unless the Job went away while that was under way."""
        if _identify(raw)[0] in self._jobs:
            self.put_job(raw)

    def remove_job(self, key: ObjectKey, uid: str | None = None) -> bool:
        """Drop a worker Job."""
        old = self._jobs.get(key)
        if old is None or (uid is not None and old[1].uid != uid):
            return False
        del self._jobs[key]
        self._jobs_of_pool[PoolKey(key.namespace, old[1].pool)].pop(key.name, None)
        return True

    def job(self, namespace: str, name: str) -> WorkerJob | None:
        """A worker Job by its name."""
        found = self._jobs.get(ObjectKey(namespace, name))
        return found[1] if found else None

    def jobs_of(self, pool: PoolKey) -> tuple[WorkerJob, ...]:
        """Every worker Job of a pool."""
        names = self._jobs_of_pool.get(pool, ())
        return tuple(self._jobs[ObjectKey(pool.namespace, name)][1] for name in names)

    def count_jobs(self, pool: PoolKey) -> int:
        """How many worker Jobs a pool has."""
        return len(self._jobs_of_pool.get(pool, ()))

    def put_pod(self, raw: Raw) -> bool:
        """Take a worker's pod in."""
        key, version = _identify(raw)
        old = self._pods.get(key)
        if old and old[0] >= version:
            return False
        projected = project_pod(raw)
        self._pods[key] = (version, projected)
        self._pod_of_job[ObjectKey(key.namespace, projected.job)] = key
        return old is None or old[1] != projected

    def remove_pod(self, key: ObjectKey) -> bool:
        """Drop a worker's pod."""
        old = self._pods.pop(key, None)
        if old is None:
            return False
        job = ObjectKey(key.namespace, old[1].job)
        if self._pod_of_job.get(job) == key:
            del self._pod_of_job[job]
        return True

    def pod(self, key: ObjectKey) -> WorkerPod | None:
        """A worker's pod by its name."""
        found = self._pods.get(key)
        return found[1] if found else None

    def pod_of(self, namespace: str, job: str) -> WorkerPod | None:
        """The pod of a worker Job; its newest, should it ever have had two."""
        key = self._pod_of_job.get(ObjectKey(namespace, job))
        return self._pods[key][1] if key else None

    # --- all of it

    def versions(self, plural: str) -> Iterator[tuple[ObjectKey, int]]:
        """Names and resource versions of all that is known of one resource, to compare with the server's."""
        match plural:
            case "videojobs":
                return ((ObjectKey(*key), record.version) for key, record in list(self.videojobs.items()))
            case "renderpools":
                return ((ObjectKey(key.namespace, key.name), pool.version) for key, pool in list(self.pools.items()))
            case "jobs":
                return ((key, version) for key, (version, _) in list(self._jobs.items()))
            case "pods":
                return ((key, version) for key, (version, _) in list(self._pods.items()))
        raise ValueError(f"{plural} are not cached")


def pool_of(raw: Raw) -> PoolKey:
    """Which pool a worker Job or pod belongs to, by its label."""
    metadata = raw["metadata"]
    return PoolKey(metadata["namespace"], metadata.get("labels", {}).get(LABEL_POOL, ""))


def _identify(raw: Raw) -> tuple[ObjectKey, int]:
    metadata = raw["metadata"]
    return ObjectKey(metadata["namespace"], metadata["name"]), int(metadata["resourceVersion"])


def _without_managed_fields(raw: Raw) -> Raw:
    metadata = {key: value for key, value in raw["metadata"].items() if key != "managedFields"}
    return {"metadata": metadata, "spec": raw["spec"], "status": raw.get("status", {})}
