"""Assets in object stores: over real HTTP, on a real server of each provider."""

import asyncio
import hashlib
import io
import json
import logging
import os
import re
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import Cluster
from tests.integration.gateway.conftest import Answer, Caller, eventually, serving
from tests.integration.gateway.test_access import by_name
from tests.integration.gateway.test_assets import ANA, BEN, FILM, PICTURE, ROOT, ask, begin, bring, in_base64, send, tus
from tests.integration.objects.conftest import azure, direct, gcs, s3
from tests.integration.objects.faulty_proxy import Fault, FaultyProxy, MultipartProxy, reset, running
from tests.integration.objects.servers import BUCKET, Server, add_account, let_below
from videojob_client import Client
from videojob_contract.api_paths import RENDERPOOLS
from videojob_contract.resources import API_VERSION
from videojob_gateway.app import create_app
from videojob_gateway.assets.store_parts import PART_BYTES
from videojob_gateway.auth.authentication import nobody_is_asked
from videojob_gateway.config import Settings
from videojob_gateway.gateway import Gateway

__all__ = ["azure", "direct", "gcs", "s3"]

LONG = FILM[:24] + os.urandom(2 * PART_BYTES + 12345)
PREFIX = "a place/uploads"


@dataclass(frozen=True)
class Store:
    """A store with the place of uploads of the pool `default`, and gateways."""

    server: Server
    one: Caller
    other: Caller
    open_to_all: Caller
    """A third, where nobody is asked who they are."""
    secrets: Path
    """Where the pool's Secret is."""
    pool: dict[str, Any]
    """The pool's spec."""

    def paths(self) -> list[str]:
        """Return what there is below the prefix."""
        begin = f"{PREFIX}/"
        return sorted(
            found["path"].removeprefix(begin)
            for page in self.server.admin().list(PREFIX)
            for found in page
            if found["path"].startswith(begin)
        )

    def content(self, path: str) -> bytes:
        return bytes(self.server.admin().get(f"{PREFIX}/{path}").bytes())

    def write_secret(self, **changes: str) -> None:
        """Write the pool's Secret; `changes` differ from the right one."""
        right = self.server.secrets | ({"ca.crt": self.server.authority} if self.server.authority else {})
        for name, value in (right | changes).items():
            (self.secrets / name).write_text(value)


@pytest.fixture(scope="session")
def pem() -> str:
    command = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


async def create_pool(cluster: Cluster, server: Server, endpoint: str) -> dict[str, Any]:
    """Create the pool `default`, and return its spec."""
    entry = server.entry(endpoint=endpoint).model_dump(mode="json", by_alias=True, exclude_none=True)
    uploads = {"prefix": f"{server.provider}://{BUCKET}/{PREFIX.replace(' ', '%20')}", "ttl": "48h"}
    prefix = f"{server.provider}://{BUCKET}/out"
    storage = {"outputPrefix": prefix, "objects": [entry], "uploads": uploads, "maxSourceBytes": 40_000_000}
    body = {
        "apiVersion": API_VERSION,
        "kind": "RenderPool",
        "metadata": {"name": "default"},
        "spec": {"storage": storage},
    }
    assert await cluster.kubernetes.create(RENDERPOOLS, cluster.namespace, body)
    return {"storage": storage}


@pytest.fixture
async def make_store(apiserver: ApiServer, cluster: Cluster, tmp_path: Path) -> AsyncIterator[Any]:
    """Return what serves the uploads of a pool that are in a store, which is empty."""
    async with AsyncExitStack() as stack:

        async def make(server: Server, endpoint: str = "") -> Store:
            server.admin().delete([found["path"] for page in server.admin().list() for found in page])
            pool = await create_pool(cluster, server, endpoint or server.url)
            secrets = tmp_path / "secrets" / "default"
            secrets.mkdir(parents=True)
            settings = Settings(upload_secrets=str(secrets.parent), max_user_bytes=60_000_000)
            kubeconfig, namespace = apiserver.kubeconfig, cluster.namespace
            client = await stack.enter_async_context(Client(kubeconfig=kubeconfig, namespace=namespace))
            one, other, open_to_all = [
                await stack.enter_async_context(serving(create_app(Gateway(settings, client), known)))
                for known in (by_name, by_name, nobody_is_asked)
            ]
            store = Store(server, one, other, open_to_all, secrets, pool)
            store.write_secret()
            return store

        yield make


