"""Downloads from a real server on loopback."""

from __future__ import annotations

import asyncio
import os
import ssl
import subprocess
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from videojob_common import guarded_http
from videojob_common.address_guard import checked_addresses, resolve_by_system
from videojob_contract.assignment import SourceLimits
from videojob_contract.errors import PermanentError, Reason, TransientError, VideoJobError
from videojob_worker.storage import http
from videojob_worker.storage.base import FetchContext

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from videojob_common.address_guard import Resolver

PATH = "spec.clips[0].image.uri"
CONTENT = os.urandom(3 * 1024**2 + 5)


def answer(status: str, body: bytes = b"", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Server:
    """Answers by path, in turn where there is more than one answer, and keeps what it was asked."""

    answers: dict[str, list[bytes]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(request)
            queue = self.answers.get(request.split()[1]) or [answer("404 Not Found")]
            writer.write(queue.pop(0) if len(queue) > 1 else queue[0])
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has gone, as some tests want it to
        finally:
            writer.close()

    def url(self, path: str, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"


@asynccontextmanager
async def running(tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with running() as server:
        yield server


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "RETRY_AFTER_S", (0.01, 0.01))
    monkeypatch.setattr(http, "_TIMEOUT_S", {"connect": 0.5, "read": 0.5, "write": 0.5, "pool": 0.5})


def resolving(names: dict[str, list[str]]) -> Resolver:
    async def resolve(host: str, _port: int) -> list[str]:
        return names.get(host, [host])

    return resolve


@pytest.fixture
def context(tmp_path: Path) -> FetchContext:
    limits = SourceLimits(allow_private_networks=True, max_source_bytes=len(CONTENT))
    return FetchContext({}, limits, tmp_path, resolving({}))


def limited(context: FetchContext, names: dict[str, list[str]] | None = None, **limits: object) -> FetchContext:
    changed = context.limits.model_copy(update=limits)
    return FetchContext({}, changed, context.downloads, resolving(names) if names else context.resolve)


async def download(uri: str, context: FetchContext) -> bytes:
    fd = await http.fetch(PATH, uri, context)
    try:
        return os.pread(fd, 10**8, 0)
    finally:
        os.close(fd)


async def refusal(uri: str, context: FetchContext) -> VideoJobError:
    with pytest.raises(VideoJobError) as failure:
        await http.fetch(PATH, uri, context)
    assert failure.value.message.startswith(f"{PATH}: ")
    return failure.value


async def test_downloads_and_leaves_no_file(server: Server, context: FetchContext) -> None:
    server.answers["/a%20b?x=1"] = [answer("200 OK", CONTENT)]
    assert await download(server.url("/a%20b?x=1"), context) == CONTENT
    assert os.listdir(context.downloads) == []  # noqa: PTH208 - nothing is there
    request = server.requests[0].lower()
    assert f"host: 127.0.0.1:{server.port}" in request
    assert "accept-encoding: identity" in request
    assert "authorization" not in request


@pytest.mark.parametrize(
    ("status", "reason", "error", "tries"),
    [
        ("404 Not Found", Reason.SOURCE_NOT_FOUND, PermanentError, 1),
        ("410 Gone", Reason.SOURCE_NOT_FOUND, PermanentError, 1),
        ("401 Unauthorized", Reason.SOURCE_FORBIDDEN, PermanentError, 1),
        ("403 Forbidden", Reason.SOURCE_FORBIDDEN, PermanentError, 1),
        ("418 I'm a teapot", Reason.SOURCE_FORBIDDEN, PermanentError, 1),
        ("304 Not Modified", Reason.SOURCE_FORBIDDEN, PermanentError, 1),
        ("429 Too Many Requests", Reason.STORAGE_UNAVAILABLE, TransientError, 3),
        ("500 Internal Server Error", Reason.STORAGE_UNAVAILABLE, TransientError, 3),
        ("503 Service Unavailable", Reason.STORAGE_UNAVAILABLE, TransientError, 3),
    ],
)
async def test_statuses(  # noqa: PLR0917 - pytest passes them by name
    server: Server, context: FetchContext, status: str, reason: Reason, error: type[Exception], tries: int
) -> None:
    server.answers["/a"] = [answer(status)]
    failure = await refusal(server.url("/a"), context)
    assert failure.reason is reason
    assert isinstance(failure, error)
    assert len(server.requests) == tries


async def test_a_signature_in_the_url_is_not_repeated(server: Server, context: FetchContext) -> None:
    for uri in (server.url("/a?signature=secret"), server.url("/a#secret"), server.url("/a", "user:secret@127.0.0.1")):
        failure = await refusal(uri, context)
        assert "signature" not in failure.message
        assert "secret" not in failure.message
        assert server.url("/a") in failure.message


async def test_a_signature_in_a_redirect_is_not_repeated(server: Server, context: FetchContext) -> None:
    for target in (
        server.url("/b?signature=secret"),
        server.url("/b?signature=secret", "user:secret@127.0.0.1"),
        "http://user:secret@[::1/",
        "ftp://user:secret@127.0.0.1/?signature=secret",
    ):
        server.answers["/a"] = [answer("302 Found", Location=target)]
        failure = await refusal(server.url("/a"), context)
        assert server.url("/a") in failure.message
        assert "secret" not in failure.message


async def test_tries_again_from_the_start(server: Server, context: FetchContext) -> None:
    cut = answer("200 OK", CONTENT)[: len(CONTENT) // 2]
    server.answers["/a"] = [cut, answer("502 Bad Gateway"), answer("200 OK", b"whole")]
    assert await download(server.url("/a"), context) == b"whole"


async def test_a_server_that_says_nothing_is_transient(server: Server, context: FetchContext) -> None:
    server.answers["/a"] = [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"]
    assert (await refusal(server.url("/a"), context)).reason is Reason.STORAGE_UNAVAILABLE


async def test_nobody_listens(context: FetchContext) -> None:
    async with running() as other:
        port = other.port
    failure = await refusal(f"http://127.0.0.1:{port}/a", context)
    assert failure.reason is Reason.STORAGE_UNAVAILABLE


async def test_size_limit_by_header_and_while_streaming(server: Server, context: FetchContext) -> None:
    server.answers["/told"] = [answer("200 OK", b"x" * 101)]
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"40\r\n" + b"x" * 64 + b"\r\n"
    server.answers["/untold"] = [chunked + b"40\r\n" + b"x" * 64 + b"\r\n0\r\n\r\n"]
    for path in ("/told", "/untold"):
        failure = await refusal(server.url(path), limited(context, max_source_bytes=100))
        assert failure.reason is Reason.SOURCE_TOO_LARGE
        assert "limit of 100 bytes" in failure.message


async def test_follows_redirects_relative_and_absolute(server: Server, context: FetchContext) -> None:
    server.answers["/a"] = [answer("302 Found", Location="/b")]
    server.answers["/b"] = [answer("308 Permanent Redirect", Location=server.url("/c"))]
    server.answers["/c"] = [answer("200 OK", b"there")]
    assert await download(server.url("/a"), context) == b"there"


async def test_gives_up_on_a_redirect_loop(server: Server, context: FetchContext) -> None:
    server.answers["/a"] = [answer("302 Found", Location="/a")]
    failure = await refusal(server.url("/a"), context)
    assert failure.reason is Reason.SOURCE_FORBIDDEN
    assert len(server.requests) == http.MAX_REDIRECTS + 1


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1/", "http://169.254.169.254/latest/", "http://[::ffff:10.0.0.1]/", "http://[::1]:6379/"],
)
async def test_a_redirect_into_private_networks_is_refused(server: Server, context: FetchContext, target: str) -> None:
    """The first hop is public as far as the guard can tell: a name that is dialled on loopback."""
    server.answers["/a"] = [answer("302 Found", Location=target)]
    careful = limited(context, allow_private_networks=False)

    first = True

    async def check_but_the_first(host: str, port: int, resolve: Resolver, *, allow_private: bool) -> list[str]:
        nonlocal first
        if first:
            first = False
            return [host]
        return await checked_addresses(host, port, resolve, allow_private=allow_private)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guarded_http, "checked_addresses", check_but_the_first)
        failure = await refusal(server.url("/a"), careful)
    assert failure.reason is Reason.SOURCE_FORBIDDEN
    assert len(server.requests) == 1


async def test_loopback_is_refused_unless_allowed(server: Server, context: FetchContext) -> None:
    server.answers["/a"] = [answer("200 OK", b"inside")]
    failure = await refusal(server.url("/a"), limited(context, allow_private_networks=False))
    assert failure.reason is Reason.SOURCE_FORBIDDEN
    assert server.requests == []


async def test_rebinding_gets_no_second_chance(server: Server, context: FetchContext) -> None:
    """A name that is public when checked and private when dialled: it is resolved once, and dialled as resolved."""
    asked: list[str] = []

    async def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["192.0.2.1"] if len(asked) == 1 else ["127.0.0.1"]

    async def no_check(host: str, port: int, resolve: Resolver, *, allow_private: bool) -> list[str]:
        assert not allow_private
        return await resolve(host, port)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guarded_http, "checked_addresses", no_check)
        patch.setattr(http, "RETRY_AFTER_S", ())
        careful = FetchContext({}, SourceLimits(), context.downloads, rebinding)
        failure = await refusal(server.url("/a", host="rebind.example"), careful)
    assert failure.reason is Reason.STORAGE_UNAVAILABLE
    assert asked == ["rebind.example"]
    assert server.requests == []


async def test_one_private_address_among_public_ones_is_enough(server: Server, context: FetchContext) -> None:
    names = {"mixed.example": ["192.0.2.1", "127.0.0.1"]}
    failure = await refusal(
        server.url("/a", host="mixed.example"), limited(context, names, allow_private_networks=False)
    )
    assert failure.reason is Reason.SOURCE_FORBIDDEN
    assert server.requests == []


async def test_dials_the_next_address_when_one_does_not_answer(server: Server, context: FetchContext) -> None:
    server.answers["/a"] = [answer("200 OK", b"found")]
    names = {"two.example": ["127.0.0.2", "127.0.0.1"]}
    assert await download(server.url("/a", host="two.example"), limited(context, names)) == b"found"
    assert f"Host: two.example:{server.port}" in server.requests[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "cdn.example.net"])
async def test_hosts_that_the_pool_does_not_name(server: Server, context: FetchContext, host: str) -> None:
    failure = await refusal(
        server.url("/a", host=host), limited(context, {host: ["127.0.0.1"]}, allow_hosts=["*.example.org"])
    )
    assert failure.reason is Reason.SOURCE_FORBIDDEN
    assert "the pool does not allow" in failure.message
    assert server.requests == []


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("http://user:password@127.0.0.1/", "user or password"),
        ("http:///path", "no host"),
        ("http://127.0.0.1:99999/", "not an http or https URL"),
    ],
)
async def test_urls_that_are_refused(context: FetchContext, uri: str, says: str) -> None:
    failure = await refusal(uri, context)
    assert failure.reason is Reason.SOURCE_FORBIDDEN
    assert says in failure.message


