"""The guide at `/llms.txt`, where programs that read look for one (https://llmstxt.org)."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import PlainTextResponse

from videojob_gateway.guide import guide_text

router = APIRouter(include_in_schema=False)


@router.api_route("/llms.txt", methods=["GET", "HEAD"])
async def send_guide() -> PlainTextResponse:
    """Send the guide."""
    return PlainTextResponse(guide_text())
