"""Reading the pool's events: at least once each, whoever died in between.

One consumer group, `operator`, reads the stream. What a consumer took and did not acknowledge comes again: to
itself when it starts anew, to any other once it has lain `STALLED_S`. An acknowledged event leaves the
stream.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from videojob_contract.queue.connection import awaited
from videojob_contract.queue.errors import converted
from videojob_contract.queue.events import Event
from videojob_contract.queue.reading import QueueReader
from videojob_contract.queue.types import RENEW_S

GROUP = "operator"
STALLED_S = 30.0
"""An event that lies unacknowledged for so long is given to whoever reads."""

_BATCH = 100
_FORGOTTEN_MS = 3_600_000
"""A consumer idle for so long, with nothing left to acknowledge, is dropped."""

_Messages = Sequence[tuple[str, dict[str, str] | None]]


class EventStream:
    """The stream of one pool."""

    def __init__(self, redis: Redis, key: str, reader: QueueReader) -> None:
        self._redis = redis
        self._key = key
        self._reader = reader

    async def events(self, consumer: str) -> AsyncIterator[Event]:
        """Yield events for ever; raises `QueueUnavailableError` while Redis cannot be reached."""
        now = asyncio.get_running_loop().time
        start = "0"  # gives what this consumer took before and did not acknowledge, then what comes after that
        next_look = 0.0
        while True:
            stalled: _Messages = []
            if now() >= next_look:
                stalled = await self._take_stalled(consumer)
                next_look = now() + STALLED_S
            read = await self._read(consumer, start)
            for event_id, fields in [*stalled, *read]:
                event = self._reader.event(event_id, fields) if fields else None
                if event:
                    yield event
                else:  # dropped from the stream meanwhile, or none that this version knows
                    await self.ack([event_id])
            if start != ">":
                start = read[-1][0] if read else ">"

    async def ack(self, ids: Iterable[str]) -> None:
        """Say that events are dealt with."""
        done = list(ids)
        if not done:
            return
        with converted():
            async with self._redis.pipeline(transaction=True) as both:
                both.xack(self._key, GROUP, *done)
                both.xdel(self._key, *done)
                await both.execute()

    async def _read(self, consumer: str, start: str) -> _Messages:
        reply = await self._in_group(
            lambda: self._redis.xreadgroup(
                GROUP, consumer, {self._key: start}, count=_BATCH, block=round(RENEW_S * 1000)
            )
        )
        messages: _Messages = reply[0][1] if reply else []
        return messages

    async def _take_stalled(self, consumer: str) -> _Messages:
        """Take over what lay too long, and drop consumers that are long gone."""
        _, messages, _ = await self._in_group(
            lambda: self._redis.xautoclaim(
                self._key, GROUP, consumer, min_idle_time=round(STALLED_S * 1000), count=_BATCH
            )
        )
        for other in await self._in_group(lambda: self._redis.xinfo_consumers(self._key, GROUP)):
            if other["pending"] == 0 and other["idle"] > _FORGOTTEN_MS and other["name"] != consumer:
                with converted():
                    await awaited(self._redis.xgroup_delconsumer(self._key, GROUP, other["name"]))
        taken: _Messages = messages
        return taken

    async def _in_group(self, command: Callable[[], Any]) -> Any:
        """Run a command on the group, which is made first when Redis was emptied."""
        with converted():
            while True:
                try:
                    return await awaited(command())
                except ResponseError as error:
                    if not str(error).startswith(("NOGROUP", "UNBLOCKED", "ERR no such key")):
                        raise
                try:
                    await awaited(self._redis.xgroup_create(self._key, GROUP, id="0", mkstream=True))
                except ResponseError as error:
                    if not str(error).startswith("BUSYGROUP"):  # another operator was first
                        raise
