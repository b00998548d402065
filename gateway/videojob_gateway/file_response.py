"""Sends a part of an open file, as fast as its client takes it, and no longer than it does."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from videojob_gateway import metrics
from videojob_gateway.connections import ZERO_COPY

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from videojob_gateway.byte_ranges import FilePart

log = logging.getLogger(__name__)

COUNTED_BYTES: Final = 32 * 1024 * 1024
"""So much is sent, and counted, at once."""


class FileResponse(Response):
    """Sends a part of a file, whose descriptor it closes."""

    def __init__(self, descriptor: int, part: FilePart, headers: dict[str, str], media_type: str) -> None:
        super().__init__(status_code=part.status, headers=headers, media_type=media_type)
        if part.status is HTTPStatus.NOT_MODIFIED:
            del self.headers["content-length"]  # of the file, it would be, and not of this
        else:
            self.headers["content-length"] = str(part.end - part.start)
        self._descriptor, self._part = descriptor, part

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Send it, or its headers alone where these are asked for."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                await self._send_part(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            log.info("a download was dropped: its client is too slow")
        except OSError as error:  # or the file was cut short: so is the answer, which its client can tell by its length
            log.info("a download has ended early: %s", error)
        finally:
            with suppress(OSError):
                os.close(self._descriptor)

    async def _send_part(self, send: Send) -> None:
        for at in range(self._part.start, self._part.end, COUNTED_BYTES):
            count = min(COUNTED_BYTES, self._part.end - at)
            await send({"type": ZERO_COPY, "file": self._descriptor, "offset": at, "count": count})
            metrics.sent(count)
