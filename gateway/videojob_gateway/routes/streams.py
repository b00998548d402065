"""Live streams: one VideoJob, or all that a client may see, by server-sent events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header
from starlette.responses import Response

from videojob_contract.problems import Problem
from videojob_contract.resources.status import Phase
from videojob_gateway import live
from videojob_gateway.auth.access import Viewer  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.errors import InvalidRequestError
from videojob_gateway.gateway import Gateway, Served  # noqa: TC001 - the same
from videojob_gateway.job_cache import JobRecord
from videojob_gateway.job_query import JobQuery
from videojob_gateway.live import Changes, LiveResponse
from videojob_gateway.routes.answers import errors
from videojob_gateway.routes.asked_jobs import AskedJobs  # noqa: TC001 - the same
from videojob_gateway.routes.jobs import JobId  # noqa: TC001 - the same

if TYPE_CHECKING:
    from collections.abc import Callable

router = APIRouter(prefix="/api/v1", tags=["live"])

LastEventId = Annotated[
    str | None,
    Header(description="`id` of the last event that was received: what has changed since follows.", max_length=32),
]
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events without end, each with the version up to which everything has been told as its id.",
        "content": {live.MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/jobs/{id}/stream",
    summary="Follow a VideoJob",
    responses={
        **_STREAM,
        204: {"description": "It has finished, and its last state was received before: there is no more to come."},
        **errors(401, 403, 404, 422, 503),
    },
)
async def follow_job(
    id: JobId,  # noqa: A002 - its name in the path
    gateway: Served,
    caller: Viewer,
    last_event_id: LastEventId = None,
) -> Response:
    """Send `job` with its state now and whenever it changes, `progress` as its worker tells it, and `deleted`.

    It ends when the VideoJob has finished.
    """
    job = await gateway.job(id, caller)
    since = _version(last_event_id)
    record = JobRecord.of(job.manifest)
    if job.status.phase.is_final and since is not None and since >= record.version:
        return Response(status_code=204)  # which tells an EventSource not to come back
    changes = _UntilFinished(JobQuery(owner=caller.owner).tests)  # it may be made another's

    def begin() -> None:
        cache = gateway.cache
        known, newest = cache.of_uid(record.uid), cache.newer(record)
        if since is None or since < newest.version:
            changes.show(newest)
        changes.end_with(newest)
        if known is None and cache.listed.is_set() and cache.version >= record.version:  # deleted meanwhile
            changes.note(newest, None, cache.version)

    return _live(gateway, changes, begin, caller.user, record.uid)


@router.get("/stream", summary="Follow VideoJobs", responses={**_STREAM, **errors(401, 403, 422, 503)})
async def follow_jobs(
    gateway: Served,
    caller: Viewer,
    asked: AskedJobs,
    last_event_id: LastEventId = None,
) -> Response:
    """Send `job` whenever one of the caller's VideoJobs is made or changes, `progress` meanwhile, and `deleted`.

    It begins with `ready`: list then, and nothing is missed. With `Last-Event-ID` it begins with what has changed
    since; or with `reset`, when that is not known any more: list again.
    """
    cache = gateway.known()
    changes, since = Changes(asked.tests), _version(last_event_id)
    return _live(gateway, changes, lambda: changes.catch_up(cache, since), caller.user)


class _UntilFinished(Changes):
    """Of one VideoJob, until it has finished or is gone."""

    _newest = 0

    def show(self, record: JobRecord) -> None:
        self._newest = record.version
        super().show(record)

    def note(self, before: JobRecord | None, after: JobRecord | None, version: int) -> None:
        # What was read from the API server may be newer than what the watch tells next.
        if after is None or after.version > self._newest:
            super().note(before, after, version)
            self.end_with(after)

    def end_with(self, record: JobRecord | None) -> None:
        """End when that is its last state."""
        if record is None or Phase(record.phase).is_final:
            self.end()


def _live(gateway: Gateway, changes: Changes, begin: Callable[[], None], user: str, uid: str = "") -> Response:
    gateway.streams.check_room(user)
    return LiveResponse(gateway.cache, changes, gateway.streams, begin, user=user, uid=uid)


def _version(last_event_id: str | None) -> int | None:
    if last_event_id is None:
        return None
    if not last_event_id.isascii() or not last_event_id.isdecimal():
        raise InvalidRequestError([Problem("Last-Event-ID", "is not one that an event has had")])
    return int(last_event_id)
