"""What VideoJobs can be made of and where they can wait: VideoTemplates and RenderPools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - FastAPI reads annotations

from videojob_gateway import models
from videojob_gateway.auth.access import Viewer  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.gateway import Served  # noqa: TC001 - the same
from videojob_gateway.routes.answers import as_json, errors

if TYPE_CHECKING:
    from collections.abc import Mapping

router = APIRouter(prefix="/api/v1")

_SCALE = ("order", "minIdle", "maxWorkers", "drain")
_COUNTS = ("queued", "starting", "idle", "busy", "desired", "backlogSeconds")


@router.get(
    "/templates",
    summary="List VideoTemplates",
    tags=["templates"],
    responses={200: {"model": models.TemplateList}, **errors(401, 403, 503)},
)
async def list_templates(gateway: Served, _: Viewer) -> Response:
    """List the templates that VideoJobs can be made of, with their parameters, by name."""
    items = []
    async for template in gateway.client.videotemplates.list():
        spec = template.manifest["spec"]
        description, parameters = spec.get("description", ""), spec.get("parameters", [])
        items.append({"name": template.metadata.name, "description": description, "parameters": parameters})
    return as_json({"items": items})


@router.get(
    "/pools",
    summary="List RenderPools",
    tags=["pools"],
    responses={200: {"model": models.PoolList}, **errors(401, 403, 503)},
)
async def list_pools(gateway: Served, _: Viewer) -> Response:
    """List the pools that render VideoJobs, with their queues and how busy they are, by name."""
    return as_json({"items": [_shown(pool.manifest) async for pool in gateway.client.renderpools.list()]})


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
