"""Whether the gateway works: for Kubernetes, and for Prometheus."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.responses import PlainTextResponse, Response

from videojob_contract.resources.status import Phase
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
    """Say whether all VideoJobs are known, and how the rest does, as it was seen in the last seconds.

    That the API server, Redis or the operator is away is no reason: what can be answered without them is.
    """
    is_ready, vital = gateway.cache.listed.is_set(), gateway.vitals.seen
    phases = Counter(record.phase for record in gateway.cache.newest_first())
    shown = {
        "ready": is_ready,
        "jobs": len(gateway.cache),
        "queued": phases[Phase.QUEUED],
        "running": phases[Phase.RUNNING],
        "idle": vital.idle,
        "busy": vital.busy,
        "redis": vital.redis,
        "operatorSeconds": vital.operator_at and round((datetime.now(UTC) - vital.operator_at).total_seconds(), 1),
        "problems": [*([] if is_ready else ["the VideoJobs are not known yet"]), *vital.problems],
    }
    return as_json(shown, 200 if is_ready else 503)


@router.get("/metrics", response_class=PlainTextResponse, summary="Metrics, as Prometheus reads them")
async def scrape() -> Response:
    """Return every metric."""
    return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")
