"""Uploads whose parts go straight to the object store, by URLs that are signed for them; begun as by tus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response  # noqa: TC002 - FastAPI reads annotations

from videojob_gateway import asset_models
from videojob_gateway.auth.access import Submitter  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.errors import NoSuchUploadError, NotWholeError
from videojob_gateway.gateway import Served  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.routes.answers import as_json, errors
from videojob_gateway.routes.asset_uploads import UploadId, finished, place_of_upload

if TYPE_CHECKING:
    from videojob_gateway.assets.keeping import SignedPart

router = APIRouter(prefix="/api/v1", tags=["assets"])

MOST_SIGNED = 100


@router.post(
    "/assets/uploads/{id}/parts",
    summary="Have parts signed",
    responses={
        200: {"model": asset_models.SignedUploadParts},
        **errors(401, 403, 404, 409, 422, 502, 503),
    },
)
async def sign_parts(
    id: UploadId,  # noqa: A002 - its name in the path
    gateway: Served,
    caller: Submitter,
    limit: Annotated[int, Query(ge=1, le=MOST_SIGNED, description="How many at most.")] = 20,
) -> Response:
    """Return URLs by which the first of the parts that have not come are put to the store, each as a whole.

    Put each with the `method`, the `headers` and as many bytes as it says, and ask again; when none is left, complete
    the upload.
    """
    place, identity = await place_of_upload(gateway, id)
    signed = await place.keeper.signed_parts(caller.user, identity, limit)
    shown = {
        "partBytes": signed.part_bytes,
        "missing": signed.missing,
        "expiresAt": signed.expires_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "parts": [_shown(part) for part in signed.parts],
    }
    return as_json(shown, headers={"Cache-Control": "no-store"})


@router.post(
    "/assets/uploads/{id}/complete",
    status_code=201,
    summary="Complete an upload",
    responses={
        201: {"model": asset_models.Asset},
        **errors(401, 403, 404, 409, 415, 422, 423, 460, 502, 503, 507),
    },
)
async def complete_upload(id: UploadId, gateway: Served, caller: Submitter) -> Response:  # noqa: A002
    """Make an asset of an upload all of whose bytes have come; what it is they tell. Asked again, it answers again."""
    place, identity = await place_of_upload(gateway, id)
    partial = await place.keeper.look(caller.user, identity)
    if partial.record.asset:
        asset = await place.keeper.find(caller.user, partial.record.asset)
    elif partial.offset != partial.record.length:
        raise NotWholeError(
            f"of {partial.record.length} bytes {partial.offset} have come without a gap: put the parts that are missing"
        )
    else:
        with gateway.receiving.taken(caller.user):
            async with place.keeper.opened(caller.user, identity) as upload:
                asset = await finished(upload, "")
    if asset is None:
        raise NoSuchUploadError("the asset that it had become was removed")
    return as_json(place.view(asset), 201, {"Location": f"/api/v1/assets/{place.pool}.{asset.sha256}"})


def _shown(part: SignedPart) -> dict[str, object]:
    return {
        "number": part.number,
        "offset": part.offset,
        "bytes": part.size_bytes,
        "method": "PUT",
        "url": part.url,
        "headers": dict(part.headers),
    }