async def test_a_redirect_to_another_scheme_is_refused(server: Server, context: FetchContext) -> None:
    for target in ("file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/"):
        server.answers["/a"] = [answer("302 Found", Location=target)]
        assert (await refusal(server.url("/a"), context)).reason is Reason.SOURCE_FORBIDDEN


async def test_a_redirect_to_nonsense_is_refused(server: Server, context: FetchContext) -> None:
    for target in ("http://[::1/", "http://[x]/", "http://a:99999/", "http://a..b\u00fc/"):
        server.answers["/a"] = [answer("302 Found", Location=target)]
        assert (await refusal(server.url("/a"), context)).reason is Reason.SOURCE_FORBIDDEN


@pytest.mark.parametrize("host", ["a..example", ".example", f"{'a' * 64}.example"])
async def test_what_cannot_be_a_name_is_refused(context: FetchContext, host: str) -> None:
    failure = await refusal(f"http://{host}/a", replace(context, resolve=resolve_by_system))
    assert (type(failure), failure.reason) == (PermanentError, Reason.SOURCE_NOT_FOUND)


async def test_proxies_of_the_environment_are_not_used(
    server: Server, context: FetchContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.answers["/a"] = [answer("200 OK", b"direct")]
    assert await download(server.url("/a"), context) == b"direct"


async def test_a_full_disk_is_not_tried_again(
    server: Server, context: FetchContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers["/a"] = [answer("200 OK", b"content")]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(http, "write_all", full)
    failure = await refusal(server.url("/a"), context)
    assert failure.reason is Reason.DISK_FULL
    assert len(server.requests) == 1


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for media.example, which signs itself."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=media.example"
    names = "-addext subjectAltName=DNS:media.example"
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run(["openssl", *request.split(), *names.split(), *files], check=True, capture_output=True)
    return cert, key


async def test_tls_verifies_the_name_though_the_address_is_pinned(
    context: FetchContext, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(*certificate)
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    names = {"media.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]}
    async with running(ours) as server:
        server.answers["/a"] = [answer("200 OK", b"over tls")]
        server.answers["/down"] = [answer("302 Found", Location="http://media.example/")]
        resolved = limited(context, names)

        failure = await refusal(server.url("/a", "media.example", "https"), resolved)
        assert failure.reason is Reason.SOURCE_FORBIDDEN
        assert "certificate" in failure.message

        monkeypatch.setattr(guarded_http, "_tls", lambda: trusting)
        assert await download(server.url("/a", "media.example", "https"), resolved) == b"over tls"

        failure = await refusal(server.url("/a", "other.example", "https"), resolved)
        assert "certificate" in failure.message

        failure = await refusal(server.url("/down", "media.example", "https"), resolved)
        assert "redirects from https to http" in failure.message
