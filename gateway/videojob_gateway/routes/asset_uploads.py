"""Uploads that can be resumed: tus 1.0.0 (https://tus.io/protocols/resumable-upload).

Its extensions are creation, creation-with-upload, checksum, expiration and termination.
"""

from __future__ import annotations

from contextlib import aclosing
from datetime import UTC, datetime
from email.utils import formatdate
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Header, Path, Request
from starlette.responses import Response

from videojob_gateway import asset_models
from videojob_gateway.assets.receiving import ALGORITHMS, Checksum, append, finish_upload, taken_body
from videojob_gateway.assets.tus_headers import VERSION, check_version, read_metadata, record_of
from videojob_gateway.auth.access import Submitter  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.errors import (
    ChecksumError,
    MediaTypeError,
    NoSuchUploadError,
    NoUploadsError,
    OffsetError,
)
from videojob_gateway.gateway import Gateway, Served  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.routes.answers import as_json, errors
from videojob_gateway.routes.assets import PoolName, place_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from videojob_gateway.assets.keeping import OpenUpload
    from videojob_gateway.assets.layout import AssetFile, PartialUpload
    from videojob_gateway.assets.upload_place import UploadPlace

router = APIRouter(prefix="/api/v1", tags=["assets"])

PART: Final = "application/offset+octet-stream"
_TUS: Final = {"Tus-Resumable": VERSION}
_EXTENSIONS: Final = "creation,creation-with-upload,checksum,expiration,termination"
_MOST_METADATA: Final = 4096

UploadId = Annotated[str, Path(description="As its `Location` has it.", min_length=1, max_length=128)]
TusResumable = Annotated[str, Header(description="`1.0.0`.", max_length=32)]
UploadChecksum = Annotated[
    str | None, Header(description="`sha1` or `sha256`, a space and the digest in Base64.", max_length=128)
]
ContentLength = Annotated[int | None, Header(ge=0)]
_PART = {
    "requestBody": {
        "required": True,
        "description": "The bytes that follow.",
        "content": {PART: {"schema": {"type": "string", "format": "binary"}}},
    }
}
_OPTIONAL_PART = {"requestBody": {**_PART["requestBody"], "required": False}}


@router.options(
    "/assets/uploads",
    status_code=204,
    summary="What uploads may be",
    responses={204: {"description": "Its headers say which versions and extensions of tus."}, **errors(401, 403, 422)},
)
async def describe_uploads(gateway: Served, caller: Submitter) -> Response:
    """Say which versions and extensions of tus are spoken, and how long a file may be."""
    del caller
    headers = {
        "Tus-Version": VERSION,
        "Tus-Extension": _EXTENSIONS,
        "Tus-Max-Size": str(gateway.settings.max_upload_bytes),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }
    return Response(status_code=204, headers=_TUS | headers)


@router.post(
    "/assets/uploads",
    status_code=201,
    summary="Begin an upload",
    responses={
        201: {"description": "It goes on at its `Location`.", "content": {}},
        **errors(400, 401, 403, 404, 408, 412, 413, 415, 422, 423, 460, 502, 503, 507),
    },
    openapi_extra=_OPTIONAL_PART,
)
async def create_upload(
    request: Request,
    gateway: Served,
    caller: Submitter,
    upload_length: Annotated[int, Header(description="How many bytes it is to have.", ge=0, le=1 << 62)],
    *,
    tus_resumable: TusResumable = "",
    upload_metadata: Annotated[
        str, Header(description="`filename` and `sha256`, each with its value in Base64.", max_length=_MOST_METADATA)
    ] = "",
    upload_checksum: UploadChecksum = None,
    content_type: Annotated[str, Header(max_length=255)] = "",
    content_length: ContentLength = None,
    pool: PoolName = "default",
) -> Response:
    """Begin an upload, with its first bytes or without; what it becomes is the caller's."""
    check_version(tus_resumable)
    checksum = Checksum.parse(upload_checksum) if upload_checksum else None
    record = record_of(upload_length, read_metadata(upload_metadata))
    has_part = content_type.partition(";")[0].strip().lower() == PART
    if not has_part and (content_length or request.headers.get("transfer-encoding")):
        raise MediaTypeError(f"the bytes that come with it are to be {PART}")
    place = await place_in(gateway, pool)
    await place.check_room(caller.user, upload_length)
    partial = await place.keeper.create(caller.user, record)
    headers = {"Location": f"/api/v1/assets/uploads/{pool}.{partial.id}"}
    if not has_part:
        return _answer(201, partial, headers)
    with gateway.receiving.taken(caller.user):
        return await _go_on(request, place, caller.user, partial.id, 0, checksum, 201, headers)


@router.head(
    "/assets/uploads/{id}",
    summary="How much has come",
    responses={
        200: {"description": "`Upload-Offset` says how many bytes."},
        **errors(401, 403, 404, 412, 422, 502, 503),
    },
)
async def look_at_upload(
    id: UploadId,  # noqa: A002 - its name in the path
    gateway: Served,
    caller: Submitter,
    tus_resumable: TusResumable = "",
) -> Response:
    """Say from where an upload goes on; one whose last answer was lost is ended."""
    check_version(tus_resumable)
    place, identity = await place_of_upload(gateway, id)
    partial = await place.keeper.look(caller.user, identity)
    if partial.offset == partial.record.length and not partial.record.asset:
        async with place.keeper.opened(caller.user, identity) as upload:
            await finished(upload, "")
        partial = await place.keeper.look(caller.user, identity)
    return _answer(200, partial, {"Upload-Length": str(partial.record.length)}, place)


