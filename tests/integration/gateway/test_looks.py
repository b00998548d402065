"""Looks over HTTP: by a real worker process, and what is answered when none is there or it answers badly."""

import asyncio
import base64
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.types import ImageContent
from PIL import Image

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import SPEC, Answer, Caller, gateway_of, serving
from tests.integration.gateway.test_access import by_name
from tests.integration.gateway.test_assets import create_pools
from tests.integration.gateway.test_mcp import assistant
from tests.integration.gateway.test_monitoring import metric
from tests.integration.worker.conftest import Workers
from tests.redis_server import redis_server
from videojob_client import Client
from videojob_contract.errors import Reason
from videojob_contract.inspection import Findings, Unseen
from videojob_contract.queue.connection import connect
from videojob_contract.queue.inspections import InspectionBench
from videojob_contract.queue.operator import OperatorQueue
from videojob_contract.queue.types import PoolKey
from videojob_gateway.app import create_app
from videojob_gateway.config import Settings
from videojob_gateway.gateway import Gateway
from videojob_gateway.looks import MOST_AT_ONCE, LookDesk

ANA = {"Authorization": "ana submitter"}
TWO: dict[str, Any] = {
    "canvas": {"width": 640, "height": 360, "fps": "25"},
    "clips": [{"color": "#c00000", "duration": "2s"}, {"color": "#0000c0", "duration": "2s"}],
}


@pytest.fixture
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@asynccontextmanager
async def gateway(apiserver: ApiServer, cluster: Cluster, redis_url: str, **settings: Any) -> AsyncIterator[Caller]:
    redis = connect(redis_url)
    given = Settings(redis_url=redis_url, **settings)
    try:
        async with (
            Client(kubeconfig=apiserver.kubeconfig, namespace=cluster.namespace) as client,
            serving(create_app(Gateway(given, client, ask=LookDesk(given, redis)), by_name)) as call,
        ):
            yield call
    finally:
        await redis.aclose()


async def ask(call: Caller, path: str, spec: dict[str, Any] | None = None) -> Answer:
    return await call("POST", path, json={"spec": spec or SPEC}, headers=ANA)


async def picture(call: Caller, method: str, path: str, **options: Any) -> tuple[Image.Image, Any]:
    async with call.session.request(method, f"{call.url}/api/v1/{path}", headers=ANA, **options) as response:
        body = await response.read()
        assert response.status == 200, body
        return Image.open(io.BytesIO(body)), response.headers


async def test_an_idle_worker_shows_what_would_be_rendered(
    apiserver: ApiServer, cluster: Cluster, redis_url: str, tmp_path: Path
) -> None:
    await create_pools(cluster)
    key = PoolKey(cluster.namespace, "default")
    redis = connect(redis_url)
    operator = OperatorQueue(key, redis)
    await operator.load_scripts()
    await operator.configure({"default": 1})
    await operator.ensure_epoch()
    workers = Workers(redis_url, key, tmp_path)
    worker = workers.start()
    uploads = tmp_path / "uploads"
    uploads.mkdir()
    (uploads / "default").symlink_to(worker.media / "uploads")
    (worker.media / "uploads").mkdir()
    try:
        async with gateway(apiserver, cluster, redis_url, uploads=str(uploads), idle_s=60) as call:
            shown, headers = await picture(call, "POST", "preview?at=3&width=320&format=png", json={"spec": TWO})
            assert (shown.format, shown.size, headers["Content-Type"]) == ("PNG", (320, 180), "image/png")
            assert shown.convert("RGB").getpixel((160, 90))[2] > 120  # type: ignore[index]
            assert headers["VideoJob-Frames"] == "75"
            sheet, headers = await picture(call, "POST", "preview?frames=4", json={"spec": TWO})
            assert (sheet.format, sheet.size) == ("JPEG", (640, 360))
            assert len(headers["VideoJob-Frames"].split(",")) == 4
            async with assistant(call) as client:  # which sees it, too
                arguments = {"spec": TWO, "at": 3, "width": 320, "format": "png"}
                (seen,) = (await client.call_tool("preview_video", arguments)).content
                assert isinstance(seen, ImageContent)
                assert seen.mime_type == "image/png"
                assert Image.open(io.BytesIO(base64.b64decode(seen.data))).tobytes() == shown.tobytes()
            plan = (await ask(call, "plan", TWO)).json
            assert (plan["frames"], plan["spanCount"], plan["durationSeconds"]) == (100, 2, 4.0)
            assert plan["predictedSeconds"] > 1
            assert [each["name"] for each in plan["outputs"]] == ["main", "poster"]
            file = io.BytesIO()
            Image.new("RGB", (300, 200), "#c00000").save(file, "PNG")
            made = await call("POST", "assets?name=red.png", data=file.getvalue(), headers=ANA)
            asset = made.json
            thumbnail, headers = await picture(call, "GET", f"assets/{asset['id']}/thumbnail")
            assert (thumbnail.format, thumbnail.size) == ("WEBP", (256, 256))
            probed = (await call("GET", f"assets/{asset['id']}/probe", headers=ANA)).json
            assert (probed["usableAs"], probed["width"], probed["height"]) == (["image"], 300, 200)
            same = await call("POST", "probe", json={"uri": asset["uri"]}, headers=ANA)
            assert same.json == probed
            assert (await call("POST", "jobs", json={"name": "waits", "spec": TWO}, headers=ANA)).status == 202
            poster, headers = await picture(call, "GET", "jobs/waits/poster")
            assert (poster.format, poster.size, headers["VideoJob-Frames"]) == ("JPEG", (640, 360), "25")
            gone = asset["uri"].replace(asset["sha256"], "0" * 64)
            clip = {"image": {"uri": gone}, "duration": "1s"}
            for path in ("plan", "preview"):
                refused = (await ask(call, path, {"clips": [clip]})).json
                assert (refused["status"], refused["reason"]) == (422, "SourceNotFound")
                assert refused["errors"][0]["path"] == "spec.clips[0].image.uri"
    finally:
        workers.stop()
        await redis.aclose()


