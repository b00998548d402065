"""What an idle worker does meanwhile: it looks at what the gateway asks for, and stops when it is given a VideoJob."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

from videojob_contract.queue.errors import QueueUnavailableError

if TYPE_CHECKING:
    from videojob_contract.inspection import Findings, Inspection

log = logging.getLogger("videojob.attending")

AGAIN_S: Final = 10.0
"""How long nothing is looked for after Redis has not answered, or has refused."""


class Bench(Protocol):
    """Where inspections are taken; see `videojob_contract.queue.inspections`."""

    async def take(self) -> Inspection | None:
        """Wait a while for one; None when there is none."""

    async def answer(self, identity: str, findings: Findings, picture: bytes = b"") -> None:
        """Hand in what was found."""


class Looks(Protocol):
    """Looks at what is asked for."""

    async def look(self, inspection: Inspection) -> tuple[Findings, bytes]:
        """Return what is found, and a picture's bytes; whatever is wrong with what is looked at is a finding."""


class Attendance:
    """Looks at one thing after the other, for as long as its worker is idle."""

    def __init__(self, bench: Bench, looks: Looks) -> None:
        self._bench, self._looks = bench, looks
        self._saying: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Attend until this is cancelled, which ends what is looked at."""
        while True:
            try:
                inspection = await self._bench.take()
            except QueueUnavailableError as error:
                log.debug("nothing is looked for: %s", error.message)
                await asyncio.sleep(AGAIN_S)
                continue
            if inspection is not None:
                await self._attend(inspection)

    async def _attend(self, inspection: Inspection) -> None:
        from videojob_contract.inspection import Findings  # noqa: PLC0415 - not before the announcement

        try:
            findings, picture = await self._looks.look(inspection)
        except asyncio.CancelledError:
            # Nobody waits for this: whoever was asked to render is not to be kept from it.
            self._saying = asyncio.create_task(self._say(inspection.id, Findings(again=True), b""))
            raise
        except Exception:
            log.exception("what was asked for could not be looked at")
            findings, picture = Findings(again=True), b""
        log.info("looked: %s", inspection.look.value)
        await self._say(inspection.id, findings, picture)

    async def _say(self, identity: str, findings: Findings, picture: bytes) -> None:
        with suppress(QueueUnavailableError):  # who asked hears nothing, and asks again
            await self._bench.answer(identity, findings, picture)
