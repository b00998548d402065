"""Hooks are listed seldom, whoever asks and however often: on a real API server, whose requests are counted."""

import asyncio
from typing import Any

import pytest

from tests.integration.client.conftest import Cluster, client, cluster, configuration, proxied, proxy
from tests.integration.client.proxy import Proxy
from videojob_client import Client, UnavailableError
from videojob_contract.api_paths import VIDEOHOOKS
from videojob_contract.resources import API_VERSION
from videojob_gateway.errors import HookFailsError, NoSuchHookError
from videojob_gateway.hooks.hook_book import FRESH_S, HookBook

__all__ = ["client", "cluster", "configuration", "proxied", "proxy"]


async def create(cluster: Cluster, name: str, **spec: Any) -> None:
    given = {"verification": {"scheme": "GitHub", "secretKey": name}, "job": {"templateRef": {"name": "a"}}} | spec
    body = {"apiVersion": API_VERSION, "kind": "VideoHook", "metadata": {"name": name}, "spec": given}
    assert await cluster.kubernetes.create(VIDEOHOOKS, cluster.namespace, body)


async def test_names_that_nobody_has_ask_nothing_more(cluster: Cluster, proxied: Client, proxy: Proxy) -> None:
    await create(cluster, "releases")
    now = [0.0]
    book = HookBook(lambda: now[0])
    found = await asyncio.gather(*(book.get("releases", proxied.videohooks) for _ in range(20)))
    assert {each.verification.secret_key for each in found} == {"releases"}
    for number in range(100):
        with pytest.raises(NoSuchHookError):
            await book.get(f"guess-{number}", proxied.videohooks)
    assert len(proxy.requests) == 1
    await create(cluster, "other")
    await cluster.kubernetes.delete(VIDEOHOOKS, cluster.namespace, "releases")
    now[0] = FRESH_S
    assert await book.get("other", proxied.videohooks)
    with pytest.raises(NoSuchHookError):
        await book.get("releases", proxied.videohooks)
    assert len(proxy.requests) == 2


async def test_an_api_server_that_is_away_is_asked_once_for_all_who_wait(
    cluster: Cluster, proxied: Client, proxy: Proxy
) -> None:
    await create(cluster, "releases")
    now = [0.0]
    book = HookBook(lambda: now[0])
    proxy.faults = [503] * 100
    found = await asyncio.gather(*(book.get("releases", proxied.videohooks) for _ in range(20)), return_exceptions=True)
    assert {type(each) for each in found} == {UnavailableError}
    one = len(proxy.requests)  # with what the client tries again by itself
    assert one < 20
    proxy.faults = []
    with pytest.raises(UnavailableError):
        await book.get("releases", proxied.videohooks)
    assert len(proxy.requests) == one
    now[0] = FRESH_S
    assert await book.get("releases", proxied.videohooks)


async def test_one_that_rests_or_cannot_be_read_takes_nothing(cluster: Cluster, client: Client) -> None:
    await create(cluster, "resting", suspend=True)
    await create(cluster, "wrong", job={"templateRef": {"name": "a"}, "parameters": [{"name": "a"}]})
    book = HookBook()
    with pytest.raises(NoSuchHookError):
        await book.get("resting", client.videohooks)
    with pytest.raises(HookFailsError):
        await book.get("wrong", client.videohooks)
