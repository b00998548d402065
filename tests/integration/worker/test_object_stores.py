"""A real worker with the credentials that its pod would have, and a real server: from a bucket to a bucket."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

import pytest
from PIL import Image

from tests.integration.objects.servers import BUCKET, REGION, Server, s3_server
from tests.integration.worker.test_worker import UID, finished, until
from tests.unit.contract.examples import videojob
from videojob_contract.assignment import Assignment
from videojob_contract.defaults import resolve
from videojob_contract.errors import Reason
from videojob_contract.validation import parse_renderpool, parse_videojob

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.worker.conftest import Workers
    from videojob_contract.queue.operator import OperatorQueue

IMAGE = {"image": {"uri": f"s3://{BUCKET}/sources/a%20b.png"}, "duration": "1s"}
CANVAS = {"width": 160, "height": 90, "fps": "25"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        picture = BytesIO()
        Image.new("RGB", (160, 90), "#008000").save(picture, "PNG")
        server.admin().put("sources/a b.png", picture.getvalue())
        yield server


def assignment_of(server: Server, *clips: Any, **spec: Any) -> Assignment:
    """Make the assignment that the operator would."""
    store = {"provider": "s3", "bucket": BUCKET, "endpoint": server.url, "region": REGION}
    objects = [
        {**store, "name": "sources", "prefix": "sources", "readOnly": True, "secretRef": {"name": "a"}},
        {**store, "name": "renders", "prefix": "renders", "secretRef": {"name": "b"}, "urls": {"presignedFor": "1h"}},
    ]
    storage = {"outputPrefix": f"s3://{BUCKET}/renders", "objects": objects}
    pool = parse_renderpool({"spec": {"storage": storage}}).spec
    resolved = resolve(parse_videojob(videojob(*clips, canvas=CANVAS, **spec)).spec, pool, namespace="films", name="a")
    assert resolved.deadline and resolved.soft_deadline  # noqa: PT018 - resolve fills them in
    return Assignment(
        uid=UID,
        namespace="films",
        name="a",
        attempt=1,
        spec=resolved,
        deadline=resolved.deadline,
        soft_deadline=resolved.soft_deadline,
        objects=pool.storage.objects,
    )


def write_secrets(folder: Path, server: Server, **different: str) -> Path:
    for store in ("sources", "renders"):
        (folder / store).mkdir(parents=True)
        for name, value in ({**server.secrets, "ca.crt": server.authority} | different).items():
            (folder / store / name).write_text(value)
    return folder


def download(server: Server, url: str) -> bytes:
    context = ssl.create_default_context(cadata=server.authority)
    with build_opener(ProxyHandler({}), HTTPSHandler(context=context)).open(url, timeout=10) as answer:
        content: bytes = answer.read()
        return content


async def test_it_renders_from_a_bucket_to_a_bucket(
    workers: Workers, operator: OperatorQueue, server: Server, tmp_path: Path
) -> None:
    outputs = [
        {"name": "main", "format": "mp4", "quality": "draft", "object": {"cacheControl": "no-store"}},
        {"name": "stream", "format": "hls", "quality": "draft", "uri": f"s3://{BUCKET}/renders/my%20film.m3u8"},
    ]
    secrets = write_secrets(tmp_path / "objects", server)
    worker = workers.start(VIDEOJOB_OBJECTS=str(secrets), NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
    await operator.enqueue("default", assignment_of(server, IMAGE, outputs=outputs))
    entry = await until(lambda: finished(operator), 60)
    assert entry.result is not None
    assert entry.result.result == "succeeded", entry.result
    assert worker.wait() == 0

    main, stream = entry.result.outputs
    assert main.uri == f"s3://{BUCKET}/renders/films/a/main.mp4"
    assert main.url is not None
    assert stream.url is not None
    content = await asyncio.to_thread(download, server, main.url)
    assert hashlib.sha256(content).hexdigest() == main.sha256
    playlist = (await asyncio.to_thread(download, server, stream.url)).decode()
    admin = server.admin()
    keys = {found["path"] for page in admin.list("renders") for found in page}
    inner = [line for line in playlist.splitlines() if line and not line.startswith("#")]
    assert inner
    assert all(f"renders/{name.replace('%20', ' ')}" in keys for name in inner)
    attributes = admin.get("renders/films/a/main.mp4").attributes
    assert attributes["Content-Type"] == "video/mp4"
    assert attributes["Cache-Control"] == "no-store"
    said = worker.log() + worker.result().model_dump_json()
    assert not [secret for secret in (*server.secrets.values(), "X-Amz-Signature") if secret in said]
    assert worker.published() == []


async def test_it_retries_with_a_secret_that_was_changed(
    workers: Workers, operator: OperatorQueue, server: Server, tmp_path: Path
) -> None:
    secrets = write_secrets(tmp_path / "objects", server, AWS_SECRET_ACCESS_KEY="expired")  # noqa: S106 - none
    environment = {"VIDEOJOB_OBJECTS": str(secrets), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    first = workers.start("first", **environment)
    job = assignment_of(server, IMAGE, outputs=[{"name": "poster", "format": "png"}])
    await operator.enqueue("default", job)
    entry = await until(lambda: finished(operator), 60)
    assert entry.result is not None
    assert (entry.result.result, entry.result.reason) == ("failed", Reason.STORAGE_UNAVAILABLE)
    assert "object store sources" in entry.result.message
    first.wait()

    waiting = workers.start("second", **environment)  # it has read nothing yet
    for store in ("sources", "renders"):
        (secrets / store / "AWS_SECRET_ACCESS_KEY").write_text(server.secrets["AWS_SECRET_ACCESS_KEY"])
    await operator.enqueue("default", job.model_copy(update={"attempt": 2}))
    assert waiting.wait(60) == 0
    entry = await until(lambda: finished(operator))
    assert entry.result is not None
    assert entry.attempt == 2
    assert entry.result.result == "succeeded", entry.result


async def test_what_the_pool_does_not_reach_is_refused_by_the_worker_too(
    workers: Workers, operator: OperatorQueue, server: Server, tmp_path: Path
) -> None:
    """An assignment may come from an operator that has another view of the pool, or from nobody."""
    secrets = write_secrets(tmp_path / "objects", server)
    workers.start(VIDEOJOB_OBJECTS=str(secrets), NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
    job = assignment_of(server, IMAGE, outputs=[{"name": "poster", "format": "png"}])
    assert job.spec.outputs
    stolen = job.spec.outputs[0].model_copy(update={"uri": f"s3://{BUCKET}/sources/poster.png"})
    spec = job.spec.model_copy(update={"outputs": [stolen]})
    await operator.enqueue("default", job.model_copy(update={"spec": spec}))
    entry = await until(lambda: finished(operator), 60)
    assert entry.result is not None
    assert (entry.result.result, entry.result.reason) == ("failed", Reason.OUTPUT_FORBIDDEN)
    assert "read-only" in entry.result.message
