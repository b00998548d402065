"""Sends a part of an open file, as fast as its client takes it, and no longer than it does."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from videojob_gateway import metrics
from videojob_gateway.live import SLOW_S

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from videojob_gateway.byte_ranges import FilePart

log = logging.getLogger(__name__)

CHUNK_BYTES: Final = 512 * 1024


class FileResponse(Response):
    """Sends a part of a file, whose descriptor it closes."""

    def __init__(self, descriptor: int, part: FilePart, headers: dict[str, str], media_type: str) -> None:
        super().__init__(status_code=part.status, headers=headers, media_type=media_type)
        if part.status is HTTPStatus.NOT_MODIFIED:
            del self.headers["content-length"]  # of the file, it would be, and not of this
        else:
            self.headers["content-length"] = str(part.end - part.start)
        self._descriptor, self._part = descriptor, part
        self._left = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, or its headers alone where these are asked for."""
        leaving = asyncio.create_task(self._wait_for_leaving(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                await self._send_part(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            log.info("a download was dropped: its client is too slow")
        finally:
            leaving.cancel()
            with suppress(OSError):
                os.close(self._descriptor)

    async def _send_part(self, send: Send) -> None:
        at = self._part.start
        while at < self._part.end and not self._left.is_set():
            most = min(CHUNK_BYTES, self._part.end - at)
            chunk = await asyncio.to_thread(os.pread, self._descriptor, most, at)
            if not chunk:  # it was cut short: so is the answer, which its client can tell by its length
                raise TimeoutError
            async with asyncio.timeout(SLOW_S):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            at += len(chunk)
            metrics.sent(len(chunk))

    async def _wait_for_leaving(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._left.set()
