"""Every VideoJob of the namespace, in memory as lists show it, kept up by one watch: no list asks the API server.

What is kept of each is a record of what is searched and sorted by, and the JSON that lists have of it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from bisect import bisect_left, insort
from collections import defaultdict, deque
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol

from videojob_client.errors import ClientError
from videojob_client.watching import EventType
from videojob_contract.resources.status import Phase
from videojob_gateway import metrics
from videojob_gateway.job_view import listed_part, view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from videojob_client.videojobs import VideoJobs

log = logging.getLogger(__name__)

LAG_S = 0.5
"""How long is waited for what was just written to be told of, which takes milliseconds."""
RETRY_S = 2.0
"""Between two tries when the watch is refused, or the first list fails."""
MOST_REMOVED = 10_000
"""Deletions, and moves from one user, project, pool, queue or label to another, that are remembered for those who ask
what has changed since."""

_followed_by = attrgetter("user", "project", "pool", "queue", "labels")
"""By what streams choose what they tell of."""
_by_age: Callable[[JobRecord], tuple[str, str]] = attrgetter("created_at", "name")


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A VideoJob, as it is searched, sorted and listed."""

    uid: str
    name: str
    version: int
    """Its resource version."""
    created_at: str
    """RFC 3339 in UTC, to the second: sorts as it is."""
    finished_at: str
    """RFC 3339 in UTC, to the millisecond; empty while it has not."""
    started_at: str
    """Likewise, of its last attempt."""
    reason: str
    """Why it waits or failed, as one word; empty for nothing."""
    phase: str
    progress: int
    """In percent."""
    user: str
    project: str
    pool: str
    queue: str
    labels: Mapping[str, str]
    words: str
    """What a search for a text looks at, in lower case."""
    shown: bytes
    """The JSON that lists have of it."""

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> JobRecord:
        """Read it from a VideoJob, or from the part of one that lists are made of."""
        shown = view(listed_part(manifest))
        spec, status = shown["spec"], shown["status"]
        template = (spec.get("templateRef") or {}).get("name", "")
        said = (shown["name"], spec.get("user"), spec.get("project"), template, status.get("message"))
        return cls(
            uid=shown["id"],
            name=shown["name"],
            version=number_of(manifest["metadata"]["resourceVersion"]),
            created_at=shown["createdAt"],
            finished_at=status.get("finishedAt") or "",
            started_at=status.get("startedAt") or "",
            reason=(status.get("failure") or {}).get("reason") or status.get("reason") or "",
            phase=status["phase"],
            progress=status["progress"],
            user=spec.get("user") or "",
            project=spec.get("project") or "",
            pool=spec.get("pool") or "",
            queue=spec.get("queue") or "",
            labels=shown["labels"],
            words="\n".join(each for each in (*said, *shown["labels"].values()) if each).casefold(),
            shown=json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode(),
        )


class Follower(Protocol):
    """Someone who is told of changes."""

    def note(self, before: JobRecord | None, after: JobRecord | None, version: int) -> None:
        """A VideoJob came, changed or went; the cache is as of this version now."""

    def note_progress(self, record: JobRecord, told: bytes, version: int) -> None:
        """A worker says how far a VideoJob is, as JSON; the cache stays as of this version."""


