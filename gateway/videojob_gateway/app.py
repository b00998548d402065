"""The application: routes, and what is done with every request."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

from videojob_gateway import openapi
from videojob_gateway.auth.authentication import nobody_is_asked
from videojob_gateway.middleware import Observed
from videojob_gateway.page_files import read_page
from videojob_gateway.problem_json import handle_errors
from videojob_gateway.routes import (
    asset_uploads,
    assets,
    batches,
    callers,
    guide,
    health,
    hooks,
    jobs,
    logs,
    looks,
    mcp,
    outputs,
    page,
    pools,
    posters,
    sockets,
    stats,
    streams,
    templates,
    upload_parts,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

    from videojob_gateway.auth.authentication import Authenticate
    from videojob_gateway.gateway import Gateway

OPENAPI = "/api/v1/openapi.json"


def create_app(gateway: Gateway, authenticate: Authenticate = nobody_is_asked) -> FastAPI:
    """Return the application of a gateway; its client is entered already."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(gateway.cache.run(gateway.client.videojobs), name="job cache"),
            asyncio.create_task(gateway.vitals.run(), name="vitals"),
        ]
        if gateway.live_progress is not None:
            tasks.append(asyncio.create_task(gateway.live_progress.run(), name="live progress"))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # Without its pages of documentation, which load their scripts from elsewhere.
    app = FastAPI(
        openapi_url=OPENAPI,
        redirect_slashes=False,  # to whatever host a request names
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.gateway = gateway
    app.state.authenticate = authenticate
    app.state.page = read_page()
    app.include_router(health.router)
    app.include_router(batches.router)
    app.include_router(jobs.router)
    app.include_router(hooks.router)
    app.include_router(stats.router)
    app.include_router(streams.router)
    app.include_router(sockets.router)
    app.include_router(outputs.router)
    app.include_router(logs.router)
    app.include_router(posters.router)
    app.include_router(asset_uploads.router)
    app.include_router(upload_parts.router)
    app.include_router(assets.router)
    app.include_router(looks.router)
    app.include_router(templates.router)
    app.include_router(pools.router)
    app.include_router(callers.router)
    app.include_router(mcp.router)
    app.include_router(guide.router)
    app.include_router(page.router)
    handle_errors(app)
    app.add_middleware(Observed)

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = openapi.document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
    return app
