"""Assets: bring media in one request, list them, look at them and remove them."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Header, Path, Query, Request
from starlette.responses import Response

from videojob_client.errors import NotFoundError, UnreadableError
from videojob_contract.problems import Problem
from videojob_gateway import asset_models
from videojob_gateway.assets.form_file import FORM, MOST_AROUND, FormFile
from videojob_gateway.assets.layout import DIGEST, Place, UploadRecord
from videojob_gateway.assets.receiving import append, finish_upload, taken_body
from videojob_gateway.assets.upload_place import UploadPlace, place_of
from videojob_gateway.auth.access import Submitter, Viewer  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.errors import InvalidRequestError, NoSuchAssetError, NoSuchUploadError, NoUploadsError
from videojob_gateway.gateway import Gateway, Served  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.job_query import MAX_PAGE
from videojob_gateway.routes.answers import as_json, errors

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from videojob_gateway.assets.layout import AssetFile
    from videojob_gateway.auth.caller import Caller

router = APIRouter(prefix="/api/v1", tags=["assets"])

PoolName = Annotated[str, Query(description="The pool whose VideoJobs are to read it.", min_length=1, max_length=63)]
AssetId = Annotated[str, Path(description="Its pool, a dot and its SHA-256.", min_length=1, max_length=128)]
_BODY = {
    "requestBody": {
        "required": True,
        "description": "The file itself, whatever type is said, or a form with it and nothing else.",
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            FORM: {"schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}},
        },
    }
}


@router.post(
    "/assets",
    status_code=201,
    summary="Bring a file",
    responses={
        201: {"model": asset_models.Asset},
        **errors(400, 401, 403, 404, 408, 413, 415, 422, 460, 502, 503, 507),
    },
    openapi_extra=_BODY,
)
async def create_asset(
    request: Request,
    gateway: Served,
    caller: Submitter,
    *,
    pool: PoolName = "default",
    name: Annotated[str, Query(description="What it is called, such as holiday.jpg.", max_length=255)] = "",
    sha256: Annotated[str, Query(description="Its digest: refused when it is not.", pattern="^[0-9a-f]{64}$")] = "",
    content_length: Annotated[int | None, Header(ge=0)] = None,
) -> Response:
    """Keep a file, which is the caller's; what it is tell its bytes. The same bytes are the same asset.

    It is there whole or not at all: one that may be cut off is better brought by `/assets/uploads`.
    """
    place = await place_in(gateway, pool)
    content_type, length = request.headers.get("content-type", ""), content_length or 0
    with gateway.receiving.taken(caller.user):
        async with aclosing(taken_body(request)) as taken:
            body: AsyncIterator[bytes | memoryview] = taken
            if content_type.partition(";")[0].strip().lower() == FORM:
                form = FormFile(content_type, aiter(request.stream()))
                name, body, length = name or await form.name(), aiter(form), max(0, length - MOST_AROUND)
            asset = await _receive(body, place, caller.user, UploadRecord(length=length, name=name[:255]), sha256)
    return as_json(place.view(asset), 201, {"Location": f"/api/v1/assets/{pool}.{asset.sha256}"})


@router.get(
    "/assets",
    summary="List assets",
    responses={200: {"model": asset_models.AssetList}, **errors(401, 403, 404, 422, 502, 503)},
)
async def list_assets(
    gateway: Served,
    caller: Viewer,
    *,
    pool: PoolName = "default",
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str, Query(description="`next` of the page before.", max_length=100)] = "",
) -> Response:
    """List the caller's assets in a pool, or to admins everyone's, the newest first."""
    place = await place_in(gateway, pool)
    before = _cursor(cursor)
    items, last = await place.keeper.page(caller.owner, limit, before)
    following = None if last is None else ".".join(map(str, last))
    return as_json({"items": [place.view(item) for item in items], "next": following})


@router.get(
    "/assets/{id}",
    summary="Look at an asset",
    responses={200: {"model": asset_models.Asset}, **errors(401, 403, 404, 422, 502, 503)},
)
async def get_asset(id: AssetId, gateway: Served, caller: Viewer) -> Response:  # noqa: A002 - its name in the path
    """Return an asset of the caller's, or to admins anyone's."""
    place, asset = await find_asset(gateway, caller, id)
    return as_json(place.view(asset))


@router.delete(
    "/assets/{id}",
    status_code=204,
    summary="Remove an asset",
    responses={204: {"description": "It is gone."}, **errors(401, 403, 404, 422, 502, 503)},
)
async def delete_asset(id: AssetId, gateway: Served, caller: Submitter) -> Response:  # noqa: A002
    """Remove an asset; a VideoJob that has not read it yet will fail."""
    place, asset = await find_asset(gateway, caller, id)
    await place.keeper.remove(asset.user, asset.sha256)
    return Response(status_code=204)


async def place_in(gateway: Gateway, pool: str) -> UploadPlace:
    """Return the place of uploads of a pool.

    Raises:
        NoUploadsError: there is none.
        StoreRefusesError: the credentials of its store cannot be used.
        ClientError: the pool cannot be looked at.
    """
    try:
        found = await gateway.client.renderpools.get(pool)
        return await place_of(gateway.settings, gateway.stores, found.metadata.name, found.spec)
    except (NotFoundError, UnreadableError):
        raise NoUploadsError(f"there is no RenderPool {pool[:80]!r}") from None


async def find_asset(gateway: Gateway, caller: Caller, identity: str) -> tuple[UploadPlace, AssetFile]:
    """Return an asset of a caller's, or to admins anyone's, and where it is; raises `NoSuchAssetError`."""
    missing = NoSuchAssetError(f"there is no asset {identity[:140]!r}")
    pool, _, digest = identity.partition(".")
    if not DIGEST.fullmatch(digest):
        raise missing
    try:
        place = await place_in(gateway, pool)
        asset = await _find(place, caller, digest)
    except (NoUploadsError, NoSuchUploadError):
        raise missing from None
    if asset is None:
        raise missing
    return place, asset


async def _find(place: UploadPlace, caller: Caller, digest: str) -> AssetFile | None:
    found = await place.keeper.find(caller.user, digest)
    if found is None and caller.owner is None and (user := await place.keeper.holder_of(digest)) is not None:
        return await place.keeper.find(user, digest)
    return found


async def _receive(
    body: AsyncIterator[bytes | memoryview], place: UploadPlace, user: str, record: UploadRecord, said: str
) -> AssetFile:
    await place.check_room(user, record.length)
    async with place.keeper.at_once(user, record) as upload:
        return await finish_upload(upload, await append(upload, body, place.most_bytes), said)


def _cursor(cursor: str) -> Place | None:
    time, _, rest = cursor.partition(".")
    digest, _, user = rest.partition(".")
    if not cursor:
        return None
    if not (time.isascii() and time.isdecimal() and DIGEST.fullmatch(digest)):
        raise InvalidRequestError([Problem("cursor", "is not one that a page has had")])
    return int(time), digest, user
