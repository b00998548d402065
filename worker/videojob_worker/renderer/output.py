"""What the renderer process and its libraries write to standard error.

It goes into the worker's log line by line, a traceback as one, up to a bound, because what decodes media is not trusted
with more. The last lines are kept: encoders tell only there that they were refused memory.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from videojob_worker.concurrency import end

if TYPE_CHECKING:
    from collections.abc import Iterable

log = logging.getLogger("videojob.renderer")

_LONGEST_LINE = 2000
_MOST_LINES = 1000
_KEPT_LINES = 50
_TRACEBACK = "Traceback (most recent call last):"
_MOST_FRAMES = 200  # lines of a traceback in one record
_READ_BYTES = 4096
_LAST_WORDS_S = 1.0  # how long to wait for the end of what a dead process wrote

_OUT_OF_MEMORY = re.compile(
    r"malloc of size \d+ failed|Cannot allocate memory|bad_alloc|Insufficient memory|MemoryError"
)
"""As x264, libav and libc, C++, OpenCV and Python say it."""


class ProcessLog:
    """Reads standard error of one process until its end."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream
        self._last: deque[str] = deque(maxlen=_KEPT_LINES)
        self._traceback: list[str] = []
        self._logged = 0
        self._reading = asyncio.create_task(self._read())

    async def says_out_of_memory(self) -> bool:
        """Tell, once the process has ended, whether its last words were of memory."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await asyncio.wait([self._reading])
        return any(_OUT_OF_MEMORY.search(line) for line in self._last)

    async def aclose(self) -> None:
        """Stop reading."""
        await end(self._reading)

    async def _read(self) -> None:
        rest = ""
        while data := await self._stream.read(_READ_BYTES):
            *lines, rest = (rest + data.decode(errors="replace")).split("\n")
            self._keep(lines)
            rest = rest[-_LONGEST_LINE:]
        self._keep([rest])
        self._log_traceback()

    def _keep(self, lines: Iterable[str]) -> None:
        for whole in filter(None, map(str.rstrip, lines)):
            line = whole[:_LONGEST_LINE]
            # A traceback's frames say nothing, and may be more than the lines that are kept.
            if not line.startswith(" "):
                self._last.append(line)
            self._logged += 1
            if self._logged <= _MOST_LINES:
                self._log(line)

    def _log(self, line: str) -> None:
        """Log a line; those of a traceback together, from its head to the first that is not indented."""
        head = line.startswith(_TRACEBACK)
        if head:
            self._log_traceback()
        if head or self._traceback:
            self._traceback.append(line)
            if head or (line.startswith(" ") and len(self._traceback) < _MOST_FRAMES):
                return
            self._log_traceback()
        else:
            log.info("renderer: %s", line)

    def _log_traceback(self) -> None:
        if self._traceback:
            log.info("renderer: %s", "\n".join(self._traceback))
            self._traceback.clear()
