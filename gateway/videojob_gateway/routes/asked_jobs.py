"""Which VideoJobs a request asks for: what lists, statistics and streams read alike from the query of their URLs."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from videojob_gateway.auth.access import Viewer  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.job_query import JobQuery

Word = Annotated[str | None, Query(max_length=63)]
Labels = Annotated[list[str], Query(description="`name=value`, or `name`; all of them.", max_length=8)]


async def asked_jobs(  # awaits nothing, but FastAPI would have a thread call what is not asynchronous
    caller: Viewer,
    *,
    user: Word = None,
    project: Word = None,
    pool: Word = None,
    queue: Word = None,
    label: Labels = [],  # noqa: B006 - FastAPI copies it
) -> JobQuery:
    """Return a query for those that the caller may see and that are so."""
    return JobQuery(owner=caller.owner, user=user, project=project, pool=pool, queue=queue, labels=label)


AskedJobs = Annotated[JobQuery, Depends(asked_jobs)]
