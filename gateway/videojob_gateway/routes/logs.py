"""What the worker of a VideoJob has said, for those who look for why."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response, StreamingResponse

from videojob_client.errors import ClientError, NoPodError, NotFoundError
from videojob_gateway.auth.access import Viewer  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.errors import NoSuchLogError, NotAllowedError
from videojob_gateway.gateway import Served  # noqa: TC001 - the same
from videojob_gateway.routes.answers import errors
from videojob_gateway.routes.jobs import JobId  # noqa: TC001 - the same

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

router = APIRouter(prefix="/api/v1", tags=["jobs"])

MOST_BYTES: Final = 1024 * 1024
"""Of a log; the rest is left out."""
MOST_LINES: Final = 10_000
TEXT: Final = "text/plain"
_LOG: dict[int | str, dict[str, Any]] = {200: {"description": "Lines.", "content": {TEXT: {}}}}


@router.get(
    "/jobs/{id}/logs",
    summary="Read the log of a VideoJob",
    responses={**_LOG, **errors(401, 403, 404, 422, 503)},
)
async def job_log(
    id: JobId,  # noqa: A002 - its name in the path
    gateway: Served,
    caller: Viewer,
    *,
    lines: Annotated[int, Query(description="So many, the last.", ge=1, le=MOST_LINES)] = 1000,
) -> Response:
    """Send the last lines of the worker that renders it, or did in its last attempt, while there is its pod.

    It is there some minutes longer than the attempt. A mebibyte is sent of it at most.
    """
    job = await gateway.job(id, caller)
    if not gateway.settings.read_logs:
        raise NotAllowedError("logs cannot be read here: VIDEOJOB_READ_LOGS is not set")
    found = gateway.client.videojobs.logs(job, tail_lines=lines, limit_bytes=MOST_BYTES)
    try:
        first = await anext(found, None)
    except (NoPodError, NotFoundError) as error:
        raise NoSuchLogError("no attempt has begun, or its pod is gone") from error
    text = _text(found, first)
    return StreamingResponse(text, headers={"Content-Disposition": "inline"}, media_type=TEXT)


async def _text(found: AsyncGenerator[str, None], first: str | None) -> AsyncIterator[bytes]:
    async with aclosing(found):
        if first is not None:
            yield f"{first}\n".encode()
            try:
                async for line in found:
                    yield f"{line}\n".encode()
            except ClientError:  # what was read has been sent as it was
                yield b"(the rest cannot be read)\n"
