"""Assets in object stores: over real HTTP, on a real server of each provider."""

import asyncio
import hashlib
import io
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from tests.integration.gateway.conftest import eventually
from tests.integration.gateway.stores import LONG, PREFIX, Store, make_store, pem, s3_store, sha256, store
from tests.integration.gateway.test_assets import ANA, BEN, PICTURE, ROOT, ask, begin, bring, in_base64, send, tus
from tests.integration.objects.conftest import azure, direct, gcs, s3
from tests.integration.objects.servers import BUCKET
from videojob_gateway.assets.store_parts import PART_BYTES

__all__ = ["azure", "direct", "gcs", "make_store", "pem", "s3", "s3_store", "store"]


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


async def test_what_is_brought_again_stays_and_what_is_left_goes(s3_store: Store) -> None:
    young, old = [(await bring(s3_store.one, PICTURE + bytes([number]))).json for number in range(2)]
    left, kept = await begin(s3_store.one, len(LONG)), await begin(s3_store.one, len(LONG))
    for at in (left, kept):
        assert (await send(s3_store.one, at, 0, LONG[:1000])).status == 204
    folder = s3_store.server.folder / "data" / BUCKET / PREFIX
    for below, hours in ((f"assets/ana/{old['sha256']}", 13), (f"partial/ana/{left.rpartition('.')[2]}", 25)):
        written = (datetime.now(UTC) - timedelta(hours=hours)).timestamp()
        for path in (folder / below).iterdir():
            os.utime(path, (written, written))
    assert (await ask(s3_store.one, ANA, "GET", f"assets/{old['id']}")).json["expiresAt"] < old["expiresAt"]
    again = [(await bring(s3_store.other, PICTURE + bytes([number]), query="name=x")).json for number in range(2)]
    assert again[0] == young
    assert again[1]["expiresAt"] >= old["expiresAt"]  # written again, as a quarter of its 48 hours was over
    assert (again[1]["id"], again[1]["uri"]) == (old["id"], old["uri"])
    assert (await tus(s3_store.one, "HEAD", left)).status == 404
    await begin(s3_store.one, 1000)  # when the next comes
    assert not [path for path in s3_store.paths() if left.rpartition(".")[2] in path]
    assert (await tus(s3_store.one, "HEAD", kept)).headers["Upload-Offset"] == "1000"