@pytest.fixture
async def s3_store(s3: Server, make_store: Any) -> Store:
    store: Store = await make_store(s3)
    return store


@pytest.fixture(params=["s3", "gcs", "azure"])
async def store(request: pytest.FixtureRequest, make_store: Any, pem: str) -> AsyncIterator[Store]:
    """A store of each provider in turn."""
    server: Server = request.getfixturevalue(request.param)
    if server.provider != "gs":
        yield await make_store(server)
        return
    key = json.loads(server.secrets["GOOGLE_SERVICE_ACCOUNT_KEY"])
    signs = {**key, "disable_oauth": False, "client_email": "a@b", "private_key": pem, "private_key_id": "1"}
    server = replace(server, secrets={"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(signs)})
    async with running(MultipartProxy(server)) as proxy:
        yield await make_store(server, proxy.url)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def put(store: Store, part: dict[str, Any], content: bytes) -> int:
    """Put a part as any client of HTTP does: by what the answer says and nothing else."""
    context = ssl.create_default_context(cadata=store.server.authority) if store.server.authority else None
    data = io.BytesIO(content[part["offset"] : part["offset"] + part["bytes"]])
    session, url, headers = store.one.session, URL(part["url"], encoded=True), part["headers"]
    async with session.request(part["method"], url, data=data, headers=headers, ssl=context or True) as answer:
        await answer.read()
        return answer.status


async def signed(call: Caller, at: str, who: str = ANA, query: str = "") -> Answer:
    return await ask(call, who, "POST", f"{at}/parts{query}")


async def complete(call: Caller, at: str, who: str = ANA) -> Answer:
    return await ask(call, who, "POST", f"{at}/complete")


@pytest.mark.parametrize("content", [PICTURE, LONG], ids=["short", "long"])
async def test_a_file_becomes_an_asset_in_the_store(store: Store, content: bytes) -> None:
    answer = await bring(store.one, content, query="name=..%2Fmy%20holiday.xyz")
    assert answer.status == 201, answer.text
    asset, name = answer.json, "my-holiday.png" if content is PICTURE else "my-holiday.mp4"
    path = f"assets/ana/{sha256(content)}/{name}"
    assert asset["uri"] == f"{store.server.provider}://{BUCKET}/a%20place/uploads/{path}"
    assert (asset["bytes"], asset["sha256"], asset["name"]) == (len(content), sha256(content), name)
    assert store.paths() == [path]
    assert store.content(path) == content
    assert (await ask(store.other, ANA, "GET", f"assets/{asset['id']}")).json == asset
    again = (await bring(store.other, content, query="name=other")).json
    assert again == asset
    spec = {"clips": [{"image": {"uri": asset["uri"]}, "duration": "1s"}]}
    assert (await store.one("POST", "jobs", json={"spec": spec}, headers={"Authorization": ANA})).status == 202


async def test_a_form_brings_a_file_too(s3_store: Store) -> None:
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(PICTURE), filename="coffee.png")
    answer = await ask(s3_store.one, ANA, "POST", "assets", form)
    assert (answer.status, answer.json["name"]) == (201, "coffee.png")
    assert s3_store.content(s3_store.paths()[0]) == PICTURE


async def test_assets_are_listed_and_removed_by_their_owner_and_admins_alone(store: Store) -> None:
    made = [(await bring(store.one, PICTURE + bytes([number]))).json for number in range(3)]
    bens = (await bring(store.one, PICTURE + b"0", BEN)).json
    found, query = [], "limit=2"
    while query:
        page = (await ask(store.other, ANA, "GET", f"assets?{query}")).json
        found += page["items"]
        query = page["next"] and f"limit=2&cursor={page['next']}"
    assert sorted(each["id"] for each in found) == sorted(each["id"] for each in made)
    assert (await ask(store.one, BEN, "GET", "assets")).json["items"] == [bens]
    assert len((await ask(store.one, ROOT, "GET", "assets")).json["items"]) == 4
    at = f"assets/{made[0]['id']}"
    assert (await ask(store.one, BEN, "DELETE", at)).status == 404
    assert (await ask(store.other, ROOT, "GET", at)).json["id"] == made[0]["id"]
    assert (await ask(store.one, ROOT, "DELETE", at)).status == 204
    assert (await ask(store.other, ANA, "GET", at)).status == 404


async def test_what_is_refused_leaves_nothing_in_the_store(store: Store) -> None:
    tried = {
        (415, "UnsupportedMediaType"): await bring(store.one, b"<!doctype html><script>alert(1)</script>" * 300),
        (413, "TooLarge"): await bring(store.one, b"\x89PNG\r\n\x1a\n" + bytes(40_000_000)),
        (460, "ChecksumMismatch"): await bring(store.one, LONG, query=f"sha256={'0' * 64}"),
    }
    assert {(answer.status, answer.json["reason"]) for answer in tried.values()} == set(tried)
    assert (await bring(store.one, b"")).status == 415
    at = await begin(store.one, len(LONG), f"sha256 {in_base64('0' * 64)}")
    assert (await send(store.one, at, 0, LONG)).status == 460
    at = await begin(store.one, len(LONG))
    assert (await send(store.one, at, 0, b"MZ" + bytes(5000))).status == 415
    assert store.paths() == []


async def test_a_user_has_no_more_than_a_share_of_the_store(s3_store: Store) -> None:
    assert (await bring(s3_store.one, b"\xff\xd8\xff" + bytes(30_000_000))).status == 201
    await begin(s3_store.one, 20_000_000)
    answer = await bring(s3_store.one, b"\xff\xd8\xff" + b"2" * 11_000_000)
    assert (answer.status, answer.json["reason"]) == (507, "QuotaExceeded")
    assert (await bring(s3_store.one, b"\xff\xd8\xff" + b"2" * 11_000_000, BEN)).status == 201


async def test_an_upload_goes_on_at_another_gateway_where_it_was_cut_off(store: Store) -> None:
    said = f"filename {in_base64('my film.mov')},sha256 {in_base64(sha256(LONG))}"
    at = await begin(store.one, len(LONG), said)

    async def cut_off() -> AsyncIterator[bytes]:
        yield LONG[: PART_BYTES + 500_000]
        await asyncio.sleep(0.2)
        raise ConnectionError

    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await send(store.one, at, 0, cut_off())

    async def has_come() -> int:
        offset = int((await tus(store.other, "HEAD", at)).headers["Upload-Offset"])
        return offset if offset == PART_BYTES + 500_000 else 0

    offset = await eventually(has_come, 60)
    assert (await ask(store.other, BEN, "GET", at)).status == 404
    ended = await send(store.other, at, offset, LONG[offset:])
    assert (ended.status, ended.headers["Upload-Offset"]) == (204, str(len(LONG)))
    identity = ended.headers["VideoJob-Asset"]
    assert identity == f"default.{sha256(LONG)}"
    assert store.content(f"assets/ana/{sha256(LONG)}/my-film.mp4") == LONG
    looked = await tus(store.one, "HEAD", at)  # whoever did not get that answer asks again
    assert (looked.headers["Upload-Offset"], looked.headers["VideoJob-Asset"]) == (str(len(LONG)), identity)
    assert (await ask(store.one, ANA, "GET", at)).json["asset"]["name"] == "my-film.mp4"
    assert (await send(store.one, at, len(LONG), b"more")).status == 404
    assert [key for key in store.paths() if key.startswith("partial") and "/asset." not in key] == []


async def test_an_upload_ends_whatever_its_parts_are_and_nobody_says_a_digest(store: Store) -> None:
    at, offset = await begin(store.one, len(LONG)), 0
    for end in (1, 3000, PART_BYTES - 1, 2 * PART_BYTES, len(LONG)):
        answer = await send((store.one, store.other)[end % 2], at, offset, LONG[offset:end])
        assert (answer.status, answer.headers["Upload-Offset"]) == (204, str(end))
        offset = end
    assert answer.headers["VideoJob-Asset"] == f"default.{sha256(LONG)}"
    assert store.content(f"assets/ana/{sha256(LONG)}/file.mp4") == LONG


async def test_a_part_counts_when_its_checksum_is_right(s3_store: Store) -> None:
    at = await begin(s3_store.one, len(LONG))
    wrong = await send(s3_store.one, at, 0, LONG, Upload_Checksum=f"sha1 {in_base64(bytes(20))}")
    assert wrong.status == 460
    assert (await tus(s3_store.one, "HEAD", at)).headers["Upload-Offset"] == "0"
    right = in_base64(hashlib.sha256(LONG).digest())
    ended = await send(s3_store.one, at, 0, LONG, Upload_Checksum=f"sha256 {right}")
    assert ended.headers["VideoJob-Asset"] == f"default.{sha256(LONG)}"


async def test_of_two_who_write_to_an_upload_one_goes_on(s3_store: Store) -> None:
    at = await begin(s3_store.one, len(LONG))
    go_on = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield LONG[:3_000_000]
        await go_on.wait()
        yield LONG[3_000_000:]

    sending = asyncio.create_task(send(s3_store.one, at, 0, slowly()))
    assert (await send(s3_store.other, at, 0, LONG[: PART_BYTES + 1])).status == 204
    go_on.set()
    with suppress(aiohttp.ClientError):  # it may be closed while more is sent
        answer = await sending
        assert (answer.status, answer.json["reason"]) == (423, "Locked")
    offset = int((await tus(s3_store.one, "HEAD", at)).headers["Upload-Offset"])
    assert offset == PART_BYTES + 1
    ended = await send(s3_store.one, at, offset, LONG[offset:])
    assert ended.headers["VideoJob-Asset"] == f"default.{sha256(LONG)}"


async def test_an_upload_that_is_given_up_is_gone_from_the_store(store: Store) -> None:
    at = await begin(store.one, len(LONG))
    await send(store.one, at, 0, LONG[:1000])
    assert (await tus(store.other, "DELETE", at)).status == 204
    assert (await tus(store.one, "HEAD", at)).status == 404
    assert store.paths() == []


async def test_parts_are_put_straight_to_the_store_and_completed(store: Store) -> None:
    at = await begin(store.one, len(LONG), f"filename {in_base64('film.mp4')}")
    assert (await send(store.one, at, 0, LONG[:1000])).status == 204  # and go on from what came by tus
    answer = await signed(store.one, at, query="?limit=1")
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    assert (answer.json["missing"], answer.json["partBytes"]) == (3, PART_BYTES)
    assert await put(store, answer.json["parts"][0], LONG) in {200, 201}
    looked = await tus(store.other, "HEAD", at)
    assert looked.headers["Upload-Offset"] == str(PART_BYTES)
    early = await complete(store.other, at)
    assert (early.status, early.json["reason"]) == (409, "NotWhole")
    rest = (await signed(store.other, at)).json["parts"]
    assert [(part["number"], part["bytes"]) for part in rest] == [(2, PART_BYTES), (3, len(LONG) - 2 * PART_BYTES)]
    assert await put(store, rest[1], LONG) in {200, 201}
    assert [part["number"] for part in (await signed(store.one, at)).json["parts"]] == [2]
    assert (await complete(store.one, at)).status == 409
    ended = await send(store.one, at, PART_BYTES, LONG[PART_BYTES : 2 * PART_BYTES])  # and by tus again
    assert ended.status == 204, ended.text
    assert (await signed(store.one, at)).json["parts"] == []
    done = await complete(store.one, at)
    assert (done.status, done.json["sha256"]) == (201, sha256(LONG)), done.text
    assert done.headers["Location"] == f"/api/v1/assets/default.{sha256(LONG)}"
    assert (await complete(store.other, at)).json == done.json
    assert store.content(f"assets/ana/{sha256(LONG)}/film.mp4") == LONG
    # What is put afterwards is no part of the asset.
    await put(store, rest[1], LONG[::-1])
    assert store.content(f"assets/ana/{sha256(LONG)}/film.mp4") == LONG
    assert (await signed(store.one, at)).status == 404


async def test_parts_that_are_wrong_become_no_asset(s3_store: Store) -> None:
    at = await begin(s3_store.one, len(LONG), f"sha256 {in_base64(sha256(LONG))}")
    assert (await signed(s3_store.one, at, BEN)).status == 404
    assert (await complete(s3_store.one, at, BEN)).status == 404
    parts = (await signed(s3_store.one, at)).json["parts"]
    long = {**parts[0], "bytes": PART_BYTES + 1}
    assert await put(s3_store, long, LONG) == 200
    assert (await tus(s3_store.one, "HEAD", at)).headers["Upload-Offset"] == "0"
    assert (await complete(s3_store.one, at)).status == 409
    other = LONG[:PART_BYTES] + bytes(len(LONG) - PART_BYTES)
    assert [await put(s3_store, part, other) for part in parts] == [200] * 3
    assert (await complete(s3_store.one, at)).status == 460
    assert s3_store.paths() == []
    at = await begin(s3_store.one, 10_000)
    parts = (await signed(s3_store.one, at)).json["parts"]
    assert await put(s3_store, parts[0], b"MZ" + bytes(9_998)) == 200
    assert (await complete(s3_store.one, at)).status == 415
    assert s3_store.paths() == []


async def test_a_signed_url_is_for_its_part_alone(s3_store: Store) -> None:
    at = await begin(s3_store.one, 1000)
    [part] = (await signed(s3_store.one, at, query="?limit=1")).json["parts"]
    for changed in (part["url"].replace("partial", "assets"), part["url"].split("?")[0]):
        assert await put(s3_store, {**part, "url": changed}, LONG) == 403
    assert await put(s3_store, {**part, "method": "DELETE"}, LONG) == 403
    assert s3_store.server.secrets["AWS_SECRET_ACCESS_KEY"] not in part["url"]


async def test_the_documentation_says_how_parts_are_put(s3_store: Store, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(LONG)
    (tmp_path / "ca.crt").write_text(s3_store.server.authority)
    text = (Path(__file__).parents[3] / "docs" / "http.md").read_text()
    [lines] = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", lines.replace("http://localhost:8080", s3_store.open_to_all.url)),
        cwd=tmp_path,
        env={"SSL_CERT_FILE": str(tmp_path / "ca.crt"), "no_proxy": "127.0.0.1"},
        stdout=asyncio.subprocess.PIPE,
    )
    uri = (await process.communicate())[0].decode().strip()
    assert uri == f"s3://{BUCKET}/a%20place/uploads/assets/_/{sha256(LONG)}/file.mp4"
    assert s3_store.content(uri.partition("uploads/")[2]) == LONG


@pytest.mark.parametrize(
    ("secret", "status", "says"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "an-unlikely-secret"}, 502, "does not know the credentials"),
        ({"AWS_ACCESS_KEY_ID": "nobody-at-all"}, 502, "does not know the credentials"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, 502, "has no AWS_SECRET_ACCESS_KEY"),
        ({"ca.crt": ""}, 502, "put who signed it into ca.crt"),
    ],
)
async def test_credentials_that_do_not_do_are_told_and_mended_without_a_restart(
    s3_store: Store, caplog: pytest.LogCaptureFixture, secret: dict[str, str], status: int, says: str
) -> None:
    s3_store.write_secret(**secret)
    with caplog.at_level(logging.DEBUG):
        for answer in (await bring(s3_store.one, PICTURE), await ask(s3_store.one, ANA, "GET", "assets")):
            assert (answer.status, answer.json["reason"]) == (status, "StoreRefuses"), answer.text
            assert says in answer.json["detail"]
    for text in (answer.text, *(record.getMessage() for record in caplog.records)):
        assert "an-unlikely-secret" not in text
    s3_store.write_secret()
    assert (await bring(s3_store.one, PICTURE)).status == 201


