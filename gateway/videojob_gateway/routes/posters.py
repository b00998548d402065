"""Posters: one picture of a VideoJob, as it was rendered, or as it is to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from videojob_contract.defaults import DEFAULT_OUTPUTS
from videojob_contract.inspection import Frames, Look, PictureFormat
from videojob_gateway.auth.access import Viewer  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.errors import NoSuchOutputError, ReplacedError
from videojob_gateway.gateway import Served  # noqa: TC001 - the same
from videojob_gateway.routes.answers import errors
from videojob_gateway.routes.jobs import JobId  # noqa: TC001 - the same
from videojob_gateway.routes.looks import answer_with, look_for
from videojob_gateway.routes.outputs import file_of_output

if TYPE_CHECKING:
    from videojob_client import VideoJob
    from videojob_contract.resources.status import OutputStatus

router = APIRouter(prefix="/api/v1", tags=["outputs"])

WIDTH: Final = 640
"""Of a poster that is made for this, in pixels, at most."""
_PICTURES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The picture.",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("image/jpeg", "image/png")},
    },
    206: {"description": "The part that `Range` asks for.", "content": {"image/jpeg": {}, "image/png": {}}},
    304: {"description": "It is as `If-None-Match` has it."},
    307: {"description": "It is there."},
}


@router.get(
    "/jobs/{id}/poster",
    summary="See one picture of a VideoJob",
    responses={**_PICTURES, **errors(401, 403, 404, 413, 416, 422, 503)},
)
async def fetch_poster(id: JobId, request: Request, gateway: Served, caller: Viewer) -> Response:  # noqa: A002
    """Send the first of its outputs that is a still picture; without one, have an idle worker compose a frame."""
    job = await gateway.job(id, caller)
    if (output := _still(job)) is not None:
        if output.url is not None:
            return RedirectResponse(output.url)
        try:
            return await file_of_output(request, gateway, job, output)
        except (NoSuchOutputError, ReplacedError):  # which can be looked at all the same
            pass
    spec, pool = await gateway.resolved(job.manifest)
    wanted = Frames(width=WIDTH, format=PictureFormat.JPEG)
    findings, picture = await look_for(gateway, caller, Look.PREVIEW, pool, spec, wanted)
    return answer_with(findings, picture, {"Cache-Control": "private, max-age=300"})


def _still(job: VideoJob) -> OutputStatus | None:
    stills = {each.name for each in job.spec.outputs or DEFAULT_OUTPUTS if each.format.is_still}
    return next((output for output in job.status.outputs or () if output.name in stills), None)