class JobCache:
    """The VideoJobs of a namespace; it has them while `run` runs."""

    def __init__(self) -> None:
        self.listed = asyncio.Event()
        """Set once all are known."""
        self.version = 0
        """The greatest resource version that was seen; Kubernetes' own are numbers that grow."""
        self._all_since = 0
        self.running_pools: set[str] = set()
        """Pools in which something has run."""
        self._removed: deque[tuple[int, JobRecord]] = deque()
        self._followers: set[Follower] = set()
        self._followers_of: defaultdict[str, set[Follower]] = defaultdict(set)
        self._is_followed = asyncio.Event()
        self._by_uid: dict[str, JobRecord] = {}
        self._aged: list[JobRecord] = []
        self._told = asyncio.Event()

    async def run(self, videojobs: VideoJobs) -> None:
        """Follow the VideoJobs until cancelled, whatever the API server says."""
        while True:
            seen = set[str]()
            events = videojobs.watch(keep=listed_part, on_listed=partial(self._note_listed, seen))
            try:
                async with aclosing(events):
                    async for event in events:
                        seen.add(event.object.metadata.uid)
                        if event.type is EventType.DELETED:
                            self.remove(event.object.metadata.uid, number_of(event.object.metadata.resource_version))
                        else:
                            self.put(JobRecord.of(event.object.manifest))
            except ClientError as error:
                metrics.watch_failed()
                log.warning("the VideoJobs cannot be watched: %s", error)
            await asyncio.sleep(RETRY_S)

    def put(self, record: JobRecord) -> None:
        """Know a VideoJob as it is now."""
        before = self._by_uid.get(record.uid)
        if before is not None:
            self._drop(before)
            if _followed_by(before) != _followed_by(record):  # for some who are away now, it goes
                self._remember_gone(record.version, before)
        self._by_uid[record.uid] = record
        insort(self._aged, record, key=_by_age)
        self.version = max(self.version, record.version)
        if record.phase == Phase.RUNNING:
            self.running_pools.add(record.pool)
        self._tell(before, record)

    def remove(self, uid: str, version: int = 0) -> None:
        """Forget a VideoJob, which was deleted at a version; nothing when it is not known.

        Without a version, or with that of its last state, as a list finds it gone, nobody knows when that was: who
        followed before and asks again has to list.
        """
        record = self._by_uid.pop(uid, None)
        if record is None:
            return
        self._drop(record)
        if version <= record.version:
            version = 0
            self._forget_changes()
        self.version = max(self.version, version)
        self._remember_gone(version, record)
        self._tell(record, None)

    def _remember_gone(self, version: int, record: JobRecord) -> None:
        self._removed.append((version, record))
        if len(self._removed) > MOST_REMOVED:
            self._all_since = max(self._all_since, self._removed.popleft()[0])

    def changes_since(self, version: int) -> list[tuple[int, JobRecord | None, JobRecord | None]] | None:
        """Return what has changed since a version, in that order: each as the version, and before and after.

        None when that is not known: what was deleted is not remembered for so long, or another replica has told of
        more than this one knows.
        """
        if not self._all_since <= version <= self.version:
            return None
        gone = [(at, record, None) for at, record in self._removed if at > version]
        come = [(record.version, None, record) for record in self._by_uid.values() if record.version > version]
        return sorted([*gone, *come], key=lambda change: change[0])

    @contextmanager
    def followed(self, follower: Follower, uid: str = "") -> Iterator[None]:
        """Have someone told of every change, or of those of one VideoJob, inside."""
        followers = self._followers_of[uid] if uid else self._followers
        followers.add(follower)
        self._is_followed.set()
        try:
            yield
        finally:
            followers.discard(follower)
            if uid and not followers:
                self._followers_of.pop(uid, None)
            if not self.has_followers:
                self._is_followed.clear()

    @property
    def has_followers(self) -> bool:
        """Whether anybody follows anything."""
        return bool(self._followers or self._followers_of)

    async def wait_for_followers(self) -> None:
        """Wait until somebody follows something."""
        await self._is_followed.wait()

    def tell_progress(self, record: JobRecord, told: bytes) -> None:
        """Tell those who follow a VideoJob what its worker says."""
        for follower in self._followers_who_ask_for(record):
            follower.note_progress(record, told, self.version)

    async def reach(self, holds: Callable[[], bool], within_s: float = LAG_S) -> None:
        """Wait until something holds of what is known, no longer than that; by default for what was just written."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while not holds():
                    await self._told.wait()

    def knows(self, uid: str, version: int) -> bool:
        """Tell whether a VideoJob is known as it was at a version, or later."""
        record = self._by_uid.get(uid)
        return self.version >= version if record is None else record.version >= version

    def _tell(self, before: JobRecord | None, after: JobRecord | None) -> None:
        metrics.jobs(len(self._by_uid))
        self._told.set()  # which wakes who waits now
        self._told.clear()
        record = after or before
        if record is not None:
            for follower in self._followers_who_ask_for(record):
                follower.note(before, after, self.version)

    def _followers_who_ask_for(self, record: JobRecord) -> list[Follower]:
        return [*self._followers, *self._followers_of.get(record.uid, ())]

    def _forget_changes(self) -> None:
        self._all_since = self.version + 1  # who has heard of this version may not have heard of all that is gone
        self._removed.clear()

    def _drop(self, record: JobRecord) -> None:
        index = bisect_left(self._aged, _by_age(record), key=_by_age)
        while self._aged[index] is not record:
            index += 1
        del self._aged[index]

    def of_uid(self, uid: str) -> JobRecord | None:
        """Return the VideoJob of a UID."""
        return self._by_uid.get(uid)

    def newer(self, record: JobRecord) -> JobRecord:
        """Return the newer of what was just read of a VideoJob and what the watch has told of it."""
        known = self._by_uid.get(record.uid)
        return known if known is not None and known.version > record.version else record

    def newest_first(self) -> Iterator[JobRecord]:
        """Yield every VideoJob, by when it was made, then by name; to be read without a pause."""
        return reversed(self._aged)

    def oldest_first(self) -> Iterator[JobRecord]:
        """Yield them the other way round."""
        return iter(self._aged)

    def __len__(self) -> int:
        return len(self._by_uid)

    def _note_listed(self, seen: set[str], version: str) -> None:
        """All that there is at a version has been told: what a watch before knew, and this has not told of, is gone."""
        if not self.listed.is_set():
            log.info("%d VideoJobs are known", len(self))
        for uid in self._by_uid.keys() - seen:
            self.remove(uid)
        self.version = max(self.version, number_of(version))
        if not self.listed.is_set():
            self._all_since = self.version
        self.listed.set()
        metrics.is_ready()


def number_of(version: str) -> int:
    """Return a resource version as a number; 0 for what is none."""
    return int(version) if version.isdecimal() else 0
