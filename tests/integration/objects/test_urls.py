"""URLs of outputs, asked from a real S3 server without credentials."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from videojob_contract.errors import Reason
from videojob_contract.resources.status import OutputStatus
from videojob_worker.storage.objects import urls
from videojob_worker.storage.objects.opening import open_store

if TYPE_CHECKING:
    from tests.integration.objects.conftest import Worker
    from tests.integration.objects.servers import Server

KEY = "a b/é%#?.mp4"


async def url_of(worker: Worker, wanted: dict[str, str] | None, key: str = KEY) -> str | None:
    server = worker.server
    configured = replace(worker, access=server.access(worker.access.credentials, server.entry(urls=wanted)))
    staged = await configured.stage(quote(key), b"film")
    published = await staged.url()
    await staged.commit()
    if published is None:
        return None
    expires_at = published.expires_at
    OutputStatus(
        name="main", uri="s3://films/a", bytes=4, sha256="0" * 64, url=published.url, url_expires_at=expires_at
    )
    assert (expires_at is None) == ("X-Amz-Signature" not in published.url)
    assert expires_at is None or timedelta(minutes=59) < expires_at - datetime.now(UTC) <= timedelta(hours=1)
    return published.url


def get(url: str, server: Server) -> bytes:
    context = ssl.create_default_context(cadata=server.authority)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(url, timeout=5) as answer:
        content: bytes = answer.read()
        return content


async def test_a_signed_url_opens_the_output_and_nothing_else(s3: Server, worker: Worker) -> None:
    url = await url_of(worker, {"presignedFor": "1h"})
    assert url is not None
    assert get(url, s3) == b"film"
    assert s3.secrets["AWS_SECRET_ACCESS_KEY"] not in url
    worker.put("other.mp4", b"other")
    for changed in (url.split("?")[0], url.replace(quote(KEY.rpartition("/")[2]), "other.mp4")):
        with pytest.raises(urllib.error.HTTPError):
            get(changed, s3)


async def test_a_public_url_begins_as_the_pool_says(worker: Worker) -> None:
    assert await url_of(worker, {"publicBase": "https://cdn.example.org/films/"}) == (
        f"https://cdn.example.org/films/{quote(KEY)}"
    )


async def test_a_cloud_s_identity_signs_for_a_moment_what_the_operator_renews(
    s3: Server, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As nobody knows how long what it gives holds; keys of its own sign for all of the time."""
    for name, value in s3.secrets.items():
        monkeypatch.setenv(name, value)
    renewed = {"presignedFor": "1h", "renewedWith": {"name": "reader"}}
    access = s3.access(worker.access.credentials, s3.entry(secretRef=None, workloadIdentity=True, urls=renewed))
    opened = open_store("what", "s3://films/a.mp4", access, Reason.OUTPUT_FORBIDDEN, 1.0)
    published = await urls.of(opened, "what")
    assert published is not None
    assert "X-Amz-Expires=300&" in f"{published.url}&"
    assert published.expires_at is not None
    assert timedelta(minutes=4) < published.expires_at - datetime.now(UTC) <= timedelta(minutes=5)
    assert await url_of(worker, renewed) is not None


async def test_there_is_none_where_the_pool_wants_none_or_a_status_has_no_place(s3: Server, worker: Worker) -> None:
    assert await url_of(worker, None) is None
    signed = s3.entry(urls={"presignedFor": "1h"})
    for token, is_url in (("x" * 100, True), ("x" * 4000, False)):
        access = s3.access(worker.access.credentials, signed, AWS_SESSION_TOKEN=token)
        opened = open_store("what", "s3://films/a.mp4", access, Reason.OUTPUT_FORBIDDEN, 1.0)
        assert (await urls.of(opened, "what") is not None) == is_url
