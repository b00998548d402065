"""Downloads from a real server on loopback, by TLS, of which the node keeps what has a version."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import ssl
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.worker.test_http import (
    CONTENT,
    PATH,
    Server,
    answer,
    certificate,
    context,
    hasty,
    limited,
    running,
)
from videojob_common import guarded_http
from videojob_contract.errors import Reason, VideoJobError
from videojob_worker.storage import http
from videojob_worker.storage.source_cache import SourceCache

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from videojob_worker.storage.base import FetchContext

__all__ = ["certificate", "context", "hasty"]

OTHER = bytes(len(CONTENT))
"""As long as the content, to be told from it."""
VERSION = '"v1"'


@pytest.fixture
async def server(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(*certificate)
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    monkeypatch.setattr(guarded_http, "_tls", lambda: trusting)
    async with running(ours) as made:
        yield made


@pytest.fixture
def keeping(context: FetchContext, tmp_path: Path) -> FetchContext:
    """A context with a cache."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "downloads").mkdir()
    resolved = limited(context, {"media.example": ["127.0.0.1"]})
    return replace(resolved, downloads=tmp_path / "downloads", cache=SourceCache(tmp_path / "cache", 1 << 30))


def url(server: Server, path: str) -> str:
    return server.url(path, "media.example", "https")


async def fetch(uri: str, context: FetchContext) -> bytes:
    fd = await http.fetch(PATH, uri, context)
    try:
        assert fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY or not kept(context)
        return os.pread(fd, 10**8, 0)
    finally:
        os.close(fd)


def kept(context: FetchContext) -> list[Path]:
    assert context.cache is not None
    return [path for path in context.cache.folder.rglob("*") if path.is_file()]


async def test_what_is_kept_is_asked_for_and_not_read_again(server: Server, keeping: FetchContext) -> None:
    server.answers["/a"] = [answer("200 OK", CONTENT, ETag=VERSION), answer("200 OK", OTHER, ETag=VERSION)]
    assert await fetch(url(server, "/a"), keeping) == CONTENT
    assert await fetch(url(server, "/a"), keeping) == CONTENT
    assert len(server.requests) == 2
    assert not list(keeping.downloads.iterdir())


async def test_another_version_is_downloaded(server: Server, keeping: FetchContext) -> None:
    server.answers["/a"] = [
        answer("200 OK", CONTENT, ETag=VERSION),
        answer("200 OK", OTHER, ETag='"v2"'),
        answer("200 OK", b"short", ETag=VERSION),
    ]
    for content in (CONTENT, OTHER, b"short"):
        assert await fetch(url(server, "/a"), keeping) == content


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ETag": 'W/"v1"'},
        {"ETag": "v1"},
        {"ETag": '"v1", "v2"'},
        {"ETag": f'"{"x" * 300}"'},
        {"ETag": VERSION, "Cache-Control": "max-age=60, NO-STORE"},
        {"ETag": VERSION, "Cache-Control": 'private="set-cookie"'},
        {"ETag": VERSION, "Vary": "Accept, *"},
        {"ETag": VERSION, "cache-control": "public\r\nCache-Control: no-store"},
    ],
)
async def test_what_has_no_version_or_is_nobody_s_to_keep_is_not_kept(
    server: Server, keeping: FetchContext, headers: dict[str, str]
) -> None:
    server.answers["/a"] = [answer("200 OK", CONTENT, **headers), answer("200 OK", OTHER, **headers)]
    assert await fetch(url(server, "/a"), keeping) == CONTENT
    assert await fetch(url(server, "/a"), keeping) == OTHER
    assert kept(keeping) == []


async def test_what_came_without_tls_or_in_another_way_than_whole_is_not_kept(
    server: Server, keeping: FetchContext
) -> None:
    chunked = answer("200 OK", b"", ETag=VERSION).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    server.answers["/chunked"] = [chunked + b"3\r\nabc\r\n0\r\n\r\n"]
    assert await fetch(url(server, "/chunked"), keeping) == b"abc"
    server.answers["/part"] = [answer("203 Non-Authoritative Information", b"abc", ETag=VERSION)]
    assert await fetch(url(server, "/part"), keeping) == b"abc"
    async with running() as plain:
        plain.answers["/a"] = [answer("200 OK", b"abc", ETag=VERSION)]
        assert await fetch(plain.url("/a"), keeping) == b"abc"
        plain.answers["/to"] = [answer("302 Found", Location=url(server, "/a"))]
        server.answers["/a"] = [answer("200 OK", b"abc", ETag=VERSION)]
        assert await fetch(plain.url("/to"), keeping) == b"abc"
    assert kept(keeping) == []


