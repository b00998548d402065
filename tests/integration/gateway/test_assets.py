"""Assets: media that users bring in one request or in several, over real HTTP, on a real file system."""

import asyncio
import base64
import hashlib
import io
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import Answer, Caller, eventually, serving
from tests.integration.gateway.test_access import by_name
from videojob_client import Client
from videojob_contract.api_paths import RENDERPOOLS
from videojob_contract.resources import API_VERSION
from videojob_gateway.app import create_app
from videojob_gateway.config import Settings
from videojob_gateway.gateway import Gateway

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100
FILM = b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + os.urandom(3_000_000)
ANA, BEN, ROOT, VIEWER = "ana submitter", "ben submitter", "root admin", "ana viewer"
PART = "application/offset+octet-stream"


async def create_pools(cluster: Cluster, **storage: Any) -> None:
    """Create a pool with a place of uploads, and one without."""
    for name, more in (("default", {"uploads": {"prefix": "volume://media/uploads", "ttl": "48h"}}), ("bare", {})):
        body = {
            "apiVersion": API_VERSION,
            "kind": "RenderPool",
            "metadata": {"name": name},
            "spec": {
                "volumes": [{"name": "media", "source": {"emptyDir": {}}}],
                "storage": {"outputPrefix": "volume://media/out", **more, **storage},
            },
        }
        assert await cluster.kubernetes.create(RENDERPOOLS, cluster.namespace, body)


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    """The place of uploads of the pool `default`."""
    folder = tmp_path / "default"
    folder.mkdir()
    return folder


@pytest.fixture
async def replicas(apiserver: ApiServer, cluster: Cluster, uploads: Path) -> AsyncIterator[list[Caller]]:
    """Two gateways that know callers by their word."""
    await create_pools(cluster, maxSourceBytes=8_000_000)
    settings = Settings(uploads=str(uploads.parent), max_user_bytes=20_000_000)
    async with (
        Client(kubeconfig=apiserver.kubeconfig, namespace=cluster.namespace) as client,
        serving(create_app(Gateway(settings, client), by_name)) as one,
        serving(create_app(Gateway(settings, client), by_name)) as other,
    ):
        yield [one, other]


@pytest.fixture
def call(replicas: list[Caller]) -> Caller:
    return replicas[0]


async def ask(call: Caller, who: str, method: str, path: str, data: Any = None, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    data = io.BytesIO(data) if isinstance(data, bytes) else data
    return await call(method, path, data=data, headers={"Authorization": who, **sent})


async def bring(call: Caller, content: bytes, who: str = ANA, query: str = "name=holiday.jpeg") -> Answer:
    return await ask(call, who, "POST", f"assets?{query}", content, Content_Type="image/bmp")


async def tus(call: Caller, method: str, path: str, data: Any = None, who: str = ANA, **headers: str) -> Answer:
    return await ask(call, who, method, path, data, Tus_Resumable="1.0.0", **headers)


async def begin(call: Caller, length: int, metadata: str = "", **headers: str) -> str:
    answer = await tus(call, "POST", "assets/uploads", Upload_Length=str(length), Upload_Metadata=metadata, **headers)
    assert answer.status == 201, answer.text
    return str(answer.headers["Location"])


async def send(call: Caller, at: str, offset: int, content: Any, **headers: str) -> Answer:
    return await tus(call, "PATCH", at, content, Upload_Offset=str(offset), Content_Type=PART, **headers)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def make_old(folder: Path) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (0, 0))


def in_base64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


async def test_a_file_becomes_an_asset_that_is_what_its_bytes_say(call: Caller, uploads: Path) -> None:
    answer = await bring(call, PICTURE, query="name=..%2F..%2Fmy%20holiday.jpeg")
    digest = hashlib.sha256(PICTURE).hexdigest()
    assert answer.status == 201, answer.text
    asset = answer.json
    assert answer.headers["Location"] == f"/api/v1/assets/default.{digest}"
    assert (asset["id"], asset["user"], asset["name"]) == (f"default.{digest}", "ana", "my-holiday.png")
    assert (asset["type"], asset["bytes"], asset["sha256"]) == ("image/png", len(PICTURE), digest)
    assert asset["uri"] == f"volume://media/uploads/assets/ana/{digest}/my-holiday.png"
    assert files(uploads) == [f"assets/ana/{digest}/my-holiday.png"]
    assert (uploads / files(uploads)[0]).read_bytes() == PICTURE
    assert (await ask(call, VIEWER, "GET", f"assets/{asset['id']}")).json == asset
    spec = {"clips": [{"image": {"uri": asset["uri"]}, "duration": "1s"}]}
    assert (await call("POST", "jobs", json={"spec": spec}, headers={"Authorization": ANA})).status == 202


