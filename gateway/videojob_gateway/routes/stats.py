"""Statistics of VideoJobs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime  # noqa: TC003 - FastAPI reads annotations
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response  # noqa: TC002 - the same

from videojob_gateway import models
from videojob_gateway.gateway import Served  # noqa: TC001 - the same
from videojob_gateway.job_query import matching
from videojob_gateway.routes.answers import as_json, errors
from videojob_gateway.routes.asked_jobs import AskedJobs  # noqa: TC001 - the same
from videojob_gateway.routes.jobs import second_of
from videojob_gateway.statistics import By, summary

router = APIRouter(prefix="/api/v1", tags=["jobs"])


@router.get(
    "/stats",
    summary="What became of VideoJobs",
    responses={200: {"model": models.Statistics}, **errors(401, 403, 422, 503)},
)
async def statistics(
    gateway: Served,
    asked: AskedJobs,
    *,
    by: By | None = None,
    created_after: Annotated[datetime | None, Query(alias="createdAfter")] = None,
    created_before: Annotated[datetime | None, Query(alias="createdBefore")] = None,
) -> Response:
    """Count the caller's VideoJobs that there still are, or to admins everyone's: all, and in groups."""
    query = replace(
        asked,
        created_after=second_of("createdAfter", created_after),
        created_before=second_of("createdBefore", created_before),
    )
    return as_json(summary(matching(gateway.known(), query), by))
