"""What the API server and the network say becomes one of our errors; reads are tried again, and writes are not."""

import asyncio

import pytest
from kubernetes.aio.client.configuration import Configuration

from tests.integration.apiserver import ApiServer
from tests.integration.client.conftest import SPEC
from tests.integration.client.proxy import Proxy
from tests.ports import free_port
from videojob_client import (
    Client,
    ClientError,
    ForbiddenError,
    NotFoundError,
    UnauthorizedError,
    UnavailableError,
    errors,
    wait_errors,
)


async def test_a_read_is_tried_again(proxied: Client, proxy: Proxy) -> None:
    await proxied.videojobs.create("read", SPEC)
    proxy.requests.clear()
    proxy.faults = [None, 503, 429]
    assert (await proxied.videojobs.get("read")).metadata.name == "read"
    assert len(proxy.requests) == 4


async def test_a_page_is_tried_again_and_no_job_comes_twice(proxied: Client, proxy: Proxy) -> None:
    for number in range(4):
        await proxied.videojobs.create(f"job-{number}", SPEC)
    names = []
    async for job in proxied.videojobs.list(page_size=2):
        names.append(job.metadata.name)
        if len(names) == 2:
            proxy.faults = [None, 500]
    assert names == ["job-0", "job-1", "job-2", "job-3"]


async def test_a_read_that_always_fails_says_what_was_asked(proxied: Client, proxy: Proxy) -> None:
    proxy.faults = [503] * 10
    with pytest.raises(UnavailableError, match=r"GET /apis/videojob\.dev/.*/read: 503 no backend") as caught:
        await proxied.videojobs.get("read")
    assert (caught.value.code, len(proxy.requests)) == (503, 5)


@pytest.mark.parametrize("fault", [None, 503])
async def test_a_write_is_made_once(proxied: Client, proxy: Proxy, fault: int | None) -> None:
    await proxied.videojobs.create("written", SPEC)
    proxy.requests.clear()
    for write in (proxied.videojobs.create("other", SPEC), proxied.videojobs.cancel("written")):
        proxy.faults = [fault]
        with pytest.raises(UnavailableError) as caught:
            await write
        assert caught.value.code == (fault or 0)
    assert [request.split()[0] for request in proxy.requests] == ["POST", "PATCH"]


async def test_a_delete_that_was_refused_is_not_made_again(proxied: Client, proxy: Proxy) -> None:
    await proxied.videojobs.create("kept", SPEC)
    proxy.faults = [503]
    with pytest.raises(UnavailableError):
        await proxied.videojobs.delete("kept")
    assert (await proxied.videojobs.get("kept")).metadata.deleted_at is None


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    configuration = Configuration(host=f"http://127.0.0.1:{free_port()}")
    async with Client(configuration=configuration) as client:
        with pytest.raises(UnavailableError) as caught:
            await client.videojobs.create("unsent", SPEC)
    assert (caught.value.code, caught.value.reason) == (0, "NoAnswer")


async def test_a_server_that_is_silent_is_unavailable() -> None:
    done = asyncio.Event()

    async def silence(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()
        await writer.wait_closed()

    port = free_port()
    async with await asyncio.start_server(silence, "127.0.0.1", port):
        configuration = Configuration(host=f"http://127.0.0.1:{port}")
        async with Client(configuration=configuration, timeout_s=0.2) as client:
            with pytest.raises(UnavailableError):
                await client.videojobs.create("unanswered", SPEC)
        done.set()
        await asyncio.sleep(0.1)


async def test_who_is_not_known_is_told(configuration: Configuration, namespace: str) -> None:
    configuration.api_key["BearerToken"] = "Bearer of-someone-else"
    async with Client(configuration=configuration, namespace=namespace) as client:
        with pytest.raises(UnauthorizedError):
            await client.videojobs.get("secret")


async def test_who_may_not_is_told_what(apiserver: ApiServer, configuration: Configuration, namespace: str) -> None:
    apiserver.create_account("nobody", namespace)
    token = apiserver.kubectl("create", "token", "nobody", "-n", namespace)
    configuration.api_key["BearerToken"] = f"Bearer {token.stdout.strip()}"
    async with Client(configuration=configuration, namespace=namespace) as client:
        with pytest.raises(ForbiddenError, match='cannot get resource "videojobs"') as caught:
            await client.videojobs.get("secret")
    assert caught.value.reason == "Forbidden"


async def test_what_is_not_there_is_told(client: Client) -> None:
    for asked in (
        client.videojobs.get("nowhere"),
        client.videojobs.patch("nowhere", {"spec": {"suspend": True}}),
        client.videojobs.cancel("nowhere"),
        client.videojobs.delete("nowhere"),
        client.videojobs.events("nowhere"),
        anext(client.videojobs.logs("nowhere")),
    ):
        with pytest.raises(NotFoundError, match='"nowhere" not found'):
            await asked


async def test_a_name_cannot_lead_to_another_path(client: Client) -> None:
    with pytest.raises(NotFoundError):
        await client.videojobs.get("../renderpools/default")


def test_the_tree_in_the_docstring_is_that_of_the_classes() -> None:
    drawn: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        mark = next((at for at in (line.find("├"), line.find("└")) if at >= 0), -1)
        name = line.replace("│", " ").lstrip(" ├└─").split(" ")[0]
        if name.endswith("Error"):
            drawn.append(((mark + 4) // 4 if mark >= 0 else 0, name))
    parents: dict[int, str] = {}
    tree = {}
    for depth, name in drawn:
        parents[depth] = name
        tree[name] = parents.get(depth - 1)
    classes = {
        kind
        for kind in (vars(errors) | vars(wait_errors)).values()
        if isinstance(kind, type) and issubclass(kind, ClientError)
    }
    assert tree == {kind.__name__: None if kind is ClientError else kind.__bases__[0].__name__ for kind in classes}
