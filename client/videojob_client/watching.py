"""A watch that goes on: over lost connections from where it was, and over forgotten history by listing again."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

from videojob_client.backoff import delays
from videojob_client.conversion import from_connection, from_status
from videojob_client.errors import ExpiredError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable, Mapping

    from videojob_client.transport import Object, Transport

T = TypeVar("T")

log = logging.getLogger(__name__)

PAGE_SIZE = 500
"""Objects a page of a list: enough to be quick, too few to hold 10,000 VideoJobs in memory at once."""
SILENCE_S = 150.0
"""How long a watch may be silent: the API server sends a bookmark about once a minute."""


class EventType(StrEnum):
    """What happened to an object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True)
class WatchEvent(Generic[T]):
    """A change of an object."""

    type: EventType
    object: T
    """As it is after the change; its last state when it was deleted."""


async def watch(
    transport: Transport,
    path: str,
    selectors: Mapping[str, str],
    read: Callable[[Object], T],
    seen: Iterable[Object] = (),
    *,
    keep: Callable[[Object], Object] = lambda item: item,
    on_listed: Callable[[str], None] = lambda _: None,
) -> AsyncGenerator[WatchEvent[T], None]:
    """Yield what there is, and then every change, without end; see `Collection.watch`.

    What was `seen` already is yielded when it differs, or is there no more.
    """
    known = _Known(seen)
    version = ""
    waits = delays()
    while True:
        try:
            if not version:
                items, listed = await _list(transport, path, selectors, keep)
                for event in known.replace(items):
                    yield WatchEvent(event.type, read(event.object))
                on_listed(listed)
                version = listed
            async with aclosing(_changes(transport, path, selectors, version)) as changes:
                async for kind, item in changes:
                    version = item["metadata"]["resourceVersion"]
                    waits = delays()
                    if kind != "BOOKMARK":
                        kept = keep(item)
                        known.note(EventType(kind), kept)
                        yield WatchEvent(EventType(kind), read(kept))
        except ExpiredError:
            version = ""  # and list again: what happened since is forgotten
        except UnavailableError as error:
            if not known.listed:
                raise
            log.warning("a watch was interrupted, and goes on: %s", error)
            await asyncio.sleep(error.retry_after_s)
        await asyncio.sleep(next(waits))  # also after a watch that just ended, lest a server ends each at once


class _Known:
    """What the watch has told of, by UID: what a list lacks of it has been deleted."""

    def __init__(self, seen: Iterable[Object]) -> None:
        self.listed = False
        self._items = {item["metadata"]["uid"]: item for item in seen}

    def note(self, kind: EventType, item: Object) -> None:
        if kind is EventType.DELETED:
            self._items.pop(item["metadata"]["uid"], None)
        else:
            self._items[item["metadata"]["uid"]] = item

    def replace(self, items: Iterable[Object]) -> list[WatchEvent[Object]]:
        """Take a whole list, and return what it changes: deletions first, as names can be used again.

        What a further list changes comes in the order in which it was written.
        """
        now = {item["metadata"]["uid"]: item for item in items}
        changes = [WatchEvent(EventType.DELETED, item) for uid, item in self._items.items() if uid not in now]
        for uid, item in now.items():
            before = self._items.get(uid)
            if before is None:
                changes.append(WatchEvent(EventType.ADDED, item))
            elif before["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
                changes.append(WatchEvent(EventType.MODIFIED, item))
        if self.listed:
            changes.sort(key=lambda change: (change.type is not EventType.DELETED, _number(change.object)))
        self._items, self.listed = now, True
        return changes


def _number(item: Object) -> int:
    """Return the version of an object, which API servers count."""
    version: str = item["metadata"]["resourceVersion"]
    return int(version) if version.isdecimal() else 0


async def _list(
    transport: Transport, path: str, selectors: Mapping[str, str], keep: Callable[[Object], Object]
) -> tuple[list[Object], str]:
    """Return everything, and the version from which to watch: of one moment, or from the start again."""
    items: list[Object] = []
    token = ""
    while True:
        page = await transport.read(path, {**selectors, "limit": str(PAGE_SIZE), "continue": token})
        items += map(keep, page["items"])
        token = page["metadata"].get("continue", "")
        if not token:
            return items, page["metadata"]["resourceVersion"]


async def _changes(
    transport: Transport, path: str, selectors: Mapping[str, str], version: str
) -> AsyncGenerator[tuple[str, Object], None]:
    """Yield changes and bookmarks after a version, until the server ends the watch, as it does every few minutes."""
    query = {**selectors, "watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version}
    async with transport.stream(path, query, SILENCE_S) as lines:
        async for line in lines:
            try:
                event = json.loads(line)
            except ValueError as error:  # the connection ended within a line
                raise from_connection(error, f"GET {path}") from error
            if event["type"] == "ERROR":
                raise from_status(event["object"], f"GET {path}")
            yield event["type"], event["object"]
