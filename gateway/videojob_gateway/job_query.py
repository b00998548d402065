"""Which VideoJobs a list shows, in which order, page by page. Pure: records in, a page out.

A page ends with a cursor, which says after what the next begins. It is made of what the order looks at, so pages
neither repeat nor leave out what stays as it is, whatever comes and goes meanwhile.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

from videojob_contract.problems import Problem
from videojob_gateway.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from videojob_contract.resources.status import Phase
    from videojob_gateway.job_cache import JobCache, JobRecord

    Place = tuple[str, str]
    """What an order looks at in a record: a value, and its name."""

MAX_PAGE = 500
"""Most VideoJobs of a page."""


class Sort(StrEnum):
    """Orders of a list; `-` is the last first."""

    CREATED = "created"
    NEWEST = "-created"
    FINISHED = "finished"
    LATEST = "-finished"
    NAME = "name"
    NAME_BACKWARDS = "-name"

    @property
    def descends(self) -> bool:
        """Whether the greatest is first."""
        return self.startswith("-")

    @property
    def place_of(self) -> Callable[[JobRecord], Place]:
        """What it looks at in a record; the name makes it a total order."""
        return _PLACES[self.removeprefix("-")]


_PLACES: Mapping[str, Callable[[JobRecord], tuple[str, str]]] = {
    "created": lambda record: (record.created_at, record.name),
    "finished": lambda record: (record.finished_at, record.name),
    "name": lambda record: (record.name, ""),
}


@dataclass(frozen=True, slots=True)
class JobQuery:
    """What is wanted of the VideoJobs; what is None or empty is not asked for."""

    owner: str | None = None
    """The one whose VideoJobs may be seen; None for everyone's."""
    user: str | None = None
    project: str | None = None
    pool: str | None = None
    queue: str | None = None
    phases: Sequence[Phase] = ()
    """One of these."""
    labels: Sequence[str] = ()
    """Each `name=value`, or `name` for whatever value."""
    text: str = ""
    """Somewhere in its name, user, project, template, message or labels, in whichever case."""
    created_after: str = ""
    """As records have times; not at that moment, and later."""
    created_before: str = ""
    sort: Sort = Sort.NEWEST
    limit: int = 50

    @property
    def tests(self) -> list[Callable[[JobRecord], bool]]:
        """What a record has to pass, the strictest first."""
        fields = [(name, getattr(self, name)) for name in ("user", "project", "pool", "queue")]
        tests = [_equal(name, wanted) for name, wanted in fields if wanted is not None]
        if self.owner is not None:
            tests.append(_equal("user", self.owner))
        if self.phases:
            phases = frozenset[str](self.phases)
            tests.append(lambda record: record.phase in phases)
        for label in self.labels:
            name, equals, value = label.partition("=")
            tests.append(_labelled(name, value if equals else None))
        if self.created_after:
            tests.append(lambda record: record.created_at > self.created_after)
        if self.created_before:
            tests.append(lambda record: record.created_at < self.created_before)
        if self.text:
            text = self.text.casefold()
            tests.append(lambda record: text in record.words)
        return tests


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list."""

    records: Sequence[JobRecord]
    next: str | None
    """Cursor of the part that follows; None when there is no more."""


def matching(cache: JobCache, query: JobQuery) -> Iterator[JobRecord]:
    """Return every VideoJob that is wanted, the newest first."""
    found = cache.newest_first()
    for test in query.tests:
        found = filter(test, found)
    return found


def select(cache: JobCache, query: JobQuery, cursor: str = "") -> Page:
    """Return a page of the VideoJobs that are wanted, from a cursor on.

    Raises:
        InvalidRequestError: the cursor is none, or is one of another order.
    """
    sort, place_of = query.sort, query.sort.place_of
    tests = query.tests
    if cursor:
        tests.insert(0, _beyond(_read(cursor, sort), sort))
    found = cache.newest_first() if sort.descends else cache.oldest_first()
    for test in tests:  # one over the other, without a line of Python for each record but theirs
        found = filter(test, found)
    if sort not in {Sort.CREATED, Sort.NEWEST}:  # which is the order that they are kept in
        found = iter(sorted(found, key=place_of, reverse=sort.descends))
    page = list(islice(found, query.limit + 1))
    more = len(page) > query.limit
    page = page[: query.limit]
    return Page(page, _write(sort, place_of(page[-1])) if more else None)


def _beyond(place: Place, sort: Sort) -> Callable[[JobRecord], bool]:
    place_of = sort.place_of
    return (lambda record: place_of(record) < place) if sort.descends else (lambda record: place_of(record) > place)


def _equal(field: str, wanted: str) -> Callable[[JobRecord], bool]:
    value_of = attrgetter(field)
    return lambda record: bool(value_of(record) == wanted)


def _labelled(name: str, value: str | None) -> Callable[[JobRecord], bool]:
    if value is None:
        return lambda record: name in record.labels
    return lambda record: record.labels.get(name) == value


def _write(sort: Sort, place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, *place], separators=(",", ":")).encode()).decode().rstrip("=")


def _read(cursor: str, sort: Sort) -> Place:
    try:
        said = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except ValueError:
        said = None
    match said:
        case [str(of), str(value), str(name)] if of == sort:
            return value, name
    raise InvalidRequestError([Problem("cursor", f"is not one that a list in the order {sort} has given")])
