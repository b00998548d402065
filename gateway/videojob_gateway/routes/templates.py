"""What VideoJobs can be made of: VideoTemplates."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - FastAPI reads annotations

from videojob_gateway import models
from videojob_gateway.auth.access import Viewer  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.gateway import Served  # noqa: TC001 - the same
from videojob_gateway.routes.answers import as_json, errors

router = APIRouter(prefix="/api/v1")


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
