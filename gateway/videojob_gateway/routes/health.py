"""Whether the gateway works: for Kubernetes, and for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from videojob_gateway import metrics
from videojob_gateway.gateway import Served  # noqa: TC001 - FastAPI reads annotations
from videojob_gateway.models import Readiness
from videojob_gateway.routes.answers import as_json

router = APIRouter(tags=["health"])


@router.get("/healthz", response_class=PlainTextResponse, summary="Whether it runs")
async def healthz() -> PlainTextResponse:
    """Say `ok` for as long as it answers at all."""
    return PlainTextResponse("ok")


@router.get(
    "/readyz",
    summary="Whether requests can be answered",
    responses={200: {"model": Readiness}, 503: {"model": Readiness}},
)
async def readyz(gateway: Served) -> Response:
    """Say whether all VideoJobs are known. That the API server is away later is no reason: lists go on."""
    problems = [] if gateway.cache.listed.is_set() else ["the VideoJobs are not known yet"]
    ready = {"ready": not problems, "jobs": len(gateway.cache), "problems": problems}
    return as_json(ready, 503 if problems else 200)


@router.get("/metrics", response_class=PlainTextResponse, summary="Metrics, as Prometheus reads them")
async def scrape() -> Response:
    """Return every metric."""
    return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")
