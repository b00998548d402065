"""Who calls, for clients that show what may be done."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response  # noqa: TC002 - FastAPI reads annotations

from videojob_gateway import models
from videojob_gateway.auth.access import Viewer  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.auth.caller import Role
from videojob_gateway.gateway import Served  # noqa: TC001 - the same
from videojob_gateway.routes.answers import as_json, errors

router = APIRouter(prefix="/api/v1", tags=["callers"])


@router.get("/caller", summary="Who calls", responses={200: {"model": models.Identity}, **errors(401, 403, 503)})
async def caller_identity(gateway: Served, caller: Viewer) -> Response:
    """Say who the caller is known as, and what it may do."""
    manages = gateway.settings.manage_pools and caller.role is Role.ADMIN
    return as_json({"user": caller.user, "role": caller.role, "tier": caller.tier, "managesPools": manages})
