"""Looks before anything is queued: what a source is, how a VideoJob would be rendered, and what it would look like."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from videojob_contract.inspection import MAX_FRAMES, MAX_PICTURE_WIDTH, Frames, Look, PictureFormat
from videojob_contract.problems import Problem, SpecError
from videojob_contract.queue.types import PoolKey
from videojob_contract.resources.uris import Use, redact_uri
from videojob_contract.semantics.places import place_problem
from videojob_contract.validation import parse_videojob
from videojob_gateway import look_models
from videojob_gateway.auth.access import Submitter, Viewer  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.documents import read_object
from videojob_gateway.errors import InvalidRequestError, NoSuchAssetError
from videojob_gateway.gateway import Gateway, Served  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.looks import begins_in_s, predicted_s
from videojob_gateway.routes.answers import as_json, body_of, errors
from videojob_gateway.routes.assets import AssetId, find_asset
from videojob_gateway.routes.jobs import EXAMPLES
from videojob_gateway.submission import read_submission

if TYPE_CHECKING:
    from videojob_client import RenderPool
    from videojob_contract.inspection import Findings
    from videojob_contract.resources.videojob import VideoJobSpec
    from videojob_gateway.auth.caller import Caller

router = APIRouter(prefix="/api/v1", tags=["looks"])

THUMBNAIL_PIXELS: Final = 256
"""Width and height of a thumbnail."""
LONGEST_S: Final = 10_000 * 3600
"""Of a timeline."""
_QUESTION = {"a picture": {"uri": "volume://media/photos/coffee.png", "pool": "default"}}
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The picture; `VideoJob-Frames` has the frames that it shows.",
        "content": {each.media_type: {"schema": {"type": "string", "format": "binary"}} for each in PictureFormat},
    }
}
_ERRORS = (400, 401, 403, 408, 413, 415, 422, 503)


@router.post(
    "/probe",
    summary="See what a source is",
    responses={200: {"model": look_models.Probe}, **errors(*_ERRORS)},
    openapi_extra=body_of("ProbeQuestion", _QUESTION),
)
async def probe_source(request: Request, gateway: Served, caller: Submitter) -> Response:
    """Have an idle worker look at a source: what it is, and what a VideoJob that names it would be refused with."""
    document = await read_object(request, gateway.settings.max_body_bytes)
    uri, pool = document.pop("uri", None), document.pop("pool", "default")
    problems = [Problem(name, "is not a field here") for name in document]
    problems += [
        Problem(n, "should be a text") for n, value in (("uri", uri), ("pool", pool)) if type(value) is not str
    ]
    if problems:
        raise InvalidRequestError(problems)
    return as_json(_probe_view(await _probe(gateway, caller, await gateway.pool(pool), uri, "uri")))


@router.post(
    "/plan",
    summary="See what a video would take",
    responses={200: {"model": look_models.JobPlan}, **errors(*_ERRORS)},
    openapi_extra=body_of("NewJob", EXAMPLES),
)
async def plan_job(request: Request, gateway: Served, caller: Submitter) -> Response:
    """Have an idle worker plan a VideoJob as it would be rendered, with its sources opened, and make nothing."""
    spec, pool = await _asked_for(request, gateway, caller)
    findings, _ = await look_for(gateway, caller, Look.PLAN, pool, spec)
    return as_json(_plan_view(findings, pool))


@router.post(
    "/preview",
    summary="See how a video would look",
    responses={**PICTURE, **errors(*_ERRORS)},
    openapi_extra=body_of("NewJob", EXAMPLES),
)
async def preview_job(
    request: Request,
    gateway: Served,
    caller: Submitter,
    *,
    at: Annotated[
        float | None,
        Query(description="Which moment, in seconds. Default: 1, or the middle.", ge=0, le=LONGEST_S),
    ] = None,
    frames: Annotated[int, Query(description="How many, evenly spread, in one sheet.", ge=1, le=MAX_FRAMES)] = 1,
    width: Annotated[int, Query(description="Of the picture, in pixels, at most.", ge=16, le=MAX_PICTURE_WIDTH)] = 640,
    format: Annotated[PictureFormat, Query(description="Of the picture.")] = PictureFormat.JPEG,  # noqa: A002
) -> Response:
    """Have an idle worker compose one frame of a VideoJob, or a sheet of several, just as they would be rendered."""
    spec, pool = await _asked_for(request, gateway, caller)
    moment = None if at is None else Fraction(round(at * 1000), 1000)
    wanted = Frames(at=moment, count=frames, width=width, format=format)
    findings, picture = await look_for(gateway, caller, Look.PREVIEW, pool, spec, wanted)
    return answer_with(findings, picture)


@router.get(
    "/assets/{id}/probe",
    summary="See what an asset is",
    responses={200: {"model": look_models.Probe}, **errors(401, 403, 404, 422, 503)},
)
async def probe_asset(id: AssetId, gateway: Served, caller: Viewer) -> Response:  # noqa: A002 - its name in the path
    """Have an idle worker look at an asset of the caller's, or to admins anyone's."""
    place, asset = await find_asset(gateway, caller, id)
    return as_json(_probe_view(await _probe(gateway, caller, await gateway.pool(place.pool), place.uri(asset), "id")))


@router.get(
    "/assets/{id}/thumbnail",
    summary="See an asset",
    responses={**PICTURE, **errors(401, 403, 404, 422, 503)},
)
async def get_thumbnail(id: AssetId, gateway: Served, caller: Viewer) -> Response:  # noqa: A002
    """Have an idle worker make a small picture of an asset that has pictures; it is always the same."""
    place, asset = await find_asset(gateway, caller, id)
    kind = asset.kind.media_type.partition("/")[0]
    if kind not in {"image", "video"}:
        raise NoSuchAssetError("there is nothing to be seen of this asset")
    canvas = {"width": THUMBNAIL_PIXELS, "height": THUMBNAIL_PIXELS, "fps": "25"}
    clip: dict[str, Any] = {kind: {"uri": place.uri(asset)}}
    if kind == "image":
        clip["duration"] = "1s"
    manifest = {"metadata": {"name": "thumbnail"}, "spec": {"pool": place.pool, "canvas": canvas, "clips": [clip]}}
    spec, pool = await gateway.resolved(manifest)
    wanted = Frames(width=THUMBNAIL_PIXELS, format=PictureFormat.WEBP)
    findings, picture = await look_for(gateway, caller, Look.PREVIEW, pool, spec, wanted)
    return answer_with(findings, picture, {"Cache-Control": "private, max-age=86400, immutable"})


async def _asked_for(request: Request, gateway: Gateway, caller: Caller) -> tuple[VideoJobSpec, RenderPool]:
    document = await read_object(request, gateway.settings.max_body_bytes)
    return await gateway.resolved(read_submission(document, caller, None).manifest)


async def look_for(  # noqa: PLR0917 - all that a look is
    gateway: Gateway, caller: Caller, look: Look, pool: RenderPool, spec: VideoJobSpec, frames: Frames | None = None
) -> tuple[Findings, bytes]:
    """Return what an idle worker finds for a user, and the bytes of its picture; raises as `LookDesk.ask` does."""
    key = PoolKey(gateway.client.namespace, pool.metadata.name)
    with gateway.looks.slots.taken(caller.user):
        return await gateway.looks.ask(look, (key, pool.spec), spec, frames)


async def _probe(gateway: Gateway, caller: Caller, pool: RenderPool, uri: str, field: str) -> Findings:
    """Have a source looked at; what is wrong with its URI is said of the field that has it."""
    try:
        clip = {"image": {"uri": uri}, "duration": "1s"}
        spec = parse_videojob({"metadata": {"name": "probe"}, "spec": {"clips": [clip]}}).spec
    except SpecError as error:
        raise InvalidRequestError([Problem(field, each.message) for each in error.problems]) from error
    if wrong := place_problem(uri, Use.SOURCE, pool.spec, "the pool", redact_uri(uri)):
        raise InvalidRequestError([Problem(field, wrong)])
    findings, _ = await look_for(gateway, caller, Look.PROBE, pool, spec)
    return findings


def answer_with(findings: Findings, picture: bytes, headers: dict[str, str] | None = None) -> Response:
    """Answer with the picture of a look."""
    assert findings.picture is not None  # noqa: S101 - as `LookDesk.ask` has it
    frames = ",".join(map(str, findings.picture.frames))
    media_type = findings.picture.format.media_type
    return Response(picture, headers={"VideoJob-Frames": frames, **(headers or {})}, media_type=media_type)


def _probe_view(findings: Findings) -> dict[str, Any]:
    assert findings.probe is not None  # noqa: S101 - as `LookDesk.ask` has it
    return findings.probe.model_dump(mode="json", by_alias=True, exclude_none=True)


def _plan_view(findings: Findings, pool: RenderPool) -> dict[str, Any]:
    plan = findings.plan
    assert plan is not None  # noqa: S101 - as `LookDesk.ask` has it
    return {
        "predictedSeconds": round(predicted_s(plan, pool.status), 1),
        "predictedWaitSeconds": begins_in_s(pool.status),
        "memoryBytes": plan.memory_bytes,
        "cost": plan.cost,
        "width": plan.width,
        "height": plan.height,
        "fps": str(plan.fps),
        "frames": plan.frames,
        "durationSeconds": plan.duration_s,
        "clips": [each.model_dump(mode="json", by_alias=True) for each in plan.clips],
        "outputs": [
            each.model_dump(mode="json", by_alias=True, exclude={"fps"}, exclude_none=True) for each in plan.outputs
        ],
        "spans": [
            {"start": span.start, "frames": span.frames, "kind": span.kind, "cost": span.cost, "why": span.why}
            for span in plan.spans
        ],
        "spanCount": findings.spans,
        "warnings": list(plan.warnings),
    }
