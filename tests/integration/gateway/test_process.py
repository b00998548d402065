"""The gateway as a process of its own, as it runs in a pod."""

import asyncio
import os
import re
import resource
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.integration.apiserver import ApiServer
from tests.integration.gateway.conftest import Caller

PROGRAM = Path(sys.executable).parent / "videojob-gateway"


@asynccontextmanager
async def running(
    first: Callable[[], None] | None = None, **env: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.StreamReader]]:
    """Run the program, with its log to be read, after something that is done in its process."""
    process = await asyncio.create_subprocess_exec(
        PROGRAM, env=os.environ | env, stderr=asyncio.subprocess.PIPE, preexec_fn=first
    )
    assert process.stderr is not None
    try:
        yield process, process.stderr
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def port_of(log: asyncio.StreamReader) -> int:
    """Read a log up to where it says the port."""
    said = b""
    while not (found := re.search(rb"on port (\d+)", said)):
        line = await log.readline()
        assert line, said
        said += line
    return int(found[1])


async def test_it_serves_until_it_is_told_to_end(apiserver: ApiServer, namespace: str) -> None:
    env = {"KUBECONFIG": str(apiserver.kubeconfig), "VIDEOJOB_NAMESPACE": namespace, "VIDEOJOB_PORT": "0"}
    async with running(**env) as (process, log), asyncio.timeout(60):
        port = await port_of(log)
        async with aiohttp.ClientSession() as session:
            answer = await Caller(session, f"http://127.0.0.1:{port}")("GET", "jobs")
            assert answer.status in {200, 503}
            assert "Server" not in answer.headers
            process.terminate()
            assert await process.wait() == 0
        said = await log.read()
        assert b'"request": ' in said
        assert b"Traceback" not in said


@pytest.mark.parametrize(
    ("trusted", "statuses"),
    [("", [401, 401, 429, 429]), ("127.0.0.1", [401, 401, 401, 401]), ("10.0.0.0/8", [401, 401, 429, 429])],
)
async def test_what_is_refused_counts_for_whoever_sends_it_as_trusted_proxies_say(
    apiserver: ApiServer, namespace: str, tmp_path: Path, trusted: str, statuses: list[int]
) -> None:
    env = {
        "KUBECONFIG": str(apiserver.kubeconfig),
        "VIDEOJOB_NAMESPACE": namespace,
        "VIDEOJOB_PORT": "0",
        "VIDEOJOB_API_KEYS": str(tmp_path),
        "VIDEOJOB_MAX_REFUSALS": "2",
        "VIDEOJOB_TRUSTED_PROXIES": trusted,
    }
    async with running(**env) as (process, log), asyncio.timeout(60), aiohttp.ClientSession() as session:
        call = Caller(session, f"http://127.0.0.1:{await port_of(log)}")
        found = []
        for number in range(4):
            headers = {"Authorization": "Bearer vjk_a_guess", "X-Forwarded-For": f"10.9.9.9, 192.0.2.{number}"}
            found.append((await call("GET", "jobs", headers=headers)).status)
        assert found == statuses
        process.terminate()
        await log.read()


async def test_it_has_as_many_connections_as_the_system_allows(apiserver: ApiServer, namespace: str) -> None:
    env = {"KUBECONFIG": str(apiserver.kubeconfig), "VIDEOJOB_NAMESPACE": namespace, "VIDEOJOB_PORT": "0"}
    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 200))  # noqa: E731
    async with running(few, **env) as (process, log), asyncio.timeout(60):
        assert b"on port" in await log.readline()
        assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE) == (200, 200)


async def test_without_an_api_server_it_says_so() -> None:
    async with running(KUBECONFIG="/nowhere", HOME="/nowhere") as (process, log), asyncio.timeout(60):
        said = await log.read()
        assert await process.wait() == 1
        assert b"no way to reach an API server" in said
        assert b"Traceback" not in said