async def test_the_same_bytes_are_the_same_asset(call: Caller, uploads: Path) -> None:
    first = (await bring(call, PICTURE)).json
    again = (await bring(call, PICTURE, query="name=other.png")).json
    assert (again["id"], again["uri"], again["createdAt"]) == (first["id"], first["uri"], first["createdAt"])
    assert again["expiresAt"] >= first["expiresAt"]
    assert len(files(uploads)) == 1
    assert (await bring(call, PICTURE, BEN)).json["uri"] != first["uri"]


async def test_assets_are_seen_and_removed_by_their_owner_and_admins_alone(call: Caller, uploads: Path) -> None:
    asset = (await bring(call, PICTURE)).json
    at = f"assets/{asset['id']}"
    for method in ("GET", "DELETE"):
        answer = await ask(call, BEN, method, at)
        assert (answer.status, answer.json["reason"]) == (404, "NoSuchAsset")
    assert (await ask(call, VIEWER, "DELETE", at)).status == 403
    assert (await ask(call, BEN, "GET", "assets")).json["items"] == []
    assert (await ask(call, ROOT, "GET", "assets")).json["items"] == [asset]
    assert (await ask(call, ROOT, "GET", at)).json == asset
    assert (await ask(call, ROOT, "DELETE", at)).status == 204
    assert (await ask(call, ANA, "DELETE", at)).status == 404
    assert files(uploads) == []


async def test_a_list_has_pages_the_newest_first(call: Caller) -> None:
    made = [(await bring(call, PICTURE + bytes([number]))).json["id"] for number in range(5)]
    found, query = [], "limit=2"
    while query:
        page = (await ask(call, ANA, "GET", f"assets?{query}")).json
        assert len(page["items"]) <= 2
        found += [item["id"] for item in page["items"]]
        query = page["next"] and f"limit=2&cursor={page['next']}"
    assert found == made[::-1]


async def test_what_is_refused_leaves_nothing(call: Caller, uploads: Path) -> None:
    async def without_length() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield FILM[:1_000_000]

    tried = {
        (415, "UnsupportedMediaType"): await bring(call, b"<!doctype html><script>alert(1)</script>" * 300),
        (413, "TooLarge"): await bring(call, b"\x89PNG\r\n\x1a\n" + bytes(8_000_000)),
        (460, "ChecksumMismatch"): await bring(call, PICTURE, query=f"sha256={'0' * 64}"),
        (404, "NoUploads"): await bring(call, PICTURE, query="pool=bare"),
        (422, "Invalid"): await bring(call, PICTURE, query="sha256=1"),
    }
    assert {(answer.status, answer.json["reason"]) for answer in tried.values()} == set(tried)
    assert (await bring(call, b"")).status == 415
    assert (await bring(call, PICTURE, query="pool=missing")).status == 404
    with suppress(aiohttp.ClientError):  # it may be closed while more is sent
        assert (await ask(call, ANA, "POST", "assets", without_length())).status == 413
    assert files(uploads) == []


async def test_a_user_has_no_more_than_a_share(call: Caller, uploads: Path) -> None:
    for number in range(2):
        assert (await bring(call, b"\xff\xd8\xff" + bytes([number]) * 7_000_000)).status == 201
    await begin(call, 5_000_000)
    answer = await bring(call, b"\xff\xd8\xff" + b"2" * 2_000_000)
    assert (answer.status, answer.json["reason"]) == (507, "QuotaExceeded")
    assert (await bring(call, b"\xff\xd8\xff" + b"3" * 2_000_000, BEN)).status == 201
    assert len([name for name in files(uploads) if name.startswith("assets/ana")]) == 2


