"""Many VideoJobs at once: a list of them, or a table of a template's parameters."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response  # noqa: TC002 - FastAPI reads annotations

from videojob_client.errors import ClientError, NotFoundError
from videojob_contract.problems import Problem
from videojob_gateway import models, tables
from videojob_gateway.auth.access import Submitter, charge
from videojob_gateway.documents import JSON, read_bytes, read_object
from videojob_gateway.errors import GatewayError, InvalidRequestError, MediaTypeError
from videojob_gateway.gateway import Gateway, Served  # noqa: TC001 - the same
from videojob_gateway.job_view import view
from videojob_gateway.problem_json import of_error
from videojob_gateway.routes.answers import as_json, body_of, errors
from videojob_gateway.routes.asked_jobs import Word  # noqa: TC001 - the same
from videojob_gateway.routes.jobs import EXAMPLES
from videojob_gateway.submission import read_submission
from videojob_gateway.tier_rates import Counted

if TYPE_CHECKING:
    from videojob_gateway.auth.caller import Caller
    from videojob_gateway.submission import Submission

router = APIRouter(prefix="/api/v1", tags=["jobs"])

AT_ONCE = 8
"""VideoJobs of a request that are made at a time."""
MOST_BODIES = 4
"""A list may be as long as so many bodies of one VideoJob."""


@router.post(
    "/jobs/batch",
    status_code=202,
    summary="Have many videos rendered",
    responses={202: {"model": models.BatchResult}, **errors(400, 401, 403, 408, 413, 415, 422, 503)},
    openapi_extra=body_of("NewJobs", {"two": {"jobs": list(EXAMPLES.values())}}),
)
async def submit_jobs(
    request: Request,
    gateway: Served,
    caller: Submitter,
    *,
    template: Annotated[str | None, Query(max_length=253)] = None,
    queue: Word = None,
    project: Word = None,
    pool: Word = None,
    idempotency_key: Annotated[str | None, Header(max_length=240)] = None,
) -> Response:
    """Make up to 100 VideoJobs: of `{"jobs": […]}`, or with `template` of a table, a row each.

    A table is `text/csv`, whose first line names parameters, or `application/x-ndjson`; `name` is the VideoJob's.
    Nothing is made unless all can be rendered. Then each is made by itself: `items` says what came of it.
    """
    spec = {name: value for name, value in {"queue": queue, "project": project, "pool": pool}.items() if value}
    jobs = await _asked_for(request, gateway, template, spec)
    submissions = await _checked(gateway, caller, jobs, idempotency_key)
    await charge(request, caller, Counted.SUBMISSIONS, len(submissions))
    gate = asyncio.Semaphore(AT_ONCE)

    async def make(submission: Submission) -> dict[str, Any]:
        async with gate:
            try:
                return {"job": view((await gateway.submit(submission)).manifest), "error": None}
            except (GatewayError, ClientError) as error:
                return {"job": None, "error": json.loads(bytes(of_error(error).body))}

    return as_json({"items": await asyncio.gather(*map(make, submissions))}, 202)


async def _asked_for(
    request: Request, gateway: Gateway, template: str | None, spec: dict[str, Any]
) -> list[dict[str, Any]]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    most_bytes = MOST_BODIES * gateway.settings.max_body_bytes
    if media_type not in {tables.CSV, tables.JSON_LINES}:
        return _listed(await read_object(request, most_bytes))
    if template is None:
        raise MediaTypeError(f"a table needs a template; send {JSON} without one")
    try:
        found = (await gateway.client.videotemplates.get(template)).manifest
    except NotFoundError:
        raise InvalidRequestError([Problem("template", f"there is no VideoTemplate {template!r}")]) from None
    types = {each["name"]: each.get("type", "string") for each in found["spec"].get("parameters") or ()}
    rows = tables.table_rows(await read_bytes(request, most_bytes), media_type, types)
    return [tables.job_of_row(row, template, spec) for row in rows]


def _listed(document: dict[str, Any]) -> list[dict[str, Any]]:
    jobs = document.get("jobs")
    if set(document) != {"jobs"} or not isinstance(jobs, list):
        raise InvalidRequestError([Problem("jobs", "is required, and all that there is")])
    wrong = [
        Problem(f"jobs[{index}]", "should be an object") for index, job in enumerate(jobs) if type(job) is not dict
    ]
    if wrong:
        raise InvalidRequestError(wrong)
    return list(tables.bounded(jobs))


async def _checked(gateway: Gateway, caller: Caller, jobs: list[dict[str, Any]], key: str | None) -> list[Submission]:
    """Return what is to be made; raises `InvalidRequestError` with all that is wrong in any of them."""
    submissions: list[Submission] = []
    problems: list[Problem] = []
    for index, job in enumerate(jobs):
        try:
            submission = read_submission(job, caller, None if key is None else f"{key}.{index}")
            found = await gateway.problems_of(submission.manifest)
            if found and await gateway.is_made(submission):
                found = []
            submissions.append(submission)
        except InvalidRequestError as error:
            found = list(error.problems)
        problems += [Problem(f"jobs[{index}].{each.path}", each.message) for each in found]
        await asyncio.sleep(0)  # let others have a turn: each takes milliseconds
    if problems:
        raise InvalidRequestError(problems)
    return submissions
