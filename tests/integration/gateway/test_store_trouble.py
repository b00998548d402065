"""Object stores that do not take uploads: what is said of it, and what is not."""

import logging
from typing import Any

import pytest

from tests.integration.gateway.stores import LONG, PREFIX, Store, make_store, s3_store, sha256
from tests.integration.gateway.test_assets import ANA, PICTURE, ask, begin, bring, send
from tests.integration.objects.conftest import direct, s3
from tests.integration.objects.faulty_proxy import Fault, FaultyProxy, reset, running
from tests.integration.objects.servers import Server, add_account, let_below

__all__ = ["direct", "make_store", "s3", "s3_store"]


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
