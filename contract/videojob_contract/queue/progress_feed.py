"""Progress as workers report it: `report.lua` publishes each word, under the name of the key that it writes.

The operator reads that key, and writes what it says into statuses as sparingly as the API server needs. Who shows a
VideoJob to somebody listens here; what is published while nobody does is gone.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from pydantic import BaseModel, Json, ValidationError

from videojob_contract.assignment import Progress  # noqa: TC001 - pydantic reads annotations
from videojob_contract.queue.bounds import Uid  # noqa: TC001 - pydantic reads annotations
from videojob_contract.queue.errors import answered
from videojob_contract.queue.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redis.asyncio import Redis

    from videojob_contract.queue.types import PoolKey

MOST_A_SECOND: Final = 5000
"""Words that are read; a thousand workers say half of that. Redis drops a listener that is far behind."""
SILENT_S: Final = 30.0
"""After so long without a word or an answer the connection is taken for lost."""


@dataclass(frozen=True, slots=True)
class Word:
    """What a worker of a pool says of an attempt: believe it of VideoJobs of that pool alone."""

    pool: PoolKey
    uid: str
    progress: Progress


class _Said(BaseModel):
    uid: Uid
    progress: Json[Progress]


class ProgressFeed:
    """Listens to the workers of some pools, on a connection of its own, within `acl.gateway_rules`.

    One task reads; another may call `listen` meanwhile.
    """

    def __init__(self, redis: Redis, *, cluster: str = "") -> None:
        self._cluster = cluster
        self._listener = redis.pubsub(ignore_subscribe_messages=True)
        self._pools: dict[str, PoolKey] = {}
        self._listening = asyncio.Event()
        self._second, self._read = 0, 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._listener.aclose()  # type: ignore[no-untyped-call]

    async def listen(self, pools: Iterable[PoolKey]) -> None:
        """Listen to these pools, too, and look whether Redis is there; raises `QueueUnavailableError`.

        To be called again every few seconds.
        """
        named = {Keys(pool, self._cluster).fixed("progress"): pool for pool in pools}
        new = named.keys() - self._pools.keys()
        self._pools |= named
        async with answered():
            if new:
                await self._listener.subscribe(*sorted(new))
                self._listening.set()
            elif self._pools:
                await self._listener.ping()

    async def next(self) -> Word:
        """Return the next word that can be read; raises `QueueUnavailableError`."""
        await self._listening.wait()
        while True:
            async with answered(SILENT_S):
                message = await self._listener.get_message(timeout=None)
            if message is None or message["type"] != "message":
                continue
            await self._keep_to_rate()
            with suppress(ValidationError):
                said = _Said.model_validate_json(message["data"])
                return Word(self._pools[message["channel"]], said.uid, said.progress)

    async def _keep_to_rate(self) -> None:
        now = asyncio.get_running_loop().time()
        if int(now) != self._second:
            self._second, self._read = int(now), 0
        self._read += 1
        if self._read > MOST_A_SECOND:
            await asyncio.sleep(int(now) + 1 - now)
