"""Inspections: short looks by whichever worker is idle, beside the queues and after them.

Who asks writes the inspection to a key of its own that lives half a minute, and its id to the list that idle workers
wait at. The worker that takes the id takes the key: by that who asks knows, when nothing came, whether anyone looks.
What came of it goes to a list of its own: findings (JSON), then the bytes of the picture in pieces. All keys go by
themselves, so whoever is killed leaves nothing.
"""

from __future__ import annotations

import asyncio
import base64
import zlib
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from videojob_contract.queue.bounded_replies import LONGEST_TEXT
from videojob_contract.queue.connection import awaited
from videojob_contract.queue.errors import CALL_S, QueueUnavailableError, answered
from videojob_contract.queue.keys import Keys
from videojob_contract.queue.types import RENEW_S

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from videojob_contract.inspection import Findings, Inspection
    from videojob_contract.queue.types import PoolKey

MOST_WAITING: Final = 16
"""Inspections of a pool that wait for a worker; more are refused."""
LIVES_S: Final = 30.0
"""How long an inspection waits at most, and its findings to be fetched."""
MOST_BYTES: Final = 1024**2
"""Longest inspection, as JSON."""
MOST_PACKED: Final = 256 * 1024
"""And in Redis."""
_MOST_FINDINGS: Final = 1024**2
_PIECE_BYTES: Final = 3 * LONGEST_TEXT // 4 - 1024
"""Of a picture: in Base64 it is read as one text."""
_MOST_PIECES: Final = 8


class NobodyLooksError(QueueUnavailableError):
    """No worker of the pool is idle, or more is asked than idle workers can look at."""


class InspectionTooLargeError(ValueError):
    """It is longer than is sent."""


class InspectionDesk:
    """Where the gateway asks the workers of a pool; within `acl.gateway_rules`."""

    def __init__(self, pool: PoolKey, redis: Redis, *, cluster: str = "") -> None:
        self._keys, self._redis = Keys(pool, cluster), redis

    async def ask(self, inspection: Inspection, *, taken_s: float, done_s: float) -> tuple[Findings, bytes]:
        """Return what a worker finds, and the bytes of its picture.

        Args:
            inspection: what to look for; its id is like no other.
            taken_s: how long it waits for an idle worker.
            done_s: how long that may take for it.

        Raises:
            NobodyLooksError: no worker took it in time, too many wait, or the one that took it said nothing in time.
            InspectionTooLargeError: its spec is longer than is sent.
            QueueUnavailableError: Redis cannot be reached, or is full.
        """
        from videojob_contract.inspection import Findings  # noqa: PLC0415 - a worker loads this before its models

        waiting, key = self._keys.fixed("inspections"), self._keys.inspection(inspection.id)
        packed = pack_inspection(inspection)
        async with answered():
            if await awaited(self._redis.llen(waiting)) >= MOST_WAITING:
                raise NobodyLooksError("more is to be looked at than idle workers can")
            await self._redis.set(key, packed, px=round(1000 * LIVES_S))
            await awaited(self._redis.rpush(waiting, inspection.id))
            await self._redis.pexpire(waiting, round(2000 * LIVES_S))
        found = self._keys.inspected(inspection.id)
        try:
            said = await self._pop(found, taken_s)
            if said is None:
                if await self._withdraw(inspection.id):
                    raise NobodyLooksError("no worker of the pool is idle")
                said = await self._pop(found, done_s)
        except asyncio.CancelledError:  # whoever asked has gone
            await asyncio.shield(self._withdraw(inspection.id))
            raise
        if said is None:
            raise NobodyLooksError("the worker that looked has not answered")
        try:
            findings = Findings.model_validate_json(said[:_MOST_FINDINGS])
            picture = await self._pieces(found) if findings.picture else b""
        except ValidationError as error:
            raise NobodyLooksError("a worker answered nonsense") from error
        return findings, picture

    async def _pop(self, key: str, timeout_s: float) -> str | None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while (left_s := deadline - loop.time()) > 0:
            wait_s = max(0.001, min(left_s, RENEW_S))
            async with answered(wait_s + CALL_S):
                popped = await awaited(self._redis.blpop([key], wait_s))
            if popped is not None:
                return str(popped[1])
        return None

    async def _withdraw(self, identity: str) -> bool:
        """Take an inspection back; False when a worker has it."""
        async with answered():
            await awaited(self._redis.lrem(self._keys.fixed("inspections"), 1, identity))
            return bool(await self._redis.delete(self._keys.inspection(identity)))

    async def _pieces(self, key: str) -> bytes:
        async with answered():
            pieces = await awaited(self._redis.lpop(key, _MOST_PIECES))
        try:
            return b"".join(base64.b64decode(piece, validate=True) for piece in pieces or ())
        except ValueError as error:
            raise NobodyLooksError("a worker answered nonsense") from error


class InspectionBench:
    """Where an idle worker takes inspections of its pool; within `acl.worker_rules`."""

    def __init__(self, pool: PoolKey, redis: Redis, *, cluster: str = "") -> None:
        self._keys, self._redis = Keys(pool, cluster), redis

    async def take(self) -> Inspection | None:
        """Wait a while for an inspection, and take it; None when there is none, or it cannot be read.

        Raises:
            QueueUnavailableError: Redis cannot be reached, or does not let this worker look.
        """
        async with answered(RENEW_S + CALL_S):
            popped = await awaited(self._redis.blpop([self._keys.fixed("inspections")], RENEW_S))
        if popped is None:
            return None
        async with answered():
            packed = await self._redis.getdel(self._keys.inspection(str(popped[1])[:64]))
        try:
            inspection = unpack_inspection(str(packed or ""))
        except ValueError:
            return None  # it was taken back, its time is over, or it is of another version
        return inspection if inspection.id == popped[1] else None

    async def answer(self, identity: str, findings: Findings, picture: bytes = b"") -> None:
        """Hand in what was found.

        Raises:
            QueueUnavailableError: Redis cannot be reached.
        """
        pieces = [picture[at : at + _PIECE_BYTES] for at in range(0, len(picture), _PIECE_BYTES)]
        texts = [findings.model_dump_json(by_alias=True), *(base64.b64encode(piece).decode() for piece in pieces)]
        key = self._keys.inspected(identity)
        async with answered():
            await awaited(self._redis.rpush(key, *texts))
            await self._redis.pexpire(key, round(1000 * LIVES_S))


def pack_inspection(inspection: Inspection) -> str:
    """Write an inspection; raises `InspectionTooLargeError`."""
    text = inspection.model_dump_json(by_alias=True, exclude_none=True).encode()
    packed = base64.b85encode(zlib.compress(text, level=1)).decode()
    if len(text) > MOST_BYTES or len(packed) > MOST_PACKED:
        raise InspectionTooLargeError("the spec is too long to be looked at")
    return packed


def unpack_inspection(text: str) -> Inspection:
    """Read an inspection.

    Raises:
        ValueError: it is none, or longer than `MOST_BYTES`.
    """
    from videojob_contract.inspection import Inspection  # noqa: PLC0415 - a worker loads this before its models

    try:
        inflate = zlib.decompressobj()
        said = inflate.decompress(base64.b85decode(text), MOST_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not inflate.eof:
        raise ValueError("it is longer than an inspection may be, or cut short")
    return Inspection.model_validate_json(said)