async def test_what_would_be_refused_is_refused_before_anyone_is_asked(
    apiserver: ApiServer, cluster: Cluster, redis_url: str
) -> None:
    await create_pools(cluster)
    async with gateway(apiserver, cluster, redis_url, idle_s=0.1) as call:
        for path in ("plan", "preview"):
            wrong = await ask(call, path, {"clips": [{"color": "#204060", "duration": "3"}]})
            assert (wrong.status, wrong.json["errors"][0]["path"]) == (422, "spec.clips[0].duration")
            away = await ask(call, path, SPEC | {"pool": "away"})
            assert (away.status, away.json["errors"][0]["path"]) == (422, "spec.pool")
        for uri in ("ftp://a/b", "volume://elsewhere/a.png", "s3://bucket/a.png", 1):
            refused = await call("POST", "probe", json={"uri": uri}, headers=ANA)
            assert (refused.status, refused.json["errors"][0]["path"]) == (422, "uri")
        for query in ("at=-1", "at=nan", "frames=0", "frames=1000", "width=100000", "format=gif"):
            assert (await ask(call, f"preview?{query}")).status == 422
        series = 'videojob_gateway_looks_total{look="preview",outcome="nobody"}'
        before = await metric(call, series)
        nobody = await ask(call, "preview")
        assert (nobody.status, nobody.json["reason"], nobody.headers["Retry-After"]) == (503, "NobodyIdle", "2")
        assert await metric(call, series) == before + 1


async def test_a_worker_that_is_given_a_videojob_is_followed_by_another(
    apiserver: ApiServer, cluster: Cluster, redis_url: str
) -> None:
    await create_pools(cluster)
    redis = connect(redis_url)
    bench = InspectionBench(PoolKey(cluster.namespace, "default"), redis)

    async def answer(*answers: Findings) -> None:
        for findings in answers:
            while (inspection := await bench.take()) is None:
                pass
            await bench.answer(inspection.id, findings)

    try:
        async with gateway(apiserver, cluster, redis_url, idle_s=10) as call:
            for reason, status, said in (
                (Reason.SOURCE_NOT_FOUND, 422, "SourceNotFound"),
                (Reason.DEADLINE_EXCEEDED, 422, "DeadlineExceeded"),
                (Reason.STORAGE_UNAVAILABLE, 503, "LookFailed"),
            ):
                refusal = Findings(refusal=Unseen(reason=reason, message="spec.clips[0].image.uri: is away"))
                answering = asyncio.create_task(answer(Findings(again=True), refusal))
                refused = await ask(call, "plan")
                await answering
                assert (refused.status, refused.json["reason"]) == (status, said)
            answering = asyncio.create_task(answer(Findings()))
            assert (await ask(call, "plan")).status == 503
            await answering
    finally:
        await redis.aclose()


async def test_a_user_has_so_many_looks_at_a_time(apiserver: ApiServer, cluster: Cluster, redis_url: str) -> None:
    await create_pools(cluster)
    async with gateway(apiserver, cluster, redis_url, idle_s=3) as call:
        answers = await asyncio.gather(*(ask(call, "plan") for _ in range(MOST_AT_ONCE + 1)))
        assert sorted(answer.status for answer in answers) == [429, *[503] * MOST_AT_ONCE]


async def test_without_redis_nobody_is_asked(apiserver: ApiServer, cluster: Cluster, redis_url: str) -> None:
    await create_pools(cluster)
    async with gateway_of(apiserver, cluster, authenticate=by_name) as call:
        answer = await ask(call, "plan")
        assert (answer.status, answer.json["reason"]) == (503, "NoLooks")
    with_none = redis_url.rpartition(":")[0] + ":1"
    async with gateway(apiserver, cluster, with_none) as call:
        answer = await ask(call, "plan")
        assert (answer.status, answer.json["reason"]) == (503, "NoLooks")