@router.get(
    "/assets/uploads/{id}",
    summary="What has become of an upload",
    responses={200: {"model": asset_models.ResumableUpload}, **errors(401, 403, 404, 422, 502, 503)},
)
async def get_upload(id: UploadId, gateway: Served, caller: Submitter) -> Response:  # noqa: A002
    """Return how much of an upload has come, and the asset that it has become."""
    place, identity = await place_of_upload(gateway, id)
    partial = await place.keeper.look(caller.user, identity)
    asset = await place.keeper.find(caller.user, partial.record.asset) if partial.record.asset else None
    shown: dict[str, Any] = {
        "id": f"{place.pool}.{identity}",
        "offset": partial.offset,
        "length": partial.record.length,
        "expiresAt": datetime.fromtimestamp(partial.expires_at, UTC).isoformat(timespec="seconds")[:19] + "Z",
        "asset": None if asset is None else place.view(asset),
    }
    return as_json(shown)


@router.patch(
    "/assets/uploads/{id}",
    status_code=204,
    summary="Go on with an upload",
    responses={
        204: {"description": "They have come; with the last of them, `VideoJob-Asset` says what it has become."},
        **errors(400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 423, 460, 502, 503, 507),
    },
    openapi_extra=_PART,
)
async def append_to_upload(
    id: UploadId,  # noqa: A002
    request: Request,
    gateway: Served,
    caller: Submitter,
    upload_offset: Annotated[int, Header(description="From which byte on.", ge=0, le=1 << 62)],
    *,
    tus_resumable: TusResumable = "",
    upload_checksum: UploadChecksum = None,
    content_type: Annotated[str, Header(max_length=255)] = "",
) -> Response:
    """Take the bytes that follow. What comes before a connection is lost counts, but where a checksum goes with it."""
    check_version(tus_resumable)
    if content_type.partition(";")[0].strip().lower() != PART:
        raise MediaTypeError(f"send {PART}")
    checksum = Checksum.parse(upload_checksum) if upload_checksum else None
    place, identity = await place_of_upload(gateway, id)
    with gateway.receiving.taken(caller.user):
        return await _go_on(request, place, caller.user, identity, upload_offset, checksum, 204, {})


@router.delete(
    "/assets/uploads/{id}",
    status_code=204,
    summary="Give an upload up",
    responses={204: {"description": "It is gone."}, **errors(401, 403, 404, 412, 422, 502, 503)},
)
async def delete_upload(id: UploadId, gateway: Served, caller: Submitter, tus_resumable: TusResumable = "") -> Response:  # noqa: A002
    """Remove what has come of an upload; an asset that it has become stays."""
    check_version(tus_resumable)
    place, identity = await place_of_upload(gateway, id)
    await place.keeper.remove_upload(caller.user, identity)
    return Response(status_code=204, headers=_TUS)


async def _go_on(  # noqa: PLR0917 - all of what a part is
    request: Request,
    place: UploadPlace,
    user: str,
    identity: str,
    offset: int,
    checksum: Checksum | None,
    status: int,
    headers: Mapping[str, str],
) -> Response:
    """Take a part of an upload, and make an asset of it with the last."""
    async with place.keeper.opened(user, identity) as upload:
        if upload.offset != offset:
            at = {"Upload-Offset": str(upload.offset)}
            raise OffsetError(f"it goes on at byte {upload.offset}", headers=_TUS | at)
        try:
            async with aclosing(taken_body(request)) as body:
                digest = await append(upload, body, upload.record.length, checksum)
        except MediaTypeError:
            await upload.discard()
            raise
        if upload.offset == upload.record.length:
            headers = {**headers, **_asset_header(place, await finished(upload, digest))}
    return _answer(status, await place.keeper.look(user, identity), headers)


async def finished(upload: OpenUpload, digest: str) -> AssetFile:
    """Make an asset of an upload; one that can become none is given up."""
    try:
        return await finish_upload(upload, digest, upload.record.sha256)
    except (MediaTypeError, ChecksumError):
        await upload.discard()
        raise


async def place_of_upload(gateway: Gateway, identity: str) -> tuple[UploadPlace, str]:
    """Return where an upload is, and what it is known by there; raises `NoSuchUploadError`."""
    pool, _, number = identity.partition(".")
    missing = NoSuchUploadError("there is no such upload, or its time is over")
    if not pool or not number:
        raise missing
    try:
        return await place_in(gateway, pool), number
    except NoUploadsError:
        raise missing from None


def _answer(
    status: int, partial: PartialUpload, headers: Mapping[str, str], place: UploadPlace | None = None
) -> Response:
    shown = {
        **_TUS,
        **headers,
        "Upload-Offset": str(partial.offset),
        "Upload-Expires": formatdate(partial.expires_at, usegmt=True),
        "Cache-Control": "no-store",
    }
    if place is not None and partial.record.asset:
        shown["VideoJob-Asset"] = f"{place.pool}.{partial.record.asset}"
    return Response(status_code=status, headers=shown)


def _asset_header(place: UploadPlace, asset: AssetFile) -> dict[str, str]:
    return {"VideoJob-Asset": f"{place.pool}.{asset.sha256}"}
