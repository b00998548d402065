"""Outputs: what a VideoJob has made, from its store by a redirect, or from a volume that is mounted here."""

from __future__ import annotations

import asyncio
import os
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import RedirectResponse, Response

from videojob_common.safe_open import UnsafePathError, open_file
from videojob_gateway.auth.access import Watcher  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.byte_ranges import part_for
from videojob_gateway.errors import NoSuchOutputError, NoSuchPartError, ReplacedError
from videojob_gateway.file_response import FileResponse
from videojob_gateway.gateway import Gateway, Served  # noqa: TC001 - the same
from videojob_gateway.output_places import extension, media_type, mounted, published, volume_path
from videojob_gateway.routes.answers import errors
from videojob_gateway.routes.jobs import JobId  # noqa: TC001 - the same

if TYPE_CHECKING:
    from videojob_client import VideoJob
    from videojob_contract.resources.status import OutputStatus

router = APIRouter(prefix="/api/v1", tags=["outputs"])

OutputName = Annotated[str, Path(description="Its name in the spec.", min_length=1, max_length=63)]
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {"application/octet-stream": {}}},
    206: {"description": "The part that `Range` asks for.", "content": {"application/octet-stream": {}}},
    304: {"description": "It is as `If-None-Match` has it."},
    307: {"description": "It is there."},
    **errors(401, 403, 404, 410, 416, 422, 503),
}
_HEADERS = {
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; media-src 'self'; sandbox",
}


@router.head("/jobs/{id}/outputs/{name}", include_in_schema=False)
@router.get("/jobs/{id}/outputs/{name}", summary="Fetch an output", responses=_FILE)
async def fetch_output(id: JobId, name: OutputName, request: Request, gateway: Served, caller: Watcher) -> Response:  # noqa: A002
    """Send an output's main file, or a redirect to where its store has it; its ETag is its SHA-256."""
    job = await gateway.job(id, caller)
    output = published(job.status.outputs, name)
    if output.url is not None:
        return RedirectResponse(output.url)
    if output.uri.endswith(".m3u8"):  # what a playlist names is beside it
        return RedirectResponse(f"{request.url.path}/{output.uri.rpartition('/')[2]}")
    return await file_of_output(request, gateway, job, output)


@router.head("/jobs/{id}/outputs/{name}/{file:path}", include_in_schema=False)
@router.get("/jobs/{id}/outputs/{name}/{file:path}", summary="Fetch a file of an output", responses=_FILE)
async def fetch_output_file(  # noqa: PLR0917 - FastAPI passes them by name
    id: JobId,  # noqa: A002
    name: OutputName,
    file: Annotated[str, Path(description="Seen from the folder of the main file.", max_length=400)],
    request: Request,
    gateway: Served,
    caller: Watcher,
) -> Response:
    """Send a further file of an output, such as the segments that a playlist names."""
    job = await gateway.job(id, caller)
    return await file_of_output(request, gateway, job, published(job.status.outputs, name), file)


async def file_of_output(
    request: Request, gateway: Gateway, job: VideoJob, output: OutputStatus, file: str = ""
) -> Response:
    """Send the main file of an output that is in a volume, or one beside it.

    Raises:
        NoSuchOutputError, ReplacedError: it is not to be had here, or another is in its place.
        NoSuchPartError: it has no such part.
    """
    folder = f"{job.metadata.namespace}/{job.metadata.name}"
    volume, names = volume_path(output, job.spec.outputs, folder=folder, file=file)
    if not gateway.settings.volumes:
        raise NoSuchOutputError("it is in a volume, and none is mounted here")
    root = mounted(gateway.settings.volumes, job.status.pool or job.spec.pool, volume)
    try:
        descriptor = await asyncio.to_thread(open_file, root, names)
    except (OSError, UnsafePathError) as error:
        raise NoSuchOutputError("it is not there any more, or its volume is not mounted here") from error
    found = os.fstat(descriptor)
    is_main = file in {"", names[-1]}
    if is_main and found.st_size != output.bytes:
        os.close(descriptor)
        raise ReplacedError("something else is in its place by now")
    etag = f'"{output.sha256}"' if is_main else f'"{found.st_size:x}-{found.st_mtime_ns:x}"'
    part = part_for(request.headers, size=found.st_size, etag=etag)
    if part.status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        os.close(descriptor)
        raise NoSuchPartError("the file has no such part", headers=part.headers(found.st_size))
    headers = {"ETag": etag, **_HEADERS, **part.headers(found.st_size)}
    if is_main:
        named = f"{job.metadata.name}-{output.name}{extension(names[-1])}"
        headers["Content-Disposition"] = f'inline; filename="{named}"'
    return FileResponse(descriptor, part, headers, media_type(names[-1]))
