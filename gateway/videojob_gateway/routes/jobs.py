"""VideoJobs: make them, list them, look at them, and change how they are scheduled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from starlette.responses import Response

from videojob_contract.problems import Problem
from videojob_contract.resources.status import Phase
from videojob_gateway import models
from videojob_gateway.auth.access import Submitter, Viewer, charge
from videojob_gateway.documents import JSON, read_object
from videojob_gateway.errors import InvalidRequestError, StateError
from videojob_gateway.gateway import Gateway, Served  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.job_query import MAX_PAGE, Sort, select
from videojob_gateway.job_view import view
from videojob_gateway.preferences import preferred_wait_s
from videojob_gateway.routes.answers import as_json, body_of, errors
from videojob_gateway.routes.asked_jobs import AskedJobs  # noqa: TC001 - the same
from videojob_gateway.submission import read_submission
from videojob_gateway.tier_rates import Counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from videojob_client import VideoJob

router = APIRouter(prefix="/api/v1", tags=["jobs"])

EXAMPLES: dict[str, Any] = {
    "a colour": {"name": "holiday", "spec": {"clips": [{"color": "#204060", "duration": "3s"}]}},
    "a template": {"spec": {"templateRef": {"name": "birthday-card"}, "parameters": {"name": "Ana"}}},
}
JobId = Annotated[str, Path(description="Its name or its UID.", min_length=1, max_length=63)]


@router.post(
    "/jobs",
    status_code=202,
    summary="Have a video rendered",
    responses={202: {"model": models.Job}, **errors(400, 401, 403, 408, 409, 413, 415, 422, 503)},
    openapi_extra=body_of("NewJob", EXAMPLES),
)
async def submit_job(
    request: Request,
    gateway: Served,
    caller: Submitter,
    idempotency_key: Annotated[str | None, Header(max_length=257)] = None,
    _prefer: Annotated[str | None, Header(alias="Prefer", description="`wait=N`, in seconds (RFC 7240).")] = None,
) -> Response:
    """Make a VideoJob, which is the caller's, once it is found to be one that can be rendered.

    Sent again with the same `Idempotency-Key` and body, it answers with the VideoJob that there is, for as long as that
    is there: send one, and repeat whatever got no answer.

    With `Prefer: wait=N` it answers when something is known of it, such as `status.predicted`, or after N seconds.
    """
    document = await read_object(request, gateway.settings.max_body_bytes)
    submission = read_submission(document, caller, idempotency_key)
    await gateway.check(submission)
    await charge(request, caller, Counted.SUBMISSIONS)
    job = await gateway.submit(submission)
    if not (wait_s := preferred_wait_s(request.headers.getlist("prefer"))):
        return accepted_job(job)
    return accepted_job(await gateway.first_word(job, wait_s), {"Preference-Applied": f"wait={wait_s}"})


@router.get(
    "/jobs",
    summary="List VideoJobs",
    responses={200: {"model": models.JobList}, **errors(401, 403, 422, 503)},
)
async def list_jobs(
    gateway: Served,
    asked: AskedJobs,
    *,
    phase: Annotated[list[Phase], Query(description="One of these.", max_length=len(Phase))] = [],  # noqa: B006 - FastAPI copies it
    text: Annotated[str, Query(description="Somewhere in its names, message or labels.", max_length=200)] = "",
    created_after: Annotated[datetime | None, Query(alias="createdAfter")] = None,
    created_before: Annotated[datetime | None, Query(alias="createdBefore")] = None,
    sort: Sort = Sort.NEWEST,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str, Query(description="`next` of the page before.", max_length=500)] = "",
) -> Response:
    """List the caller's VideoJobs, or to admins everyone's, page by page.

    They are as the last change of each was told, mostly less than a tenth of a second ago.
    """
    query = replace(
        asked,
        phases=phase,
        text=text,
        created_after=second_of("createdAfter", created_after),
        created_before=second_of("createdBefore", created_before),
        sort=sort,
        limit=limit,
    )
    page = select(gateway.known(), query, cursor)
    following = b"null" if page.next is None else f'"{page.next}"'.encode()
    items = b",".join(record.shown for record in page.records)
    return Response(b'{"items":[' + items + b'],"next":' + following + b"}", media_type=JSON)


@router.get(
    "/jobs/{id}",
    summary="Look at a VideoJob",
    responses={200: {"model": models.Job}, **errors(401, 403, 404, 422, 503)},
)
async def get_job(id: JobId, gateway: Served, caller: Viewer) -> Response:  # noqa: A002 - its name in the path
    """Return a VideoJob as it is now."""
    return as_json(view((await gateway.job(id, caller)).manifest))


@router.delete(
    "/jobs/{id}",
    status_code=202,
    summary="Cancel or delete a VideoJob",
    responses={
        202: {"model": models.Job, "description": "It is to be cancelled, or has finished before."},
        204: {"description": "It is deleted."},
        **errors(401, 403, 404, 409, 422, 503),
    },
)
async def cancel_job(
    id: JobId,  # noqa: A002
    gateway: Served,
    caller: Submitter,
    *,
    purge: Annotated[bool, Query(description="Delete it; what was published stays.")] = False,
) -> Response:
    """Stop a VideoJob for good; one that has finished stays as it is."""
    job = await gateway.job(id, caller)
    if purge:
        await gateway.client.videojobs.delete(job.metadata.name, uid=job.metadata.uid)
        await gateway.cache.reach(lambda: gateway.cache.of_uid(job.metadata.uid) is None)
        return Response(status_code=204)
    if job.status.phase.is_final:
        return accepted_job(job)
    return await _patch(gateway, job, {"cancel": True})


@router.post(
    "/jobs/{id}/rerun",
    status_code=202,
    summary="Render a VideoJob once more",
    responses={202: {"model": models.Job}, **errors(401, 403, 404, 409, 422, 503)},
)
async def rerun_job(id: JobId, request: Request, gateway: Served, caller: Submitter) -> Response:  # noqa: A002
    """Render one that has finished once more; how it ended before is in `status.history`."""
    job = await gateway.job(id, caller)
    if not job.status.phase.is_final:
        raise StateError(f"it is {job.status.phase}: only what has finished can be rendered once more")
    if job.manifest["spec"].get("rerun", 0) > job.status.rerun:
        raise StateError("it is to be rendered once more already")
    await charge(request, caller, Counted.SUBMISSIONS)
    return await _patch(gateway, job, {"rerun": job.manifest["spec"].get("rerun", 0) + 1, "cancel": False})


@router.post(
    "/jobs/{id}/suspend",
    status_code=202,
    summary="Keep a VideoJob out of its queue",
    responses={202: {"model": models.Job}, **errors(401, 403, 404, 409, 422, 503)},
)
async def suspend_job(id: JobId, gateway: Served, caller: Submitter) -> Response:  # noqa: A002
    """Keep it out of its queue until it is resumed; an attempt that runs is stopped."""
    return await _patch(gateway, _unfinished(await gateway.job(id, caller)), {"suspend": True})


@router.post(
    "/jobs/{id}/resume",
    status_code=202,
    summary="Let a VideoJob wait again",
    responses={202: {"model": models.Job}, **errors(401, 403, 404, 409, 422, 503)},
)
async def resume_job(id: JobId, gateway: Served, caller: Submitter) -> Response:  # noqa: A002
    """Let one that was suspended wait in its queue again."""
    return await _patch(gateway, _unfinished(await gateway.job(id, caller)), {"suspend": False})


@router.post(
    "/jobs/{id}/move",
    status_code=202,
    summary="Let a VideoJob wait elsewhere",
    responses={202: {"model": models.Job}, **errors(400, 401, 403, 404, 408, 409, 413, 415, 422, 503)},
    openapi_extra=body_of("Move", {"another queue": {"queue": "high"}}),
)
async def move_job(id: JobId, request: Request, gateway: Served, caller: Submitter) -> Response:  # noqa: A002
    """Let it wait in another pool or queue, or with another priority, with the time that it has waited."""
    changes = await read_object(request, gateway.settings.max_body_bytes)
    known = models.Move.model_fields
    problems = [Problem(name, "is not a field here") for name in changes if name not in known]
    changes = {name: value for name, value in changes.items() if value is not None}
    if problems or not changes:
        raise InvalidRequestError(problems or [Problem("body", f"should have one of {', '.join(known)}")])
    return await _patch(gateway, _unfinished(await gateway.job(id, caller)), changes)


@router.get(
    "/jobs/{id}/events",
    summary="What happened to a VideoJob",
    responses={200: {"model": models.JobEvents}, **errors(401, 403, 404, 422, 503)},
)
async def job_events(id: JobId, gateway: Served, caller: Viewer) -> Response:  # noqa: A002
    """Return its Events of the last hour, the oldest first."""
    job = await gateway.job(id, caller)
    found = await gateway.client.videojobs.events(job.metadata.name)
    items = [
        {"type": each.type, "reason": each.reason, "message": each.message, "at": each.at.isoformat()} for each in found
    ]
    return as_json({"items": items})


@router.post(
    "/validate",
    summary="Say what is wrong with a VideoJob",
    responses={200: {"model": models.Validity}, **errors(400, 401, 403, 408, 413, 415, 422, 503)},
    openapi_extra=body_of("NewJob", EXAMPLES),
)
async def validate_job(request: Request, gateway: Served, caller: Submitter) -> Response:
    """Say what `POST /jobs` would say to the same body, and make nothing. No source is opened."""
    document = await read_object(request, gateway.settings.max_body_bytes)
    try:
        problems = await gateway.problems_of(read_submission(document, caller, None).manifest)
    except InvalidRequestError as error:
        problems = list(error.problems)
    found = [{"path": each.path, "message": each.message} for each in problems]
    return as_json({"valid": not found, "errors": found})


async def _patch(gateway: Gateway, job: VideoJob, spec: dict[str, Any]) -> Response:
    # With its UID, lest another that has its name by now is changed.
    changes = {"metadata": {"uid": job.metadata.uid}, "spec": spec}
    changed = await gateway.client.videojobs.patch(job.metadata.name, changes)
    await gateway.catch_up(changed)
    return accepted_job(changed)


def _unfinished(job: VideoJob) -> VideoJob:
    if job.status.phase.is_final:
        raise StateError(f"it is {job.status.phase}, and waits for nothing")
    return job


def accepted_job(job: VideoJob, further: Mapping[str, str] | None = None) -> Response:
    """Answer with a VideoJob that was made or changed."""
    headers = {"Location": f"/api/v1/jobs/{job.metadata.name}", **(further or {})}
    return as_json(view(job.manifest), 202, headers)


def second_of(name: str, at: datetime | None) -> str:
    """Write a time as VideoJobs say when they were made; raises `InvalidRequestError` for one without a zone."""
    if at is None:
        return ""
    if at.tzinfo is None:
        raise InvalidRequestError([Problem(name, "needs its zone, such as 2026-01-01T00:00:00Z")])
    try:
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError):
        raise InvalidRequestError([Problem(name, "is no time that can be")]) from None
