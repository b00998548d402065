"""The page: files that were built, for everyone. What it shows, it asks of the API as any client does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import Response

from videojob_gateway.errors import NoSuchFileError
from videojob_gateway.page_files import START

if TYPE_CHECKING:
    from videojob_gateway.page_files import PageFile

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    """Send the page."""
    return _send(request, START)


@router.api_route("/assets/{file}", methods=["GET", "HEAD"])
async def page_asset(file: str, request: Request) -> Response:
    """Send what it loads."""
    return _send(request, f"assets/{file}")


def _send(request: Request, name: str) -> Response:
    files: dict[str, PageFile] = request.app.state.page
    if not files:
        raise NoSuchFileError("the page was not built: run make page, or use the API below /api/v1")
    if (file := files.get(name)) is None:
        raise NoSuchFileError("the page has no such file")
    headers = {"ETag": file.etag, **file.headers}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if file.gzipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.gzipped, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.body, headers=headers)