async def test_rights_that_are_missing_are_named(s3_store: Store) -> None:
    account = add_account(s3_store.server, "gateway-account", "gateway-account-secret")
    let_below(s3_store.server, "gateway-account", PREFIX)  # which may list nothing
    s3_store.write_secret(**account)
    answer = await ask(s3_store.one, ANA, "GET", "assets")
    assert (answer.status, answer.json["reason"]) == (502, "StoreRefuses")
    assert "allow listing" in answer.json["detail"]


async def test_a_store_that_is_away_is_told_of_and_what_has_come_stays(s3: Server, make_store: Any) -> None:
    async with running(FaultyProxy(s3)) as proxy:
        store: Store = await make_store(s3, proxy.url)
        at = await begin(store.one, len(LONG))
        assert (await send(store.one, at, 0, LONG[:1000])).status == 204
        proxy.faults = [Fault(".", reset)]
        for answer in (await bring(store.one, PICTURE), await ask(store.one, ANA, "GET", at)):
            assert (answer.status, answer.json["reason"]) == (503, "StoreFails"), answer.text
            assert "the connection fails" in answer.json["detail"]
            assert answer.headers["Retry-After"] == "5"
        proxy.faults = []
        ended = await send(store.one, at, 1000, LONG[1000:])
        assert ended.headers["VideoJob-Asset"] == f"default.{sha256(LONG)}"


async def test_uploads_whose_secret_is_not_mounted_are_none(s3_store: Store) -> None:
    for file in s3_store.secrets.iterdir():
        file.unlink()
    s3_store.secrets.rmdir()
    answer = await bring(s3_store.one, PICTURE)
    assert (answer.status, answer.json["reason"]) == (404, "NoUploads")
    assert "Secret is not mounted" in answer.json["detail"]
