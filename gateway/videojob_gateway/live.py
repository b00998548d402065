"""Live streams: what has changed for one client, as server-sent events (HTML, section 9.2), or by a WebSocket.

Of each VideoJob a client that is behind is sent its last state alone: so what waits for a client is bounded, and none
is waited for. An event's id is the resource version up to which everything has been told: whichever replica the client
comes back to tells what has changed since.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from videojob_gateway import metrics
from videojob_gateway.errors import TooManyStreamsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.types import Receive, Scope, Send

    from videojob_gateway.job_cache import JobCache, JobRecord

    Write = Callable[[str, bytes, int], bytes]
    """Turns the name of a change, what it is of as JSON, and its version into what is sent."""

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "text/event-stream"
HEARTBEAT_S: Final = 15.0
"""Between two signs of life: proxies close what is silent for a minute."""
SLOW_S: Final = 30.0
"""How long a client may take to be sent something; then it is dropped."""
LONGEST_S: Final = 3600.0
"""How long a stream lasts: who comes back is asked again who they are."""
RETRY_MS: Final = 1000
"""When a client is to come back after its stream ended."""
HEARTBEAT: Final = b": \n\n"


class Changes:
    """What one client has not been sent yet: of each VideoJob the last state, in the order of the changes."""

    def __init__(self, tests: Iterable[Callable[[JobRecord], bool]] = (), write: Write | None = None) -> None:
        self._tests = list(tests)
        self._write = write or event
        self._waiting: dict[str, bytes] = {}
        self._came = asyncio.Event()
        self.ended = False
        """Whether the stream is to end once all that waits has been sent."""

    def note(self, before: JobRecord | None, after: JobRecord | None, version: int) -> None:
        """A VideoJob came, changed or went; one that is not what is asked for any more went too."""
        if after is not None and self._is_wanted(after):
            self._put(after.uid, self._write("job", after.shown, version))
        elif before is not None and self._is_wanted(before):
            gone = json.dumps({"id": before.uid, "name": before.name}).encode()
            self._put(before.uid, self._write("deleted", gone, version))

    def note_progress(self, record: JobRecord, told: bytes, version: int) -> None:
        """A worker says how far a VideoJob is."""
        if self._is_wanted(record):
            self._put(f"progress {record.uid}", self._write("progress", told, version))

    def catch_up(self, cache: JobCache, since: int | None) -> None:
        """Begin with what has changed since a version, or, for a client that is new, with where it begins."""
        changes = [] if since is None else cache.changes_since(since)
        for version, before, after in changes or ():
            self.note(before, after, version)
        if changes is None:
            self._put("", self._write("reset", b"{}", cache.version))
        elif since is None:
            self._put("", self._write("ready", b"{}", cache.version))

    def show(self, record: JobRecord) -> None:
        """Have a VideoJob sent as it is now."""
        self._put(record.uid, self._write("job", record.shown, record.version))

    def end(self) -> None:
        """Let the stream end when all that waits has been sent."""
        self.ended = True
        self._came.set()

    async def take(self, timeout_s: float) -> list[bytes]:
        """Return all that waits, as soon as something does; nothing when nothing comes for so long, or at the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._came.wait()
        self._came.clear()
        if self.ended:
            self._came.set()
        waiting, self._waiting = self._waiting, {}
        return list(waiting.values())

    def _put(self, uid: str, told: bytes) -> None:
        self._waiting.pop(uid, None)  # so that it comes in its new place
        self._waiting.pop(f"progress {uid}", None)  # which was before
        self._waiting[uid] = told
        self._came.set()

    def _is_wanted(self, record: JobRecord) -> bool:
        return all(test(record) for test in self._tests)


class OpenStreams:
    """The streams that are open, by user."""

    def __init__(self, most_by_user: int) -> None:
        self._most_by_user = most_by_user
        self._by_user: dict[str, set[Changes]] = {}

    def is_full(self, user: str) -> bool:
        """Tell whether a user may open no more."""
        return len(self._by_user.get(user, ())) >= self._most_by_user

    def check_room(self, user: str) -> None:
        """Make sure that a user may open one more; raises `TooManyStreamsError`."""
        if self.is_full(user):
            raise TooManyStreamsError("you have as many live streams open as one user may; close one")

    def add(self, user: str, changes: Changes) -> None:
        """A stream is opened."""
        self._by_user.setdefault(user, set()).add(changes)
        metrics.streams(+1)

    def remove(self, user: str, changes: Changes) -> None:
        """It has ended."""
        streams = self._by_user.get(user, set())
        streams.discard(changes)
        metrics.streams(-1)
        if not streams:
            self._by_user.pop(user, None)

    def end_all(self) -> None:
        """Let all of them end: their clients go to another replica."""
        for streams in self._by_user.values():
            for changes in streams:
                changes.end()


class LiveResponse(Response):
    """Sends a client what changes, until it has gone, is too slow, or the stream has ended."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        cache: JobCache,
        changes: Changes,
        streams: OpenStreams,
        begin: Callable[[], None],
        *,
        user: str,
        uid: str = "",
    ) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._cache, self._changes, self._streams, self._begin = cache, changes, streams, begin
        self._user, self._uid = user, uid

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Send until it ends."""
        self._streams.add(self._user, self._changes)
        leaving = asyncio.create_task(self._wait_for_leaving(receive))
        try:
            with self._cache.followed(self._changes, self._uid):
                self._begin()  # once nothing that changes is missed
                await self._send_all(send)
        except TimeoutError:
            metrics.stream_dropped()
            log.info("a live stream was dropped: its client is too slow")
        finally:
            leaving.cancel()
            self._streams.remove(self._user, self._changes)

    async def _send_all(self, send: Send) -> None:
        end = asyncio.get_running_loop().time() + LONGEST_S
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(start)
        chunk = f"retry: {RETRY_MS}\n\n".encode()
        while chunk:
            async with asyncio.timeout(SLOW_S):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if asyncio.get_running_loop().time() > end:
                self._changes.end()
            chunk = b"".join(await self._changes.take(HEARTBEAT_S)) or (b"" if self._changes.ended else HEARTBEAT)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _wait_for_leaving(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._changes.end()


def event(name: str, data: bytes, version: int) -> bytes:
    """Return a server-sent event; `data` is one line of JSON."""
    return b"event: %b\nid: %d\ndata: %b\n\n" % (name.encode(), version, data)
