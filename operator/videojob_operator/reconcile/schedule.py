"""One VideoSchedule: make its VideoJobs at their times, delete old ones, write its status once."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from videojob_common import logs
from videojob_contract.api_paths import VIDEOJOBS, VIDEOSCHEDULES
from videojob_contract.queue.types import PoolKey
from videojob_operator import metrics
from videojob_operator.act import status as status_patch
from videojob_operator.act.events import Events
from videojob_operator.act.kubernetes import Kubernetes
from videojob_operator.act.worker_job import owner_reference
from videojob_operator.cache import Cache
from videojob_operator.decide.conditions import shorten
from videojob_operator.decide.schedule import decide_schedule
from videojob_operator.decide.types import ScheduleObservation
from videojob_operator.errors import ApiError, NamespaceTerminatingError
from videojob_operator.projections import owner_uid
from videojob_operator.reconcile.status_write import patch_status
from videojob_operator.records import VideoScheduleKey, VideoScheduleRecord
from videojob_operator.store import Raw

log = logging.getLogger(__name__)


class VideoScheduleReconciler:
    """Brings one VideoSchedule at a time to where it should be."""

    def __init__(
        self,
        *,
        cache: Cache,
        kubernetes: Kubernetes,
        events: Events,
        serves: Callable[[PoolKey], bool],
        on_made: Callable[[Raw], None],
        clock: Callable[[], datetime],
    ) -> None:
        """Give each VideoJob that is made to `on_made`, as a watch would."""
        self._cache = cache
        self._kubernetes = kubernetes
        self._events = events
        self._serves = serves
        self._on_made = on_made
        self._clock = clock

    async def __call__(self, key: VideoScheduleKey) -> float | None:
        """Reconcile; return in how many seconds to look again, or None."""
        with logs.about(namespace=key.namespace, name=key.name):
            record = self._cache.schedules.get(key)
            if record is None or not self._serves(record.pool):
                return None  # another operator's: once it is ours, it is looked at
            observation, failure = self._observe(record), None
            decision = decide_schedule(observation)
            for job in decision.delete:
                await self._kubernetes.delete(VIDEOJOBS, key.namespace, job.name, uid=job.uid)
            if decision.create is not None:
                try:
                    observation = replace(
                        observation,
                        name_taken=not await self._create(record, decision.create),
                        active=self._cache.active_of_schedule(record.uid),
                    )
                except NamespaceTerminatingError:
                    return None  # the schedule goes, too
                except ApiError as error:
                    if not error.is_refusal:
                        raise
                    failure = error  # tried again, as its reason may be gone: a quota, a policy
                    observation = replace(observation, create_refused=shorten(error.words))
                decision = decide_schedule(observation)
            if decision.status is not None:
                await self._write(record, decision.status.to_dict())
            for event in decision.events:
                self._events.emit(
                    "VideoSchedule",
                    *key,
                    record.uid,
                    type_=event.type,
                    reason=event.reason,
                    message=event.message,
                )
            if failure is not None:
                raise failure
            return decision.requeue_after_s

    def _observe(self, record: VideoScheduleRecord) -> ScheduleObservation:
        accepted = record.accept()
        return ScheduleObservation(
            schedule=accepted.spec,
            refusal=accepted.refusal,
            left_out=accepted.left_out,
            status=record.status,
            generation=record.generation,
            created_at=record.created_at,
            now=self._clock(),
            active=self._cache.active_of_schedule(record.uid),
            finished=self._cache.finished_of_schedule(record.uid),
            deleting="deletionTimestamp" in record.raw["metadata"],
        )

    async def _create(self, record: VideoScheduleRecord, videojob: Mapping[str, Any]) -> bool:
        """Make a VideoJob; return False when another has its name."""
        namespace, name = record.key.namespace, videojob["metadata"]["name"]
        owner = owner_reference("VideoSchedule", record.key.name, record.uid)
        body = {**videojob, "metadata": {**videojob["metadata"], "ownerReferences": [owner]}}
        made = await self._kubernetes.create(VIDEOJOBS, namespace, body)
        if made is None:
            made = await self._kubernetes.get(VIDEOJOBS, namespace, name)
            if made is not None and owner_uid(made, "VideoSchedule") != record.uid:
                return False
        else:
            log.info("made VideoJob %s", name)
        if made is not None:
            self._on_made(made)  # so that the next look counts it; the watch has nothing new to tell of it then
        return True

    async def _write(self, record: VideoScheduleRecord, status: Mapping[str, Any]) -> None:
        patch = status_patch.difference(dict(record.raw_status), dict(status))
        if not patch:
            return
        body = {"metadata": {"resourceVersion": str(record.version)}, "status": patch}
        written = await patch_status(self._kubernetes, VIDEOSCHEDULES, self._cache.schedules, record.key, body)
        metrics.status_written("videoschedules", progress_only=False)
        if written is not None:
            self._cache.schedules.refresh(written)