async def test_what_is_kept_is_refused_to_whom_the_server_or_the_pool_refuses_it(
    server: Server, keeping: FetchContext
) -> None:
    server.answers["/a"] = [
        answer("200 OK", CONTENT, ETag=VERSION),
        answer("403 Forbidden", ETag=VERSION),
        answer("200 OK", CONTENT, ETag=VERSION),
    ]
    assert await fetch(url(server, "/a"), keeping) == CONTENT
    smaller = keeping.limits.model_copy(update={"max_source_bytes": len(CONTENT) - 1})
    guarded = keeping.limits.model_copy(update={"allow_private_networks": False})
    for limits, reason in (
        (keeping.limits, Reason.SOURCE_FORBIDDEN),
        (smaller, Reason.SOURCE_TOO_LARGE),
        (guarded, Reason.SOURCE_FORBIDDEN),
    ):
        with pytest.raises(VideoJobError) as failure:
            await fetch(url(server, "/a"), replace(keeping, limits=limits))
        assert failure.value.reason is reason
    assert len(server.requests) == 3  # a private address was not asked


async def test_a_query_tells_sources_apart_and_is_seen_nowhere(
    server: Server, keeping: FetchContext, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers["/get?id=secret-1"] = [answer("200 OK", CONTENT, ETag=VERSION)]
    server.answers["/get?id=secret-2"] = [answer("200 OK", OTHER, ETag=VERSION)]
    with caplog.at_level(logging.DEBUG, "videojob"):
        assert await fetch(url(server, "/get?id=secret-1"), keeping) == CONTENT
        assert await fetch(url(server, "/get?id=secret-2"), keeping) == OTHER
    assert len(kept(keeping)) == 2
    assert "secret" not in str(kept(keeping)) + caplog.text


async def test_a_redirect_may_be_signed_anew_and_not_lead_elsewhere(server: Server, keeping: FetchContext) -> None:
    places = ("/a?signature=1", "/a?signature=2", "/b?signature=1")
    server.answers["/to"] = [answer("302 Found", Location=place) for place in places]
    for place, content in zip(places, (CONTENT, b"not read", OTHER), strict=True):
        said = answer("200 OK", CONTENT, ETag=VERSION).partition(b"\r\n\r\n")[0]
        server.answers[place] = [said + b"\r\n\r\n" + content]
    for content in (CONTENT, CONTENT, OTHER):
        assert await fetch(url(server, "/to"), keeping) == content


async def test_what_ends_too_soon_is_not_kept(server: Server, keeping: FetchContext) -> None:
    whole = answer("200 OK", CONTENT, ETag=VERSION)
    server.answers["/a"] = [whole[:-1], whole]
    assert await fetch(url(server, "/a"), keeping) == CONTENT
    assert [path.stat().st_size for path in kept(keeping)] == [len(CONTENT)]


async def test_a_disk_that_is_full_is_the_cache_s_trouble_alone(
    server: Server, keeping: FetchContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers["/a"] = [answer("200 OK", CONTENT, ETag=VERSION)]
    really = os.pwrite

    def refuse(fd: int, part: memoryview, offset: int) -> int:
        if "/cache/" in str(Path(f"/proc/self/fd/{fd}").readlink()):
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(fd, part, offset)

    monkeypatch.setattr(os, "pwrite", refuse)
    assert await fetch(url(server, "/a"), keeping) == CONTENT
    assert kept(keeping) == []
    assert len(server.requests) == 2


async def test_what_is_too_large_for_the_cache_is_asked_for_once(server: Server, keeping: FetchContext) -> None:
    assert keeping.cache is not None
    small = replace(keeping, cache=replace(keeping.cache, max_bytes=len(CONTENT) - 1))
    server.answers["/a"] = [answer("200 OK", CONTENT, ETag=VERSION)]
    assert await fetch(url(server, "/a"), small) == CONTENT
    assert kept(small) == []
    assert len(server.requests) == 1
