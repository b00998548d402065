"""How all that the gateway works with does, for people and monitors: looked at in the background, never waited for."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from videojob_client.errors import ClientError
from videojob_contract.queue.connection import awaited
from videojob_contract.queue.errors import QueueUnavailableError, answered

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from videojob_client import Client

log = logging.getLogger(__name__)

LOOK_S: Final = 10.0
"""Between two looks."""
SILENT_S: Final = 30.0
"""An operator that was not heard of for so long is not there: it says so every two seconds."""


@dataclass(frozen=True, slots=True)
class Vital:
    """What was seen; None of what could not be looked at, or is not there."""

    idle: int | None = None
    """Workers that wait."""
    busy: int | None = None
    """Workers that render."""
    redis: bool | None = None
    """Whether it answers; None where the gateway knows none."""
    operator_at: datetime | None = None
    """When the operator last said that it lives."""
    problems: tuple[str, ...] = ()


class Vitals:
    """What was seen last, of the pools in the client's namespace, of Redis, and of the operator."""

    def __init__(self, client: Client, redis: Redis | None, lease: str) -> None:
        """`lease` is that by which the operator is elected, NAMESPACE/NAME; empty when it cannot be read."""
        self._client, self._redis, self._lease = client, redis, lease
        self.seen = Vital()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            self.seen = await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> Vital:
        """Look now."""
        problems: list[str] = []
        workers, redis, operator_at = await asyncio.gather(
            self._workers(problems), self._redis_answers(problems), self._operator_at(problems)
        )
        return Vital(*workers, redis, operator_at, tuple(problems))

    async def _workers(self, problems: list[str]) -> tuple[int | None, int | None]:
        try:
            told = [pool.manifest.get("status") or {} async for pool in self._client.renderpools.list()]
        except ClientError as error:
            problems.append(f"the API server: {error}")
            return None, None
        return sum(status.get("idle") or 0 for status in told), sum(status.get("busy") or 0 for status in told)

    async def _redis_answers(self, problems: list[str]) -> bool | None:
        if self._redis is None:
            return None
        try:
            async with answered():
                await awaited(self._redis.ping())
        except QueueUnavailableError as error:
            problems.append(str(error))
            return False
        return True

    async def _operator_at(self, problems: list[str]) -> datetime | None:
        if not self._lease:
            return None
        try:
            renewed_at = await self._client.lease_renewed_at(self._lease)
        except ClientError as error:
            problems.append(f"the operator's Lease: {error}")
            return None
        if renewed_at is None or (datetime.now(UTC) - renewed_at).total_seconds() > SILENT_S:
            since = "never" if renewed_at is None else f"last at {renewed_at:%Y-%m-%dT%H:%M:%SZ}"
            problems.append(f"no operator works on VideoJobs: one was {since} heard of")
        return renewed_at