async def test_an_upload_goes_on_at_another_replica(replicas: list[Caller], uploads: Path) -> None:
    one, other = replicas
    at = await begin(one, len(FILM), f"filename {in_base64('my film.mov')},sha256 {in_base64(sha256(FILM))}")
    assert (await send(one, at, 0, FILM[:1000])).headers["Upload-Offset"] == "1000"
    looked = await tus(other, "HEAD", at)
    assert (looked.status, looked.headers["Upload-Offset"]) == (200, "1000")
    assert (looked.headers["Upload-Length"], looked.headers["Cache-Control"]) == (str(len(FILM)), "no-store")
    wrong = await send(other, at, 0, FILM)
    assert (wrong.status, wrong.headers["Upload-Offset"]) == (409, "1000")
    assert (await ask(other, ANA, "GET", at)).json["asset"] is None
    ended = await send(other, at, 1000, FILM[1000:])
    assert (ended.status, ended.headers["Upload-Offset"]) == (204, str(len(FILM)))
    identity = ended.headers["VideoJob-Asset"]
    assert identity == f"default.{sha256(FILM)}"
    # Whoever did not get that answer asks again.
    looked = await tus(one, "HEAD", at)
    assert (looked.headers["Upload-Offset"], looked.headers["VideoJob-Asset"]) == (str(len(FILM)), identity)
    assert (await ask(one, ANA, "GET", at)).json["asset"]["name"] == "my-film.mp4"
    assert (uploads / f"assets/ana/{sha256(FILM)}/my-film.mp4").read_bytes() == FILM
    assert (await send(one, at, len(FILM), b"more")).status == 404
    assert (uploads / f"assets/ana/{sha256(FILM)}/my-film.mp4").read_bytes() == FILM


async def test_an_upload_may_begin_with_its_bytes(call: Caller) -> None:
    answer = await tus(call, "POST", "assets/uploads", PICTURE, Upload_Length=str(len(PICTURE)), Content_Type=PART)
    assert (answer.status, answer.headers["VideoJob-Asset"]) == (201, f"default.{sha256(PICTURE)}")


async def test_what_came_before_a_connection_was_lost_counts(call: Caller) -> None:
    at = await begin(call, len(FILM))

    async def cut_off() -> AsyncIterator[bytes]:
        yield FILM[:500_000]
        await asyncio.sleep(0.2)
        raise ConnectionError

    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await send(call, at, 0, cut_off())

    async def has_come() -> str | None:
        looked = await tus(call, "HEAD", at)
        return str(looked.headers["Upload-Offset"]) if looked.headers["Upload-Offset"] != "0" else None

    offset = int(await eventually(has_come))
    assert offset == 500_000
    ended = await send(call, at, offset, FILM[offset:])
    assert ended.headers["VideoJob-Asset"] == f"default.{sha256(FILM)}"


async def test_a_part_with_a_checksum_counts_when_it_is_right(call: Caller) -> None:
    at = await begin(call, len(PICTURE))
    right = {name: in_base64(hashlib.new(name, PICTURE[:1000]).digest()) for name in ("sha1", "sha256")}
    for checksum, status in ((f"sha1 {in_base64(bytes(20))}", 460), ("md5 AAAA", 400), ("sha1 ?", 400)):
        assert (await send(call, at, 0, PICTURE[:1000], Upload_Checksum=checksum)).status == status
        assert (await tus(call, "HEAD", at)).headers["Upload-Offset"] == "0"
    assert (await send(call, at, 0, PICTURE[:1000], Upload_Checksum=f"sha1 {right['sha1']}")).status == 204
    at = await begin(call, len(PICTURE))
    assert (await send(call, at, 0, PICTURE[:1000], Upload_Checksum=f"sha256 {right['sha256']}")).status == 204


async def test_one_writes_to_an_upload_at_a_time(replicas: list[Caller], uploads: Path) -> None:
    one, other = replicas
    at = await begin(one, len(FILM))
    go_on = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield FILM[:2_000_000]
        await go_on.wait()
        yield FILM[2_000_000:]

    sending = asyncio.create_task(send(one, at, 0, slowly()))

    async def is_written() -> bool:
        return size(uploads) > 100_000

    await eventually(is_written)
    assert (await send(other, at, 0, b"")).status == 423
    go_on.set()
    assert (await sending).headers["VideoJob-Asset"] == f"default.{sha256(FILM)}"


