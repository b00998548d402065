"""Webhooks that come in: what another program tells becomes a VideoJob."""

from __future__ import annotations

import time
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from starlette.responses import Response  # noqa: TC002 - FastAPI reads annotations

from videojob_common.logs import bind
from videojob_contract.resources.base import NAME_PATTERN
from videojob_contract.resources.videohook import MAX_HOOK_NAME, Scheme
from videojob_gateway import metrics, models
from videojob_gateway.documents import JSON, check_is_json, json_of, read_bytes
from videojob_gateway.errors import GatewayError, NoSuchHookError
from videojob_gateway.gateway import Gateway, Served  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.hooks.hooked_jobs import submission_of
from videojob_gateway.hooks.payloads import why_ignored
from videojob_gateway.hooks.signatures import verify
from videojob_gateway.hooks.signing_keys import read_keys
from videojob_gateway.routes.answers import as_json, errors
from videojob_gateway.routes.jobs import accepted_job

if TYPE_CHECKING:
    from videojob_client import VideoHookSpec, VideoJob
    from videojob_gateway.hooks.signatures import Delivery

router = APIRouter(prefix="/api/v1", tags=["hooks"])

HookName = Annotated[
    str, Path(description="Of the VideoHook.", min_length=1, max_length=MAX_HOOK_NAME, pattern=NAME_PATTERN)
]
_PAYLOAD: dict[str, Any] = {
    "schema": {"description": "Whatever the sender tells."},
    "examples": {"a release": {"value": {"action": "published", "release": {"name": "Spring"}}}},
}
_SERVER_ERROR: Final = 500


@router.post(
    "/hooks/{name}",
    status_code=202,
    summary="Tell a VideoHook of something",
    responses={
        200: {"model": models.Ignored, "description": "It is no news for which a VideoJob is made."},
        202: {"model": models.Job},
        **errors(400, 401, 404, 408, 409, 413, 415, 422, 429, 503),
    },
    openapi_extra={"requestBody": {"required": True, "content": {JSON: _PAYLOAD}}},
)
async def deliver(name: HookName, request: Request, gateway: Served) -> Response:
    """Make a VideoJob of a payload, as the VideoHook says; what comes again makes none again.

    Who sends is known by a signature of the body, in the headers that the VideoHook says.
    """
    bind(hook=name)
    hook = await _hook(gateway, name)
    outcome = "failed"
    try:
        with gateway.deliveries.taken(name):
            delivery = await _verified(gateway, hook, request)
            found = await _done(gateway, name, hook, delivery, request)
        outcome = "ignored" if isinstance(found, str) else "accepted"
    except GatewayError as error:
        if error.status < _SERVER_ERROR:
            outcome = "unverified" if error.status == 401 else "refused"  # noqa: PLR2004 - of HTTP
        raise
    finally:
        metrics.delivered(name, outcome)
    if isinstance(found, str):
        return as_json({"ignored": found})
    return accepted_job(found)


async def _hook(gateway: Gateway, name: str) -> VideoHookSpec:
    if not gateway.settings.hook_keys:
        raise NoSuchHookError
    return await gateway.hooks.get(name, gateway.client.videohooks)


async def _verified(gateway: Gateway, hook: VideoHookSpec, request: Request) -> Delivery:
    verification = hook.verification
    keys = read_keys(FilePath(gateway.settings.hook_keys), verification.secret_key, verification.scheme)
    body = await read_bytes(request, gateway.settings.max_body_bytes)
    return verify(verification, keys, request.headers, body, time.time())


async def _done(
    gateway: Gateway, name: str, hook: VideoHookSpec, delivery: Delivery, request: Request
) -> VideoJob | str:
    """Return the VideoJob of a delivery, or why there is none."""
    if hook.verification.scheme is Scheme.GITHUB and request.headers.get("x-github-event") == "ping":
        return "GitHub says that it is there"
    check_is_json(request)
    payload = json_of(delivery.body)
    if why := why_ignored(hook.filters, request.headers, payload):
        return why
    return await gateway.accept(submission_of(name, hook.job, delivery, payload))
