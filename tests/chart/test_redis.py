"""The embedded Redis as its pod starts it: the chart's configuration and start script, on a real server."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.exceptions import NoPermissionError

from tests.chart.helm import render
from tests.ports import free_port

PASSWORDS = {"OPERATOR": "blank and 'quotes' #1", "PREVIOUS": "$HOME >all", "ADMIN": "admin"}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder, port = tmp_path_factory.mktemp("redis"), free_port()
    (folder / "run").mkdir()
    for name, text in render().one("ConfigMap", "videojob-redis")["data"].items():
        own = text.replace("/etc/redis", str(folder)).replace("/run/redis", str(folder / "run"))
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
        wait(port, folder)
        yield port
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
