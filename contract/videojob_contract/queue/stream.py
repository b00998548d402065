"""Reading the pool's events: at least once each, whoever died in between.

One consumer group, `operator`, reads the stream. What a consumer took and did not acknowledge comes again: to
itself when it starts anew, to any other once it has lain `STALLED_S`. An acknowledged event leaves the
stream.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

from redis.exceptions import ResponseError

from videojob_contract.queue.connection import ScriptRunner, awaited
from videojob_contract.queue.errors import CALL_S, QueueUnavailableError, answered
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

    def __init__(self, runner: ScriptRunner, reader: QueueReader) -> None:
        self._runner = runner
        self._redis = runner.redis
        self._key = runner.keys.fixed("events")
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
                event = None if fields is None else self._reader.event(event_id, fields)
                if event:
                    yield event
                else:  # dropped from the stream meanwhile, or unreadable
                    await self.ack([event_id])
            if start != ">":
                start = read[-1][0] if read else ">"

    async def ack(self, ids: Iterable[str]) -> None:
        """Say that events are dealt with."""
        done = list(ids)
        if done:
            await self._runner.run("acknowledge", GROUP, *done)

    async def _read(self, consumer: str, start: str) -> _Messages:
        reply = await self._in_group(
            lambda: self._redis.xreadgroup(
                GROUP, consumer, {self._key: start}, count=_BATCH, block=round(RENEW_S * 1000)
            ),
            RENEW_S + CALL_S,
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
                async with answered():
                    await awaited(self._redis.xgroup_delconsumer(self._key, GROUP, other["name"]))
        taken: _Messages = messages
        return taken

    async def _in_group(self, command: Callable[[], Any], within_s: float = CALL_S) -> Any:
        """Run a command on the group, which is made first when Redis was emptied."""
        while True:
            try:
                async with answered(within_s):
                    return await awaited(command())
            except QueueUnavailableError as error:
                lacks_group = isinstance(error.__cause__, ResponseError) and str(error.__cause__).startswith(
                    ("NOGROUP", "UNBLOCKED", "ERR no such key")
                )
                if not lacks_group:
                    raise
            await self._runner.run("group", GROUP)
