"""The embedded Redis as its pod starts it: the chart's configuration and start script, on a real server."""

import os
import shutil
import subprocess
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis
from redis.exceptions import NoPermissionError

from tests.chart.helm import Rendered, render
from tests.ports import free_port
from videojob_contract.queue.connection import connect

PASSWORDS = {"OPERATOR": "blank and 'quotes' #1", "PREVIOUS": "$HOME >all", "ADMIN": "admin"}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    with started(render(), folder, port):
        wait(port, folder)
        yield port


@contextmanager
def started(chart: Rendered, folder: Path, port: int) -> Iterator[None]:
    (folder / "run").mkdir()
    for name, text in chart.one("ConfigMap", "videojob-redis")["data"].items():
        own = text.replace("/etc/redis-tls", str(folder)).replace("/etc/redis", str(folder))
        own = own.replace("/run/redis", str(folder / "run"))
        (folder / name).write_text(own.replace("port 6379", f"port {port}\nbind 127.0.0.1"))
    server = subprocess.Popen(
        ["sh", folder / "start.sh"],
        env={
            "PATH": os.environ["PATH"],
            "OPERATOR_USERNAME": "operator",
            "OPERATOR_PASSWORD": PASSWORDS["OPERATOR"],
            "OPERATOR_PREVIOUS_PASSWORD": PASSWORDS["PREVIOUS"],
            "REDISCLI_AUTH": PASSWORDS["ADMIN"],
        },
    )
    try:
        yield
    finally:
        server.terminate()
        server.wait(timeout=10)


def wait(port: int, folder: Path) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            with redis.Redis(port=port, password=PASSWORDS["ADMIN"]) as client:
                client.ping()
        except redis.ConnectionError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(f"redis-server did not start with {(folder / 'run' / 'users.acl').read_text()}")


def client(port: int, user: str) -> redis.Redis:
    return redis.Redis(port=port, username="operator", password=PASSWORDS[user], protocol=2, driver_info=None)


def test_nobody_gets_in_without_a_password(port: int) -> None:
    with redis.Redis(port=port) as anyone, pytest.raises(redis.AuthenticationError):
        anyone.ping()


def test_the_operator_may_queue_but_not_administer(port: int) -> None:
    with client(port, "OPERATOR") as operator:
        assert operator.hset("vj:{videojob/default}:weights", "low", "1")
        assert operator.script_load("return 1")
        for forbidden in ("FLUSHALL", "CONFIG GET *", "KEYS *", "ACL LIST", "SET other 1"):
            with pytest.raises(NoPermissionError):
                operator.execute_command(*forbidden.split())


def test_the_operators_previous_password_is_valid_while_there_is_one(port: int) -> None:
    with client(port, "PREVIOUS") as operator:
        assert operator.ping()


def test_there_are_no_users_but_the_administrator_the_operator_and_whom_it_makes(port: int) -> None:
    with redis.Redis(port=port, password=PASSWORDS["ADMIN"], decode_responses=True) as admin:
        assert admin.acl_users() == ["default", "operator"]
    with client(port, "OPERATOR") as operator:
        assert operator.execute_command("ACL SETUSER", "vj:a/b", "on", ">x", "~vj:{a/b}:*", "+ping")
    with redis.Redis(port=port, username="vj:a/b", password="x", protocol=2, driver_info=None) as worker:  # noqa: S106
        assert worker.ping()


def test_redis_cli_is_the_administrator(port: int) -> None:
    program = shutil.which("redis-cli")
    assert program
    done = subprocess.run(
        [program, "-p", str(port), "FLUSHALL"],
        env={"REDISCLI_AUTH": PASSWORDS["ADMIN"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "OK\n"


def test_it_writes_nothing_to_disk_and_drops_nothing(port: int) -> None:
    with redis.Redis(port=port, password=PASSWORDS["ADMIN"], decode_responses=True) as admin:
        settings = admin.config_get("save", "appendonly", "maxmemory", "maxmemory-policy", "protected-mode")
    assert settings == {
        "save": "",
        "appendonly": "no",
        "maxmemory": str(256 * 1024**2),
        "maxmemory-policy": "noeviction",
        "protected-mode": "yes",
    }


async def test_with_tls_it_is_known_by_the_authority_in_its_secret(tmp_path: Path) -> None:
    chart, port = render({"redis": {"embedded": {"tls": {"enabled": True}}}}), free_port()
    files = {name: b64decode(text) for name, text in chart.one("Secret", "videojob-redis-tls")["data"].items()}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    url, ca = f"rediss://localhost:{port}/0", files["ca.crt"].decode()

    async def answers(url: str, ca: str | None) -> bool:
        client = connect(url, username="operator", password=PASSWORDS["OPERATOR"], ca=ca)
        try:
            return bool(await client.ping())
        finally:
            await client.aclose()

    with started(chart, tmp_path, port):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with suppress(redis.ConnectionError):
                assert await answers(url, ca)
                break
        else:
            raise AssertionError("redis-server does not speak TLS")
        with pytest.raises(redis.ConnectionError, match="CERTIFICATE_VERIFY_FAILED"):
            await answers(url, None)
        with pytest.raises(redis.ConnectionError):
            await answers(url.replace("rediss", "redis"), None)
    environment = chart.environment("videojob-operator")
    assert environment["VIDEOJOB_REDIS_URL"] == "rediss://videojob-redis.videojob.svc:6379/0"
    assert environment["VIDEOJOB_REDIS_CA"] == {"secretKeyRef": {"name": "videojob-redis-tls", "key": "ca.crt"}}
