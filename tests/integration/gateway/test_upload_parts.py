"""Parts of uploads that any client of HTTP puts straight to the store, on a real server of each provider."""

import asyncio
import io
import re
import ssl
import sys
from pathlib import Path
from typing import Any

from yarl import URL

from tests.integration.gateway.conftest import Answer, Caller
from tests.integration.gateway.stores import LONG, Store, make_store, pem, s3_store, sha256, store
from tests.integration.gateway.test_assets import ANA, BEN, ask, begin, in_base64, send, tus
from tests.integration.objects.conftest import azure, direct, gcs, s3
from tests.integration.objects.servers import BUCKET
from videojob_gateway.assets.store_parts import PART_BYTES

__all__ = ["azure", "direct", "gcs", "make_store", "pem", "s3", "s3_store", "store"]


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
