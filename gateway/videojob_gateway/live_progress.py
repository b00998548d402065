"""Live progress: what workers say of VideoJobs that somebody follows, before it is in their statuses.

A status tells a progress as often as the API server is to be written to, which of many that run is every half minute.
Workers report twice a second. Without Redis, streams tell what statuses do.
"""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from videojob_contract.queue.errors import QueueUnavailableError
from videojob_contract.queue.progress_feed import ProgressFeed
from videojob_contract.queue.types import PoolKey
from videojob_contract.resources.status import Phase

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from videojob_contract.assignment import Progress
    from videojob_gateway.job_cache import JobCache, JobRecord

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
"""Between two looks whether there are other pools to listen to, or nobody who follows."""
RETRY_S: Final = 5.0


class LiveProgress:
    """Has those who follow VideoJobs of a namespace told how far these are."""

    def __init__(self, cache: JobCache, redis: Redis, *, namespace: str, cluster: str = "") -> None:
        self._cache, self._redis = cache, redis
        self._namespace, self._cluster = namespace, cluster

    async def run(self) -> None:
        """Listen while anybody follows, until cancelled, whatever Redis says."""
        is_well = True
        while True:
            await self._cache.wait_for_followers()
            try:
                async with ProgressFeed(self._redis, cluster=self._cluster) as feed:
                    await self._listen(feed)
                is_well = True
            except QueueUnavailableError as error:
                log.log(logging.WARNING if is_well else logging.DEBUG, "workers are not heard: %s", error)
                is_well = False
                await asyncio.sleep(RETRY_S)

    async def _listen(self, feed: ProgressFeed) -> None:
        reading = asyncio.create_task(self._pass_on(feed), name="live progress")
        try:
            while self._cache.has_followers and not reading.done():
                await feed.listen(PoolKey(self._namespace, pool) for pool in self._cache.running_pools)
                await asyncio.wait([reading], timeout=LOOK_S)
        finally:
            reading.cancel()
            await asyncio.wait([reading])
        if not reading.cancelled():
            reading.result()

    async def _pass_on(self, feed: ProgressFeed) -> None:
        while True:
            word = await feed.next()
            record = self._cache.of_uid(word.uid)
            if record is not None and record.phase == Phase.RUNNING and record.pool == word.pool.name:
                self._cache.tell_progress(record, shown(record, word.progress))


def shown(record: JobRecord, progress: Progress) -> bytes:
    """Return what is told of it, as JSON: which VideoJob, and what its status will say, by the same names."""
    status: dict[str, Any] = {
        "progress": progress.percent_after(record.progress),
        "stage": progress.stage,
        "message": progress.message,
    }
    if progress.eta_s is not None:
        eta = datetime.now(UTC) + timedelta(seconds=progress.eta_s)
        status["eta"] = eta.strftime("%Y-%m-%dT%H:%M:%SZ")
    told = {"id": record.uid, "name": record.name, "status": status}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
