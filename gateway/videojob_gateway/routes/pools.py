"""RenderPools: what there is, how busy it is, and what admins stop and let go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response  # noqa: TC002 - FastAPI reads annotations

from videojob_client.errors import ConflictError, NotFoundError
from videojob_gateway import models
from videojob_gateway.auth.access import Admin, Viewer  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.errors import NoSuchPoolError, NotAllowedError
from videojob_gateway.gateway import Gateway, Served  # noqa: TC001 - the same
from videojob_gateway.routes.answers import as_json, errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Change = Callable[[Mapping[str, Any]], dict[str, Any]]
    """Returns what of a spec is to be another."""

router = APIRouter(prefix="/api/v1", tags=["pools"])

TRIES = 5
"""Of a change, when another came between."""
_SCALE = ("order", "minIdle", "maxWorkers", "drain")
_COUNTS = ("queued", "starting", "idle", "busy", "desired", "backlogSeconds")
Named = Annotated[str, Path(description="Its name.", min_length=1, max_length=63)]
_CHANGED: dict[int | str, dict[str, Any]] = {202: {"model": models.ListedPool}, **errors(401, 403, 404, 409, 422, 503)}


@router.get("/pools", summary="List RenderPools", responses={200: {"model": models.PoolList}, **errors(401, 403, 503)})
async def list_pools(gateway: Served, _: Viewer) -> Response:
    """List the pools that render VideoJobs, with their queues and how busy they are, by name."""
    return as_json({"items": [_shown(pool.manifest) async for pool in gateway.client.renderpools.list()]})


@router.post("/pools/{name}/drain", status_code=202, summary="Drain a RenderPool", responses=_CHANGED)
async def drain_pool(name: Named, gateway: Served, _: Admin) -> Response:
    """Have a pool start nothing: what runs goes on, what waits keeps its place, and idle workers leave."""
    return await _change(gateway, name, lambda _: {"drain": True})


@router.post("/pools/{name}/resume", status_code=202, summary="Let a RenderPool go on", responses=_CHANGED)
async def resume_pool(name: Named, gateway: Served, _: Admin) -> Response:
    """Have a pool that drains start VideoJobs again; queues that are stopped stay so."""
    return await _change(gateway, name, lambda _: {"drain": False})


@router.post("/pools/{name}/queues/{queue}/stop", status_code=202, summary="Stop a queue", responses=_CHANGED)
async def stop_queue(name: Named, queue: Named, gateway: Served, _: Admin) -> Response:
    """Give nothing of a queue to workers: what runs goes on, and what waits keeps its place."""
    return await _change(gateway, name, lambda spec: _queues(spec, queue, stopped=True))


@router.post("/pools/{name}/queues/{queue}/resume", status_code=202, summary="Let a queue go on", responses=_CHANGED)
async def resume_queue(name: Named, queue: Named, gateway: Served, _: Admin) -> Response:
    """Give what waits in a queue that was stopped to workers again."""
    return await _change(gateway, name, lambda spec: _queues(spec, queue, stopped=False))


async def _change(gateway: Gateway, name: str, change: Change) -> Response:
    if not gateway.settings.manage_pools:
        raise NotAllowedError("pools cannot be changed here: VIDEOJOB_MANAGE_POOLS is not set")
    pools = gateway.client.renderpools
    for tried in range(1, TRIES + 1):
        try:
            pool = await pools.get(name)
            changes = {"spec": change(pool.manifest.get("spec") or {})}
            changed = await pools.patch(name, changes, resource_version=pool.metadata.resource_version)
        except NotFoundError:
            raise NoSuchPoolError(f"there is no RenderPool {name!r}") from None
        except ConflictError:  # such as with the operator's status
            if tried == TRIES:
                raise
        else:
            return as_json(_shown(changed.manifest), 202)
    raise AssertionError


def _queues(spec: Mapping[str, Any], name: str, *, stopped: bool) -> dict[str, Any]:
    """Return the queues of a spec, of which one is stopped or not: a merge replaces them all."""
    queues = spec.get("queues") or ()
    if name not in [queue["name"] for queue in queues]:
        raise NoSuchPoolError(f"the pool has no queue {name!r}")
    return {"queues": [{**queue, "stopped": stopped} if queue["name"] == name else queue for queue in queues]}


def _shown(pool: Mapping[str, Any]) -> dict[str, Any]:
    """Return what everyone may know: nothing of credentials, stores and users' shares."""
    spec, status = pool.get("spec") or {}, pool.get("status") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    ready = conditions.get("Ready")
    return {
        "name": pool["metadata"]["name"],
        "queues": spec.get("queues") or [],
        "volumes": [each["name"] for each in spec.get("volumes") or ()],
        "uploads": bool((spec.get("storage") or {}).get("uploads")),
        **{name: spec[name] for name in _SCALE if name in spec},
        **{name: status.get(name) for name in _COUNTS},
        "ready": None if ready is None else ready["status"] == "True",
        "message": "" if ready is None else ready.get("message", ""),
    }