async def test_an_upload_is_its_users_and_can_be_given_up(call: Caller, uploads: Path) -> None:
    at = await begin(call, len(FILM))
    await send(call, at, 0, FILM[:1000])
    for method in ("HEAD", "GET", "DELETE"):
        assert (await tus(call, method, at, who=BEN)).status == 404
    assert (await tus(call, "DELETE", at)).status == 204
    assert (await tus(call, "HEAD", at)).status == 404
    assert files(uploads) == []


async def test_an_upload_that_is_no_media_is_refused_as_soon_as_that_is_seen(call: Caller, uploads: Path) -> None:
    at = await begin(call, 7_000_000)
    answer = await send(call, at, 0, b"MZ" + bytes(5000))
    assert (answer.status, answer.json["reason"]) == (415, "UnsupportedMediaType")
    assert files(uploads) == []
    at = await begin(call, len(PICTURE), f"sha256 {in_base64('0' * 64)}")
    assert (await send(call, at, 0, PICTURE)).status == 460
    assert files(uploads) == []


async def test_more_than_was_announced_is_refused(call: Caller) -> None:
    at = await begin(call, 1000)
    assert (await send(call, at, 0, PICTURE)).status == 413
    assert (await tus(call, "POST", "assets/uploads", Upload_Length="9000000")).status == 413
    assert (await tus(call, "POST", "assets/uploads", Upload_Length="-1")).status == 422


async def test_another_version_of_tus_is_refused(call: Caller) -> None:
    answer = await ask(call, ANA, "POST", "assets/uploads", Upload_Length="1", Tus_Resumable="0.2.0")
    assert (answer.status, answer.headers["Tus-Version"]) == (412, "1.0.0")
    described = await ask(call, ANA, "OPTIONS", "assets/uploads")
    assert (described.status, described.headers["Tus-Version"]) == (204, "1.0.0")
    assert "termination" in described.headers["Tus-Extension"]


async def test_an_upload_that_is_left_goes(call: Caller, uploads: Path) -> None:
    at = await begin(call, len(FILM))
    make_old(uploads)
    assert (await tus(call, "HEAD", at)).status == 404
    await bring(call, PICTURE)  # when the next comes
    assert [name for name in files(uploads) if name.startswith("partial")] == []


async def test_an_upload_to_a_volume_comes_by_tus_and_may_be_completed(call: Caller) -> None:
    at = await begin(call, len(PICTURE))
    signed = await ask(call, ANA, "POST", f"{at}/parts")
    assert (signed.status, signed.json["reason"]) == (409, "NotInStore")
    assert "by tus" in signed.json["detail"]
    assert (await ask(call, BEN, "POST", f"{at}/parts")).status == 404
    assert (await send(call, at, 0, PICTURE[:1000])).status == 204
    early = await ask(call, ANA, "POST", f"{at}/complete")
    assert (early.status, early.json["reason"]) == (409, "NotWhole")
    ended = await send(call, at, 1000, PICTURE[1000:])
    done = await ask(call, ANA, "POST", f"{at}/complete")
    assert (done.status, done.json["id"]) == (201, ended.headers["VideoJob-Asset"])
    assert (await ask(call, BEN, "POST", f"{at}/complete")).status == 404


async def test_no_link_is_followed(call: Caller, uploads: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (uploads / "assets").mkdir()
    (uploads / "assets" / "ana").symlink_to(elsewhere)
    answer = await bring(call, PICTURE)
    assert (answer.status, answer.json["reason"]) == (503, "VolumeFails")
    (uploads / "assets" / "ana").unlink()
    (uploads / "assets" / "ana" / sha256(PICTURE)).mkdir(parents=True)
    secret = tmp_path / "secret.png"
    secret.write_bytes(PICTURE)
    (uploads / "assets" / "ana" / sha256(PICTURE) / "a.png").symlink_to(secret)
    assert (await ask(call, ANA, "GET", f"assets/default.{sha256(PICTURE)}")).status == 404
    at = await begin(call, len(PICTURE))
    part = uploads / "partial" / "ana" / at.rpartition(".")[2]
    part.unlink()
    part.symlink_to(secret)
    assert (await send(call, at, len(PICTURE), b"more")).status in {404, 503}
    assert secret.read_bytes() == PICTURE
    assert list(elsewhere.iterdir()) == []


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
